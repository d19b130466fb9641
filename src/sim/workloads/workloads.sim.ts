import { equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import { simulationSeeds } from "../../testing/seeds.ts";
import { runSeed } from "../kernel/index.ts";
import { WORKLOADS } from "./index.ts";
import { SEEDED_BUGS } from "./testing/seeded-bugs.ts";

describe("the simulation", () => {
  for (const { bug, workload, seedsMax } of SEEDED_BUGS) {
    test(`finds the seeded bug ${bug} within ${seedsMax} seeds`, async () => {
      for (let seed = 1; seed <= seedsMax; seed++) {
        if ((await runSeed(workload, { seed, bugs: [bug] })).failure !== undefined) return;
      }
      ok(false, `${bug} was not found`);
    });
  }

  test("finds nothing where no bug is switched on, where it finds the bugs", async () => {
    for (const workload of new Set(SEEDED_BUGS.map((one) => one.workload))) {
      for (const seed of [1, 2, 3]) equal((await runSeed(workload, { seed })).failure, undefined, `seed ${seed}`);
    }
  });
});

// Whole servers have a file of their own: ../cluster/cluster.sim.ts.
describe("each workload", () => {
  for (const workload of WORKLOADS.filter(({ name }) => name !== "cluster")) {
    test(`${workload.name} does the same again from the same seed`, async () => {
      for (const seed of simulationSeeds(20)) {
        const [first, second] = [await runSeed(workload, { seed }), await runSeed(workload, { seed })];
        equal(first.failure?.violation.message, undefined, `seed ${seed} (ASHLAR_SIM_SEED=${seed} ASHLAR_SIM_SEEDS=1)`);
        equal(second.traceHash, first.traceHash, `seed ${seed}`);
      }
    });
  }
});
