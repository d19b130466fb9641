import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { settle } from "../gateway/api/testing/manual-time.ts";
import { broken, failure, json, ScriptedCluster } from "./testing/scripted-cluster.ts";

const KEEP_ALIVE = "/v1/kv/leases/mine/keep-alive";

async function leased() {
  const cluster = new ScriptedCluster();
  cluster.answer = ({ path }) => (path === "/v1/kv/leases" ? json(201, { lease: "mine" }) : json(204));
  const ash = await cluster.connect(["a", "b"]);
  const lease = await ash.kv.lease(9000);
  const lost: unknown[] = [];
  lease.signal.addEventListener("abort", () => lost.push(lease.signal.reason));
  return { cluster, ash, lease, lost };
}

describe("a lease", () => {
  test("keeps itself alive, three times in its time, until it is given back", async () => {
    const { cluster, lease, lost } = await leased();
    await cluster.time.advance(30_000);
    assert.equal(cluster.asked(KEEP_ALIVE).length, 10);
    assert.equal(lease.isHeld, true);
    await lease[Symbol.asyncDispose]();
    assert.deepEqual(
      [cluster.requests.at(-1)!.method, cluster.requests.at(-1)!.path],
      ["DELETE", "/v1/kv/leases/mine"],
    );
    assert.deepEqual([lost.length, lease.isHeld, cluster.time.timers], [1, false, 0]);
    await lease[Symbol.asyncDispose]();
  });

  test("is kept alive at another server where one can not, or does not lead", async () => {
    const { cluster, lease } = await leased();
    cluster.answer = ({ server }) => (server === "a" ? failure(503, "NOT_LEADER") : json(204));
    await cluster.time.advance(20_000);
    assert.equal(lease.isHeld, true);
    assert.equal(cluster.asked(KEEP_ALIVE)[0], "a");
    assert.ok(
      cluster
        .asked(KEEP_ALIVE)
        .slice(1)
        .every((server) => server === "b"),
    );
  });

  test("is lost before the server could end it, counted from when the last good keep-alive was sent", async () => {
    const { cluster, lease, lost } = await leased();
    await cluster.time.advance(3000);
    cluster.answer = () => broken("ECONNRESET");
    await cluster.time.advance(8099);
    assert.deepEqual([lease.isHeld, lost], [true, []]);
    await cluster.time.advance(1);
    assert.equal(lease.isHeld, false);
    assert.equal((lost[0] as { code: string }).code, "LEASE_LOST");
    await cluster.time.advance(60_000);
    assert.equal(lost.length, 1);
  });

  test("is lost at once where the server has ended it", async () => {
    const { cluster, lease, lost } = await leased();
    cluster.answer = () => failure(404, "LEASE_UNKNOWN");
    await cluster.time.advance(3000);
    assert.deepEqual([lease.isHeld, lost.length], [false, 1]);
  });

  test("is not held any more after a pause of the process, before its timers have run", async () => {
    const { cluster, lease, lost } = await leased();
    cluster.time.jump(8100);
    assert.deepEqual([lease.isHeld, lost.length], [false, 1]);
  });

  test("is lost with its client", async () => {
    const { ash, lease, cluster } = await leased();
    await ash.close();
    await settle();
    assert.deepEqual([lease.isHeld, cluster.time.timers], [false, 0]);
  });
});
