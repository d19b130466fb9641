import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { simulationSeeds } from "../../testing/seeds.ts";
import { ID_BUGS, type IdBug } from "./seeded-bugs.ts";
import { LEASE_BUGS, type LeaseBug, runWorld, Violation, type WorldOptions } from "./testing/worker-world.ts";

const BUG_SEEDS = 30;

/** Layouts of the same width with other units, orders and starts. */
const LAYOUTS: readonly Required<Pick<WorldOptions, "layout">>["layout"][] = [
  {},
  { sequenceStartBelow: 100 },
  { order: "time-sequence-worker", unitMillis: 10 },
];

/** What the first seed that finds anything wrong has found. */
function firstViolation(options: Omit<WorldOptions, "seed">): string | undefined {
  for (let seed = 1; seed <= BUG_SEEDS; seed++) {
    try {
      runWorld({ spanMillis: 3000, ...options, seed });
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      return error.message;
    }
  }
  return undefined;
}

describe("ids of leased worker numbers", () => {
  test("never come twice, and rise, over crashes, pauses, takeovers and clocks that jump: 10 million and more", () => {
    let [ids, takeovers] = [0, 0];
    const refusals = new Set<string>();
    for (const seed of simulationSeeds(1)) {
      for (const layout of LAYOUTS) {
        const report = runWorld({ seed, layout });
        ids += report.ids;
        takeovers += report.takeovers;
        for (const code of report.refusals.keys()) refusals.add(code);
      }
    }
    assert.ok(ids > 10_000_000, `${ids} ids`);
    assert.ok(takeovers > 50, `${takeovers} takeovers`);
    // Each way to be refused was met, so that each guard was needed.
    assert.deepEqual([...refusals].sort(), ["CLOCK_BEHIND", "UNIT_FULL", "WINDOW_SPENT"]);
  });

  test("a seed makes the same ids again", () => {
    assert.deepEqual(runWorld({ seed: 7, spanMillis: 2000 }), runWorld({ seed: 7, spanMillis: 2000 }));
  });

  for (const bug of Object.keys(ID_BUGS) as IdBug[]) {
    test(`finds it: ${ID_BUGS[bug]}`, () => {
      assert.notEqual(firstViolation({ bugs: new Set([bug]) }), undefined);
    });
  }

  for (const bug of Object.keys(LEASE_BUGS) as LeaseBug[]) {
    test(`finds it: ${LEASE_BUGS[bug]}`, () => {
      assert.notEqual(firstViolation({ leaseBugs: new Set([bug]) }), undefined);
    });
  }
});
