import { equal, ok } from "node:assert/strict";
import { before, describe, test } from "node:test";
import { sweep } from "../../cli/sim/sweep.ts";
import { simulationMillis, simulationSeeds } from "../../testing/seeds.ts";
import { runSeed } from "../kernel/index.ts";
import { CLUSTER } from "./index.ts";
import { SEEDED_BUGS } from "./testing/seeded-bugs.ts";

/** What CI asks for, and how long it may take; it says how many it had time for. */
const SEEDS = 100;
const TWICE = 20;
const TWICE_MINUTES_MAX = 0.75;
const MINUTES_MAX = 1.5;
const THREADS = 2;

describe("whole servers under the simulator", () => {
  let beganMillis = 0;
  before(() => {
    beganMillis = performance.now();
  });
  const [first = 0, ...others] = simulationSeeds(SEEDS);
  const twice = Math.min(TWICE, 1 + others.length);

  const play = async (firstSeed: number, seeds: number, isTwice: boolean) => {
    const overMillis = beganMillis + simulationMillis(isTwice ? TWICE_MINUTES_MAX : MINUTES_MAX);
    const result = await sweep({
      ...{ workload: CLUSTER, firstSeed, seeds, threads: THREADS },
      task: { bugs: [], seconds: 0, twice: isTwice },
      isOver: () => performance.now() > overMillis,
      onSeed: () => {},
    });
    const [failed] = result.failed;
    equal(failed, undefined, `ashlar sim cluster --seed ${failed?.seed}: ${failed?.violation ?? "not the same again"}`);
    ok(result.seeds > 0, "there was time for some");
    const minutes = Math.round(result.virtualMillis / 60_000);
    return `${result.seeds} of ${seeds} seeds from ${firstSeed} on, ${minutes} virtual minutes`;
  };

  test(`do the same again from the same seed, ${TWICE} of them or as many as there is time for`, async (context) => {
    context.diagnostic(await play(first, twice, true));
  });

  test(`lose nothing, ${SEEDS} seeds or as many as ${MINUTES_MAX} minutes allow`, async (context) => {
    const left = 1 + others.length - twice;
    if (left > 0) context.diagnostic(await play((first + twice) >>> 0, left, false));
  });
});

describe("the simulation of whole servers", () => {
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
      equal((await runSeed(workload, { seed: 1 })).failure?.violation.message, undefined);
    }
  });
});
