import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { fuzzRuns } from "../../testing/seeds.ts";
import { FAULTY_GROUPS } from "./testing/faulty-groups.ts";
import { SimCluster } from "./testing/sim-cluster.ts";

// Election safety, log matching, leader completeness, state machine safety and linearizable reads, asserted at every step; see
// testing/invariants.ts. fast-check prints the seed of a failure.

describe("a group under loss, duplication, reordering, partitions and crashes that lose what was not synced", () => {
  for (const [name, options] of Object.entries(FAULTY_GROUPS)) {
    test(`${name}: never decides twice, and goes on once it is healed`, () => {
      fc.assert(
        fc.property(fc.nat(), (seed) => {
          const cluster = new SimCluster(seed, options);
          cluster.run(1500);
          cluster.heal(60_000);
        }),
        { numRuns: fuzzRuns(3) },
      );
    });
  }

  test("the same seed plays the same history", () => {
    const play = (): readonly number[] => {
      const cluster = new SimCluster(7, FAULTY_GROUPS["changing members"]!);
      cluster.run(3000);
      return [
        cluster.invariants.committedIndex,
        cluster.invariants.elections,
        cluster.reads,
        cluster.leader?.status.term ?? 0,
      ];
    };
    assert.deepEqual(play(), play());
  });

  test("the simulation reaches what it is meant to try", () => {
    const seeds = [1, 2, 3, 4];
    const clusters = seeds.map((seed) => new SimCluster(seed, FAULTY_GROUPS["nodes that lose their disks"]!));
    for (const cluster of clusters) cluster.run(4000);
    const sum = (count: (cluster: SimCluster) => number): number =>
      clusters.reduce((total, one) => total + count(one), 0);
    assert(sum(({ invariants }) => invariants.elections) > seeds.length, "elections");
    assert(sum(({ diskLosses }) => diskLosses) > 0, "lost disks");
    assert(sum(({ reads }) => reads) > 0, "reads");
    assert(sum(({ invariants }) => invariants.committedIndex) > 100, "commits");
  });
});
