// What simulations that are played over many seeds have in common.

import assert from "node:assert/strict";
import type { TestContext } from "node:test";

/** Of one that fails it is told how to play it again. */
export async function onEachSeed(
  file: string,
  seeds: readonly number[],
  play: (seed: number) => Promise<unknown>,
): Promise<void> {
  for (const seed of seeds) {
    try {
      await play(seed);
    } catch (error) {
      console.error(`replay with: ASHLAR_SIM_SEED=${seed} ASHLAR_SIM_SEEDS=1 node --test ${file}`);
      throw error;
    }
  }
}

/** Simulations that never come to what they are for show nothing. */
export function assertAllReached(reached: Readonly<Record<string, number>>): void {
  for (const [what, count] of Object.entries(reached)) assert.ok(count > 0, `no seed reached this: ${what}`);
}

/** A mistake that was built in fails a check on one of the seeds up to `seedsMax` at least; `likely` is played first. */
export async function assertShown(
  t: TestContext,
  seedsMax: number,
  play: (seed: number) => Promise<unknown>,
  likely = 1,
): Promise<void> {
  const others = Array.from({ length: seedsMax }, (_, at) => at + 1).filter((seed) => seed !== likely);
  for (const seed of [likely, ...others]) {
    const found = await play(seed).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (found === undefined) continue;
    assert.ok(found instanceof assert.AssertionError, String(found));
    t.diagnostic(`seed ${seed}: ${found.message.slice(0, 100)}`);
    return;
  }
  assert.fail(`none of ${seedsMax} seeds shows it`);
}
