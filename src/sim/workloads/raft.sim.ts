import { equal } from "node:assert/strict";
import { test } from "node:test";
import { sweep } from "../../cli/sim/sweep.ts";
import { simulationSeeds } from "../../testing/seeds.ts";
import { WORKLOADS } from "./index.ts";

/** What CI asks for, and how long it may take; it says how many it had time for. */
const SEEDS = 2_000;
const MINUTES_MAX = 1.5;
const THREADS = 2;

test(`seeds of the workload raft hold, ${SEEDS} of them or as many as ${MINUTES_MAX} minutes allow`, async (context) => {
  const workload = WORKLOADS.find(({ name }) => name === "raft")!;
  const seeds = simulationSeeds(SEEDS);
  const overMillis = performance.now() + MINUTES_MAX * 60_000;
  const result = await sweep({
    ...{ workload, firstSeed: seeds[0]!, seeds: seeds.length, threads: THREADS },
    task: { bugs: [], seconds: 0, twice: false },
    isOver: () => performance.now() > overMillis,
    onSeed: () => {},
  });
  context.diagnostic(
    `${result.seeds} seeds from ${seeds[0]} on, ${Math.round(result.virtualMillis / 60_000)} virtual minutes`,
  );
  const [first] = result.failed;
  equal(first, undefined, `ashlar sim raft --seed ${first?.seed}: ${first?.violation}`);
});
