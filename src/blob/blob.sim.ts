import { describe, test } from "node:test";
import { simulationSeeds } from "../testing/seeds.ts";
import { Simulation } from "./testing/simulation.ts";

describe("blobs under faults", () => {
  test("keep what rows name and give garbage back", async () => {
    for (const seed of simulationSeeds(50)) {
      try {
        await Simulation.run({ seed });
      } catch (error) {
        throw new Error(`seed ${seed} fails: ASHLAR_SIM_SEED=${seed} ASHLAR_SIM_SEEDS=1`, { cause: error });
      }
    }
  });
});
