import { equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import { runSeed } from "../kernel/index.ts";
import { RAFT } from "./raft/index.ts";
import { RAFT_CORE } from "./raft-core/index.ts";

// A few short runs, so that a change which breaks much is seen at once; workloads.sim.ts and raft.sim.ts play many.

describe("raft-core", () => {
  test("holds over some short runs, and comes to what it is meant to try", async () => {
    const counts: Record<string, number> = {};
    for (let seed = 1; seed <= 12; seed++) {
      const result = await runSeed(RAFT_CORE, { seed, seconds: 5 });
      equal(result.failure?.violation.message, undefined, `ashlar sim raft-core --seed ${seed} --seconds 5`);
      for (const [name, count] of Object.entries(result.counts)) counts[name] = (counts[name] ?? 0) + count;
    }
    for (const name of ["elections", "committed", "reads", "changes", "lost disks", "faults played"]) {
      ok(counts[name]! > 0, name);
    }
  });
});

describe("raft", () => {
  test("holds over two short runs, the same when they are played again", async () => {
    for (const seed of [1, 2]) {
      const [first, second] = [await runSeed(RAFT, { seed, seconds: 5 }), await runSeed(RAFT, { seed, seconds: 5 })];
      equal(first.failure?.violation.message, undefined, `ashlar sim raft --seed ${seed} --seconds 5`);
      equal(second.traceHash, first.traceHash);
      ok(first.counts["operations"]! > 0);
    }
  });
});
