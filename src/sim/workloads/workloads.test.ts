import { equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import { RAFT_BUGS } from "../../core/raft/index.ts";
import { HOST_BUGS, SESSION_BUGS } from "../../host/index.ts";
import { LOG_BUGS } from "../../log/index.ts";
import { runSeed } from "../kernel/index.ts";
import { RAFT } from "./raft/index.ts";
import { RAFT_CORE } from "./raft-core/index.ts";
import { SEEDED_BUGS } from "./testing/seeded-bugs.ts";

// A few short runs, so that a change which breaks much is seen at once; workloads.sim.ts and raft.sim.ts play many.

/** The log's own simulations find these. */
const FOUND_BY_LOG: readonly string[] = ["take-damage-for-torn", "trust-what-was-read"];

test("there is no seeded bug that is found nowhere", () => {
  const bugs = Object.keys({ ...RAFT_BUGS, ...LOG_BUGS, ...HOST_BUGS, ...SESSION_BUGS });
  const found = new Set([...SEEDED_BUGS.map(({ bug }) => bug), ...FOUND_BY_LOG]);
  equal(bugs.filter((bug) => !found.has(bug)).join(), "");
  ok(bugs.length >= 45);
});

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
