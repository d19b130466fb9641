import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import type { BlobBug } from "../../blob/index.ts";
import { simulationSeeds } from "../../testing/seeds.ts";
import type { Mistake } from "./testing/mistakes.ts";
import { Simulation, Violation } from "./testing/simulation.ts";

const BUGS: readonly BlobBug[] = ["ignore-shares", "forget-live-shares"];
const MISTAKES_MADE: readonly Mistake[] = ["no-share-rows", "share-rows-later", "share-rows-end-with-the-copy"];
const SEEDS_PER_BUG_MAX = 5;

describe("objects and their copies under faults", () => {
  for (const seed of simulationSeeds(10)) {
    test(`keep all that exists, and leave nothing of what does not (ASHLAR_SIM_SEED=${seed} ASHLAR_SIM_SEEDS=1)`, async () => {
      await Simulation.run({ seed });
    });
  }

  test("do the same again from the same seed", async () => {
    const first = await Simulation.run({ seed: 3, ends: 2 });
    const second = await Simulation.run({ seed: 3, ends: 2 });
    equal(first.traceHash, second.traceHash);
    deepEqual(first.counts, second.counts);
    for (const [name, count] of Object.entries(first.counts)) ok(count > 0, name);
  });
});

describe("the simulation of objects", () => {
  for (const bug of BUGS) {
    test(`finds the seeded bug ${bug}`, () => found((seed) => Simulation.run({ seed, ends: 0, bugs: [bug] })));
  }
  for (const mistake of MISTAKES_MADE) {
    test(`finds the mistake ${mistake}`, () => found((seed) => Simulation.run({ seed, ends: 0, mistake })));
  }
});

async function found(run: (seed: number) => Promise<unknown>): Promise<void> {
  for (let seed = 1; seed <= SEEDS_PER_BUG_MAX; seed++) {
    try {
      await run(seed);
    } catch (error) {
      if (error instanceof Violation) return;
      throw error;
    }
  }
  ok(false, "no seed found it");
}
