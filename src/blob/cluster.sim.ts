import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import { simulationSeeds } from "../testing/seeds.ts";
import type { BlobBug } from "./index.ts";
import { type ClusterFaults, ClusterSimulation } from "./testing/cluster-simulation.ts";
import { Violation } from "./testing/contents.ts";

/** For each mistake: from which seed on, and under which faults, the simulation is to find it soon. */
const SEEDED_BUGS: readonly {
  readonly bug: BlobBug;
  readonly seed: number;
  readonly faults: Partial<ClusterFaults>;
  readonly nodes?: number;
}[] = [
  {
    bug: "acknowledge-without-member",
    seed: 1,
    faults: { kinds: ["cut", "one-way", "slow"], powerShare: 1, rounds: 5 },
  },
  { bug: "seal-short", seed: 1, faults: { kinds: ["end"], rounds: 4 } },
  {
    bug: "take-any-epoch",
    seed: 16,
    faults: { kinds: ["pause"], rounds: 8, slowStore: true, lostReplies: false },
  },
  { bug: "take-over-without-judging", seed: 2, faults: { kinds: ["end"], powerShare: 1, rounds: 6 } },
  { bug: "leave-tails-unequal", seed: 41, faults: { kinds: ["end"], powerShare: 1, rounds: 8, compacts: false } },
  { bug: "keep-lost-slot", seed: 1, faults: { kinds: ["mid-body"], rounds: 4 }, nodes: 5 },
];
const SEEDS_PER_BUG_MAX = 20;

describe("blobs of several nodes under faults", () => {
  for (const seed of simulationSeeds(12)) {
    test(`keep what rows name on all copies, and give garbage back (ASHLAR_SIM_SEED=${seed} ASHLAR_SIM_SEEDS=1)`, async () => {
      await ClusterSimulation.run({ seed });
    });
  }

  test("do the same again from the same seed", async () => {
    const faults = { rounds: 2, lostReplies: true };
    const first = await ClusterSimulation.run({ seed: 5, faults, nodes: 3 });
    const second = await ClusterSimulation.run({ seed: 5, faults, nodes: 3 });
    equal(first.traceHash, second.traceHash);
    deepEqual(first.counts, second.counts);
  });
});

describe("the simulation of blobs of several nodes", () => {
  for (const { bug, seed, faults, nodes = 3 } of SEEDED_BUGS) {
    test(`finds the seeded bug ${bug}`, async () => {
      for (let at = 0; at < SEEDS_PER_BUG_MAX; at++) {
        try {
          await ClusterSimulation.run({ seed: seed + at, bugs: [bug], faults, nodes });
        } catch (error) {
          if (error instanceof Violation || (error as { code?: string }).code?.startsWith("BLOB_")) return;
          throw error;
        }
      }
      ok(false, `no seed from ${seed} on found it`);
    });
  }
});
