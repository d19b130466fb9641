import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../../../std/bytes.ts";
import { openWorld } from "../testing/world.ts";
import { keyText } from "./key-rights.ts";

const KEYS = "arn:aws:ashlar:::kv/";

function policy(...statements: readonly (readonly [effect: "Allow" | "Deny", actions: string, key: string])[]): object {
  return {
    Version: "2012-10-17",
    Statement: statements.map(([Effect, actions, key]) => ({
      Effect,
      Action: actions.split(" ").map((action) => `ashlar:${action}`),
      Resource: KEYS + key,
    })),
  };
}

async function worldWith(document: object) {
  const world = await openWorld();
  const alice = await world.addUser("alice", document);
  const puts = ["app/1", "app/2", "app/secret", "apple", "other"].map((key) => ({ key, value: key }));
  await world.call("POST", "/v1/kv/commit", { json: { puts } });
  const status = async (method: string, target: string, json?: object): Promise<number> =>
    (await world.call(method, target, { by: alice, ...(json && { json }) })).status;
  return { world, status, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

describe("policies on keys", () => {
  test("let a user of one prefix read, list and write in it, and see nothing beside it", async () => {
    await using ours = await worldWith(policy(["Allow", "GetKey ListKeys PutKey DeleteKey", "app/*"]));
    const { status } = ours;
    assert.equal(await status("GET", "/v1/kv/row?key=app/1"), 200);
    assert.equal(await status("GET", "/v1/kv/row?key=apple"), 403);
    assert.equal(await status("POST", "/v1/kv/rows", { rows: [{ key: "app/1" }, { key: "app/2" }] }), 200);
    assert.equal(await status("POST", "/v1/kv/rows", { rows: [{ key: "app/1" }, { key: "other" }] }), 403);
    assert.equal(await status("GET", "/v1/kv/rows?prefix=app/"), 200);
    assert.equal(await status("GET", "/v1/kv/rows?from=app/1&to=app/9"), 200);
    assert.equal(await status("GET", "/v1/kv/rows?key=app/1"), 200);
    for (const range of [
      "",
      "?prefix=app",
      "?prefix=",
      "?from=app/",
      "?from=app/1&to=b",
      "?key=apple",
      "?prefix=app%C3",
    ])
      assert.equal(await status("GET", `/v1/kv/rows${range}`), 403, range);
    assert.equal(await status("POST", "/v1/kv/commit", { puts: [{ key: "app/3", value: "" }] }), 200);
    assert.equal(await status("POST", "/v1/kv/commit", { puts: [{ key: "apple", value: "" }] }), 403);
    assert.equal(await status("POST", "/v1/kv/commit", { deletes: [{ key: "other" }] }), 403);
    assert.equal(
      await status("POST", "/v1/kv/commit", { deletes: [{ key: "app/3" }], puts: [{ key: "x", value: "" }] }),
      403,
    );
  });

  test("refuse a scan that would show a key that is denied, or that the allowed pattern does not name", async () => {
    await using denied = await worldWith(policy(["Allow", "ListKeys", "app/*"], ["Deny", "ListKeys", "app/secret*"]));
    assert.equal(await denied.status("GET", "/v1/kv/rows?prefix=app/"), 403);
    assert.equal(await denied.status("GET", "/v1/kv/rows?prefix=app/&limit=2"), 200);
    await using short = await worldWith(policy(["Allow", "ListKeys", "app/?"]));
    assert.equal(await short.status("GET", "/v1/kv/rows?prefix=app/"), 403);
  });

  test("need no right to read for a check on what is written, and do for one on anything else", async () => {
    await using ours = await worldWith(policy(["Allow", "PutKey", "app/*"], ["Allow", "GetKey", "other"]));
    const put = { key: "app/new", value: "" };
    const check = { key: "app/new", absent: true };
    assert.equal(await ours.status("POST", "/v1/kv/commit", { checks: [check], puts: [put] }), 200);
    assert.equal(
      await ours.status("POST", "/v1/kv/commit", { checks: [{ key: "app/1", revision: 1 }], puts: [put] }),
      403,
    );
    const suffixed = { ...check, suffix: "x" };
    assert.equal(await ours.status("POST", "/v1/kv/commit", { checks: [suffixed], puts: [put] }), 403);
    assert.equal(await ours.status("POST", "/v1/kv/commit", { checks: [{ key: "other", absent: true }] }), 200);
    assert.equal(await ours.status("POST", "/v1/kv/leases", { ttlMillis: 5000 }), 403);
  });

  test("end a watch at the first change that its caller may not see", async () => {
    await using ours = await worldWith(policy(["Allow", "GetKey", "none"]));
    const { world } = ours;
    const bob = await world.addUser(
      "bob",
      policy(["Allow", "WatchKeys", "app/*"], ["Deny", "WatchKeys", "app/secret"]),
    );
    assert.equal((await world.call("GET", "/v1/kv/watch?prefix=a", { by: bob })).status, 403);
    const watching = world.call("GET", "/v1/kv/watch?prefix=app/", { by: bob });
    await world.time.advance(1);
    for (const key of ["app/4", "app/secret", "app/5"]) {
      await world.call("POST", "/v1/kv/commit", { json: { puts: [{ key, value: "" }] } });
    }
    const { text } = await watching;
    assert.deepEqual(text.match(/"key":"[^"]*"|ACCESS_DENIED/g), ['"key":"app/4"', "ACCESS_DENIED"]);
  });
});

describe("a key as text", () => {
  test("is its UTF-8, and no two keys are alike", () => {
    assert.equal(keyText(utf8("app/\u00e9\ud83d\ude00")), "app/\u00e9\ud83d\ude00");
    assert.equal(keyText(Uint8Array.of(0x61, 0xff, 0xc3, 0xa9, 0xc3)), "a\udcff\u00e9\udcc3");
    const seen = new Map<string, string>();
    const bytes = [0x61, 0x80, 0xc3, 0xa9, 0xed, 0xb2, 0xf0, 0xff];
    for (const one of bytes)
      for (const two of bytes)
        for (const three of bytes) {
          const key = [one, two, three].join();
          const text = keyText(Uint8Array.of(one, two, three));
          assert.equal(seen.get(text), undefined, `${key} and ${seen.get(text)}`);
          seen.set(text, key);
        }
  });
});
