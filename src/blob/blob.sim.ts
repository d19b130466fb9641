import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import { AshlarError } from "../std/errors.ts";
import { simulationSeeds } from "../testing/seeds.ts";
import type { BlobBug } from "./index.ts";
import { Violation } from "./testing/contents.ts";
import { type Faults, Simulation } from "./testing/simulation.ts";
import { World } from "./testing/world.ts";

/** For each mistake: from which seed on, and under which faults, the simulation is to find it soon. */
const SEEDED_BUGS: readonly { readonly bug: BlobBug; readonly seed: number; readonly faults: Partial<Faults> }[] = [
  { bug: "acknowledge-before-sync", seed: 8, faults: { ends: 5, powerShare: 1, slowDisk: true } },
  { bug: "delete-without-asking", seed: 1, faults: { ends: 0 } },
  { bug: "ask-before-mark", seed: 1, faults: { ends: 0, slowStore: true, clockJumps: false } },
  { bug: "switch-before-sync", seed: 1, faults: { ends: 5, powerShare: 1 } },
  { bug: "keep-torn-tail", seed: 1, faults: { ends: 5, powerShare: 1, slowDisk: true } },
  { bug: "trust-the-page-cache", seed: 1, faults: { ends: 5, powerShare: 0.5, failedSyncs: true } },
  { bug: "serve-unverified", seed: 1, faults: { ends: 1, rot: true } },
  { bug: "ignore-in-flight", seed: 7, faults: { ends: 0 } },
  { bug: "ignore-shares", seed: 1, faults: { ends: 0 } },
  { bug: "forget-live-shares", seed: 1, faults: { ends: 0 } },
];
const SEEDS_PER_BUG_MAX = 40;

describe("blobs under faults", () => {
  for (const seed of simulationSeeds(50)) {
    test(`keep what rows name and give garbage back (ASHLAR_SIM_SEED=${seed} ASHLAR_SIM_SEEDS=1)`, async () => {
      await Simulation.run({ seed });
    });
  }

  test("do the same again from the same seed", async () => {
    const faults = { ends: 3, rot: true, lostReplies: true };
    const first = await Simulation.run({ seed: 5, faults });
    const second = await Simulation.run({ seed: 5, faults });
    equal(first.traceHash, second.traceHash);
    deepEqual(first.counts, second.counts);
  });

  test("survive a loss of power after each step of a compaction", async () => {
    for (let step = 0; ; step++) if (await compactionIsDoneAfter(step)) return;
  });
});

describe("the simulation of blobs", () => {
  for (const { bug, seed, faults } of SEEDED_BUGS) {
    test(`finds the seeded bug ${bug}`, async () => {
      for (let at = 0; at < SEEDS_PER_BUG_MAX; at++) {
        try {
          await Simulation.run({ seed: seed + at, bugs: [bug], faults });
        } catch (error) {
          if (error instanceof Violation || error instanceof AshlarError) return;
          throw error;
        }
      }
      ok(false, `no seed from ${seed} on found it`);
    });
  }
});

/**
 * Power fails so many steps (operations of the disk or the Store) into a compaction; true where it was complete by
 * then.
 */
async function compactionIsDoneAfter(step: number): Promise<boolean> {
  const world = await World.open({ options: { compactGarbagePercent: 100 } });
  const bodies = Array.from({ length: 6 }, (_, at) => world.bytes(5000 + at * 500));
  for (const [at, body] of bodies.entries()) await world.settle(world.put(`key ${at}`, body));
  const [ref] = (await world.settle(world.refs("key 0")))!;
  await world.settle(world.commitRow("key 0", "", undefined));
  await world.run(2000);
  await world.settle(world.blobs.sealVolumes());
  let isDone = false;
  world.blobs.compactVolume(ref!.volume).then(
    () => {
      isDone = true;
    },
    () => {},
  );
  await world.run(0.4 * step);
  await world.crash();
  for (const [at, body] of bodies.entries()) {
    if (at > 0) deepEqual(await world.settle(world.get(`key ${at}`)), body, `after step ${step}`);
  }
  equal((await world.settle(world.machine.env.disk.list("volumes"))).length, 1);
  await world.close();
  return isDone;
}
