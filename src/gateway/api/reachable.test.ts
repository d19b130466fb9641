import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { reachable } from "./reachable.ts";
import { openWorld } from "./testing/world.ts";

describe("the URLs of a node", () => {
  test("lead where the client found it when it listens on every address", () => {
    const cases: readonly (readonly [string, string | undefined, string])[] = [
      ["http://0.0.0.0:9000", "store.example:9100", "http://store.example:9000"],
      ["https://[::]:9000", "store.example", "https://store.example:9000"],
      ["http://0.0.0.0:9000", "[2001:db8::7]:9100", "http://[2001:db8::7]:9000"],
      ["http://[::]:9000", "10.0.0.7:9100", "http://10.0.0.7:9000"],
      ["http://0.0.0.0:9000", "0.0.0.0:9100", "http://localhost:9000"],
      ["http://[::]:9000", "[::]:9100", "http://localhost:9000"],
      ["http://0.0.0.0:9000", undefined, "http://localhost:9000"],
      ["http://0.0.0.0:9000", "user@elsewhere/$1", "http://localhost:9000"],
      ["http://0.0.0.0:9000", "a:b:c", "http://localhost:9000"],
      ["http://127.0.0.1:9000", "store.example:9100", "http://127.0.0.1:9000"],
      ["https://s3.example/0.0.0.0", "store.example:9100", "https://s3.example/0.0.0.0"],
      ["http://0.0.0.0.example:9000", "store.example:9100", "http://0.0.0.0.example:9000"],
    ];
    for (const [url, host, expected] of cases)
      assert.deepEqual(reachable({ s3: url }, { host }), { s3: expected }, url);
  });

  test("are those that the status and the links show", async () => {
    const endpoints = () => ({ s3: "http://0.0.0.0:9000", api: "http://0.0.0.0:9100" });
    await using world = await openWorld({ node: { endpoints } });
    assert.equal((await world.call("PUT", "/v1/buckets/photos", { json: {} })).status, 201);
    const status = await world.call("GET", "/v1/status");
    assert.deepEqual(status.json.endpoints, { s3: "http://api.test:9000", api: "http://api.test:9100" });
    const link = await world.call("POST", "/v1/buckets/photos/presign", { json: { key: "a" } });
    assert.match(link.json.url, /^http:\/\/api\.test:9000\/photos\/a\?/);
  });
});
