import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { simulationSeeds } from "../../testing/seeds.ts";
import { IDS_BUGS, type IdsBug } from "./seeded-bugs.ts";
import { runIdsWorld, Violation } from "./testing/ids-world.ts";

const BUG_SEEDS = 20;

describe("ids and numbers of several nodes over one Store", () => {
  test("never come twice, and come in order where that is promised: 10 million and more", async () => {
    let [ids, numbers, takeovers] = [0, 0, 0];
    for (const seed of simulationSeeds(1)) {
      const report = await runIdsWorld({ seed });
      ids += report.ids;
      numbers += report.numbers;
      takeovers += report.takeovers;
    }
    assert.ok(ids > 10_000_000, `${ids} ids`);
    assert.ok(numbers > 100_000, `${numbers} numbers`);
    assert.ok(takeovers > 10, `${takeovers} takeovers`);
  });

  test("are the same again from a seed", async () => {
    const first = await runIdsWorld({ seed: 7, spanMillis: 1500 });
    assert.deepEqual(await runIdsWorld({ seed: 7, spanMillis: 1500 }), first);
  });
});

describe("the simulation of ids", () => {
  for (const bug of Object.keys(IDS_BUGS) as IdsBug[]) {
    test(`finds it: ${IDS_BUGS[bug]}`, () => assert.rejects(firstViolation(bug), Violation));
  }
});

/** Rejects with what the first seed that finds anything wrong has found. */
async function firstViolation(bug: IdsBug): Promise<void> {
  for (let seed = 1; seed <= BUG_SEEDS; seed++) await runIdsWorld({ seed, spanMillis: 5000, bugs: [bug] });
}
