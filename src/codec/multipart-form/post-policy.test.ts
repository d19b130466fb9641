import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { checkPostPolicy, type PostPolicy, parsePostPolicy } from "./index.ts";

const expiration = "2026-01-01T12:00:00.000Z";
const now = Date.UTC(2026, 0, 1, 11);

function policy(conditions: readonly unknown[], document: object = {}): PostPolicy {
  return parsePostPolicy(utf8(JSON.stringify({ expiration, conditions, ...document })));
}

function check(conditions: readonly unknown[], fields: Readonly<Record<string, string>>, at = now): void {
  checkPostPolicy(policy(conditions), { fields: new Map(Object.entries(fields)), bucket: "b", now: at });
}

describe("a policy document", () => {
  test("has an expiration and conditions, whose names and operators are in any case", () => {
    const document = {
      expiration,
      conditions: [
        { bUcKeT: "b" },
        ["StArTs-WiTh", "$KeY", "u/"],
        ["EQ", "$AcL", "private"],
        ["Content-Length-Range", 1, "10"],
      ],
    };
    assert.deepEqual(parsePostPolicy(utf8(JSON.stringify(document))), {
      expirationMillis: Date.UTC(2026, 0, 1, 12),
      conditions: [
        { operator: "eq", field: "bucket", value: "b" },
        { operator: "starts-with", field: "key", value: "u/" },
        { operator: "eq", field: "acl", value: "private" },
      ],
      contentLength: { bytesMin: 1, bytesMax: 10 },
    });
  });

  test("may escape the dollar sign, which JSON does not know", () => {
    const document = `{"expiration":"${expiration}","conditions":[["eq","$key","\\$a\\\\$\\v\\u0041"]]}`;
    assert.equal(parsePostPolicy(utf8(document)).conditions[0]!.value, "$a\\$\u000bA");
  });

  test("may hold several ranges of lengths, all of which count", () => {
    const { contentLength } = policy([
      ["content-length-range", 0, 10],
      ["content-length-range", 5, 20],
    ]);
    assert.deepEqual(contentLength, { bytesMin: 5, bytesMax: 10 });
  });

  test("is malformed in every other form", () => {
    const malformed = { code: "POLICY_MALFORMED" };
    for (const json of ["", "x", "[]", "null", "1", '{"conditions":[]}', `{"expiration":"${expiration}"}`, "{"]) {
      assert.throws(() => parsePostPolicy(utf8(json)), malformed, json);
    }
    assert.throws(() => parsePostPolicy(Uint8Array.of(0x22, 0xff, 0x22)), malformed);
    assert.throws(() => policy([], { conditions: {} }), malformed);
    assert.throws(() => parsePostPolicy(utf8(JSON.stringify({ Expiration: expiration, conditions: [] }))), malformed);
    assert.throws(() => parsePostPolicy(utf8(JSON.stringify({ expiration, Conditions: [] }))), malformed);
    const simple = [{}, { a: "1", b: "2" }, { a: 1 }, { a: null }, "x", null, 1];
    const listed = [
      [],
      ["eq"],
      ["eq", "$a"],
      ["eq", "$a", 1],
      ["eq", "a", "1"],
      ["eq", "$a", "1", "2"],
      ["ne", "$a", "1"],
      [1, "$a", "1"],
    ];
    const ranges = [[], [1], [1, 2, 3], [-1, 2], [1.5, 2], ["x", 2], [1, null], [1, "1e3"]].map((range) => [
      "content-length-range",
      ...range,
    ]);
    for (const condition of [...simple, ...listed, ...ranges]) {
      assert.throws(() => policy([condition]), malformed, JSON.stringify(condition));
    }
    assert.throws(() => policy(Array.from({ length: 1_001 }, () => ({ a: "1" }))), malformed);
  });

  test("expires at a time of the calendar, in UTC", () => {
    assert.equal(policy([], { expiration: "2026-01-01T12:00:00Z" }).expirationMillis, Date.UTC(2026, 0, 1, 12));
    assert.equal(
      policy([], { expiration: "2026-01-01T12:00:00.5Z" }).expirationMillis,
      Date.UTC(2026, 0, 1, 12, 0, 0, 500),
    );
    const bad = [
      "",
      "2026-02-30T12:00:00Z",
      "2026-13-01T12:00:00Z",
      "2026-01-01T25:00:00Z",
      "2026-01-01",
      "2026-01-01T12:00:00+01:00",
    ];
    for (const wrong of [...bad, 1, null, "0000-00-00T00:00:00Z"]) {
      assert.throws(() => policy([], { expiration: wrong }), { code: "POLICY_MALFORMED" }, String(wrong));
    }
  });
});

describe("a form under a policy", () => {
  test("is allowed if each condition holds and each field is covered", () => {
    check(
      [{ bucket: "b" }, ["starts-with", "$key", "u/"], ["starts-with", "$x-amz-meta-tag", ""], { acl: "private" }],
      {
        key: "u/1",
        acl: "private",
        "x-amz-meta-tag": "anything",
        policy: "p",
        "x-amz-signature": "s",
        awsaccesskeyid: "a",
        signature: "s",
        file: "f",
        "x-ignore-me": "i",
      },
    );
  });

  test("is refused for a field that no condition names", () => {
    for (const field of [
      "acl",
      "x-amz-algorithm",
      "x-amz-credential",
      "x-amz-date",
      "x-ignore",
      "content-type",
      "bucket",
    ]) {
      assert.throws(() => check([["starts-with", "$key", ""]], { key: "k", [field]: "v" }), {
        code: "POLICY_FIELD_NOT_COVERED",
        data: { field },
      });
    }
  });

  test("has values that are compared with their case, and a missing one is empty", () => {
    const failed = { code: "POLICY_CONDITION_FAILED" };
    assert.throws(() => check([["eq", "$key", "a"]], { key: "A" }), failed);
    assert.throws(() => check([["starts-with", "$key", "a/"]], { key: "A/" }), failed);
    assert.throws(() => check([["starts-with", "$key", "a/"]], {}), failed);
    assert.throws(() => check([{ acl: "private" }], {}), failed);
    check([["starts-with", "$key", ""]], {});
    check([{ acl: "" }], {});
  });

  test("is for the bucket of the request, whatever its field says", () => {
    check([{ bucket: "b" }], { bucket: "c" });
    assert.throws(() => check([{ bucket: "c" }], { bucket: "c" }), { code: "POLICY_CONDITION_FAILED" });
  });

  test("has each of several content types held to the prefix", () => {
    check([["starts-with", "$Content-Type", "image/"]], { "content-type": "image/png, image/jpeg" });
    assert.throws(
      () => check([["starts-with", "$Content-Type", "image/"]], { "content-type": "image/png,text/html" }),
      {
        code: "POLICY_CONDITION_FAILED",
      },
    );
    check([["starts-with", "$x-amz-meta-a", "a"]], { "x-amz-meta-a": "a,b" });
  });

  test("is refused from its expiration on", () => {
    check([], {}, Date.UTC(2026, 0, 1, 12) - 1);
    assert.throws(() => check([], {}, Date.UTC(2026, 0, 1, 12)), { code: "POLICY_EXPIRED" });
  });

  test("is held to every condition on one field", () => {
    const conditions = [
      ["starts-with", "$key", "a"],
      ["starts-with", "$key", "ab"],
    ];
    check(conditions, { key: "abc" });
    assert.throws(() => check(conditions, { key: "ac" }), { code: "POLICY_CONDITION_FAILED" });
  });
});
