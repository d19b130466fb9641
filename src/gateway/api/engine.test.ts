import assert from "node:assert/strict";
import { test } from "node:test";
import { openWorld } from "./testing/world.ts";

test("where an outside engine keeps the Store, its own works are refused by name and the rest is as ever", async () => {
  await using plain = await openWorld();
  const store = {
    counters: plain.node.store.counters,
    get: plain.store.get.bind(plain.store),
    scan: plain.store.scan.bind(plain.store),
  };
  await using world = await openWorld({
    node: { log: undefined, raft: undefined, store, engine: { kind: "postgres" } },
  });
  for (const path of ["/v1/store/checkpoint", "/v1/backup"]) {
    const refused = await world.call("POST", path);
    assert.deepEqual([refused.status, refused.code], [409, "ENGINE_KEEPS_STORE"]);
    assert.match(refused.text, /PostgreSQL keeps the Store/);
  }
  const counted = await world.call("GET", "/v1/counters");
  assert.deepEqual([counted.json.log, counted.json.raft], [{}, {}]);
  assert.ok("commits" in counted.json.store);
  assert.equal((await world.call("GET", "/v1/status")).status, 200);
  const metrics = await world.call("GET", "/metrics");
  assert.match(metrics.text, /ashlar_store_commits_total/);
  assert.doesNotMatch(metrics.text, /ashlar_log_|ashlar_raft_/);
});
