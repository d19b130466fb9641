import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { simulationSeeds } from "../../testing/seeds.ts";
import { FAULTY_GROUPS } from "./testing/faulty-groups.ts";
import { SimCluster } from "./testing/sim-cluster.ts";

// Longer runs of what safety.test.ts plays in small.

describe("groups under faults", () => {
  for (const [name, options] of Object.entries(FAULTY_GROUPS)) {
    test(`${name}: nothing is decided twice, and a healed group goes on`, () => {
      let committed = 0;
      for (const seed of simulationSeeds(20)) {
        const cluster = new SimCluster(seed, options);
        try {
          cluster.run(8000);
          cluster.heal(60_000);
        } catch (cause) {
          throw new Error(`seed ${seed} of ${name}`, { cause });
        }
        committed += cluster.invariants.committedIndex;
      }
      assert(committed > 0);
    });
  }
});
