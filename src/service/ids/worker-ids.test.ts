import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LAYOUTS } from "../../core/id/index.ts";
import { type Commit, storeFailure } from "../../store/index.ts";
import { MemoryRows, MemoryStore } from "../../testing/memory-store.ts";
import type { GeneratorRecord } from "./records.ts";
import { NO_IDS_BUGS } from "./seeded-bugs.ts";
import { WorkerIds } from "./worker-ids.ts";
import { StoreWorkers } from "./worker-source.ts";

const NOW = Date.UTC(2026, 10, 21);
const RECORD: GeneratorRecord = {
  ...{ isRemoved: false, layout: LAYOUTS.twitter, workerFirst: 0, workers: 2, windowMillis: 1000, description: "" },
};

function at(millis: number) {
  return { nowMillis: NOW + millis, notBeforeMillis: NOW + millis };
}

function workerOf(store: MemoryStore, holder: string, node: string = holder): WorkerIds {
  return new WorkerIds(new StoreWorkers(store), "g", RECORD, { holder, node }, NO_IDS_BUGS);
}

describe("a worker number", () => {
  test("goes to the next holder when its window is over, who begins where that ended", async () => {
    const store = new MemoryStore();
    await workerOf(store, "a").claim(at(0));
    const b = await workerOf(store, "b").claim({ nowMillis: NOW + 1000, notBeforeMillis: NOW + 700 });
    assert.deepEqual(b, {
      ...{ worker: 0, generation: 2, notBeforeMillis: NOW + 1000, reservedUntilMillis: NOW + 2000 },
    });
  });

  test("is not another's before its window is over, however many ask at once", async () => {
    const store = new MemoryStore();
    const claims = await Promise.allSettled(["a", "b", "c"].map((holder) => workerOf(store, holder).claim(at(0))));
    const workers = claims.flatMap((claim) => (claim.status === "fulfilled" ? claim.value.worker : claim.reason.code));
    assert.deepEqual(workers.sort(), [0, 1, "WORKERS_EXHAUSTED"]);
  });

  test("that was given back is free at once, from what its holder has used on", async () => {
    const store = new MemoryStore();
    const a = workerOf(store, "a");
    await a.claim(at(0));
    await a.release(NOW + 40);
    assert.equal(a.lease, undefined);
    const b = await workerOf(store, "b").claim(at(10));
    assert.deepEqual([b.worker, b.generation, b.notBeforeMillis], [0, 2, NOW + 40]);
  });

  test("of who was superseded is not renewed, and its row stays the new holder's", async () => {
    const store = new MemoryStore();
    const [a, b] = [workerOf(store, "a"), workerOf(store, "b")];
    await a.claim(at(0));
    const lease = await b.claim(at(5000));
    await assert.rejects(a.renew(NOW + 9000), { code: "WORKER_LOST" });
    await assert.rejects(a.renew(NOW + 9000), { code: "WORKER_LOST" });
    await a.release(NOW);
    assert.equal((await b.renew(lease.reservedUntilMillis)).generation, 2);
    assert.equal((await b.renew(NOW + 9000)).reservedUntilMillis, NOW + 9000);
  });

  test("is renewed over replies that are lost, whether the renewal was applied or not", async () => {
    for (const isApplied of [true, false]) {
      const store = new LossyStore();
      const a = workerOf(store, "a");
      await a.claim(at(0));
      store.loses = isApplied ? "reply" : "request";
      assert.equal((await a.renew(NOW + 3000)).reservedUntilMillis, NOW + 3000);
      assert.equal((await a.renew(NOW + 4000)).generation, 1);
    }
  });

  test("of a machine that was cloned as it ran is renewed for one of the two only", async () => {
    // Two Stores that have seen the same: so the two processes know the same.
    const stores = [new MemoryStore(new MemoryRows()), new MemoryStore(new MemoryRows())] as const;
    let ofClone = stores[1];
    const original = workerOf(stores[0], "a");
    const store = {
      get: (...parameters: Parameters<MemoryStore["get"]>) => ofClone.get(...parameters),
      scan: (...parameters: Parameters<MemoryStore["scan"]>) => ofClone.scan(...parameters),
      commit: (commit: Commit) => ofClone.commit(commit),
    };
    const clone = new WorkerIds(new StoreWorkers(store), "g", RECORD, { holder: "a", node: "a" }, NO_IDS_BUGS);
    assert.deepEqual(await original.claim(at(0)), await clone.claim(at(0)));
    ofClone = stores[0];
    await original.renew(NOW + 2000);
    await assert.rejects(clone.renew(NOW + 2000), { code: "WORKER_LOST" });
  });
});

/** Loses one commit's reply, or the commit itself. */
class LossyStore extends MemoryStore {
  loses: "reply" | "request" | undefined;

  override async commit(commit: Commit): ReturnType<MemoryStore["commit"]> {
    const { loses } = this;
    this.loses = undefined;
    if (loses !== "request") {
      const outcome = await super.commit(commit);
      if (loses === undefined) return outcome;
    }
    throw storeFailure("OUTCOME_UNKNOWN");
  }
}
