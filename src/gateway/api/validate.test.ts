import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Schema } from "./schema.ts";
import { parseInstant, validate } from "./validate.ts";

const PERSON: Schema = {
  type: "object",
  properties: {
    name: { type: "text", minLength: 1, maxLength: 8 },
    age: { type: "integer", minimum: 0, maximum: 150 },
    size: "bytes",
    height: "rate",
    role: { type: "text", enum: ["reader", "writer"] },
    born: "instant",
    active: "flag",
    friends: { type: "list", items: "text", minItems: 1, maxItems: 2 },
    labels: { type: "map", values: "text", entriesMax: 2 },
    ends: { type: "instant", nullable: true },
    extra: "any",
    decision: "Decision",
  },
  optional: ["age", "size", "height", "role", "born", "active", "friends", "labels", "ends", "extra", "decision"],
};

describe("validation", () => {
  const accepted: Record<string, object> = {
    "what is required": { name: "a" },
    "everything at its limits": { name: "12345678", age: 150, friends: ["a", "b"], labels: { x: "1", y: "2" } },
    "each kind of value": {
      name: "a",
      age: 0,
      height: 1.5,
      role: "writer",
      born: "2026-01-31T12:00:00Z",
      active: false,
    },
    "null where it may be": { name: "a", ends: null },
    "undefined for what may be left out": { name: "a", age: undefined },
    "any JSON where any is allowed": { name: "a", extra: [{ deep: [null] }] },
  };
  for (const [name, value] of Object.entries(accepted)) {
    test(`accepts ${name}`, () => validate(value, PERSON, "body"));
  }

  const refused: [value: unknown, path: string, message: RegExp][] = [
    [[], "body", /has to be an object/],
    [null, "body", /has to be an object/],
    [{}, "body.name", /is missing/],
    [{ name: 1 }, "body.name", /has to be text/],
    [{ name: "" }, "body.name", /is empty/],
    [{ name: "123456789" }, "body.name", /longer than 8/],
    [{ name: "a", age: 1.5 }, "body.age", /whole number/],
    [{ name: "a", age: -1 }, "body.age", /from 0 to 150/],
    [{ name: "a", age: "1" }, "body.age", /has to be a number/],
    [{ name: "a", size: -1 }, "body.size", /at least 0/],
    [{ name: "a", size: 0.5 }, "body.size", /whole number/],
    [{ name: "a", decision: "perhaps" }, "body.decision", /one of allow, deny/],
    [{ name: "a", height: Number.POSITIVE_INFINITY }, "body.height", /has to be a number/],
    [{ name: "a", role: "boss" }, "body.role", /one of reader, writer/],
    [{ name: "a", born: "yesterday" }, "body.born", /a time like/],
    [{ name: "a", active: "true" }, "body.active", /true or false/],
    [{ name: "a", friends: {} }, "body.friends", /has to be a list/],
    [{ name: "a", friends: [] }, "body.friends", /at least 1 item/],
    [{ name: "a", friends: ["a", "b", "c"] }, "body.friends", /3 items, and 2/],
    [{ name: "a", friends: ["a", 2] }, "body.friends[1]", /has to be text/],
    [{ name: "a", labels: { x: 1 } }, "body.labels.x", /has to be text/],
    [{ name: "a", labels: { x: "", y: "", z: "" } }, "body.labels", /3 entries, and 2/],
    [{ name: "a", born: null }, "body.born", /has to be text/],
    [JSON.parse(`{"name":"a","__proto__":{"admin":true}}`), "body.__proto__", /is not known here/],
  ];
  for (const [value, path, message] of refused) {
    test(`refuses ${JSON.stringify(value)} at ${path}`, () => {
      const isFault = (error: Error & { code?: string; data?: { path?: string } }): boolean => {
        assert.equal(error.code, "INPUT_INVALID");
        assert.equal(error.data?.path, path);
        assert.match(error.message, message);
        return true;
      };
      assert.throws(() => validate(value, PERSON, "body"), isFault);
    });
  }

  test("names what an unknown property was probably meant to be", () => {
    assert.throws(() => validate({ name: "a", actve: true }, PERSON, "body"), {
      message: "body.actve is not known here. Did you mean active?",
      data: { path: "body.actve", nearest: "active" },
    });
  });

  test("reads instants as RFC 3339 has them, and nothing else", () => {
    assert.equal(parseInstant("1970-01-01T00:00:01Z"), 1000);
    assert.equal(parseInstant("1970-01-01T01:00:00.5+01:00"), 500);
    for (const bad of ["", "2026", "2026-01-31", "2026-01-31 12:00:00Z", "2026-13-01T00:00:00Z", "1", "Jan 1 2026"]) {
      assert.equal(parseInstant(bad), undefined, bad);
    }
  });
});
