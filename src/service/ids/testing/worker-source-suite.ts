import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { defineLayout, IdGenerator, LAYOUTS } from "../../../core/id/index.ts";
import { hasCode } from "../../../std/errors.ts";
import { Prng } from "../../../std/prng.ts";
import { simulationSeeds } from "../../../testing/seeds.ts";
import type { GeneratorRecord } from "../records.ts";
import { NO_IDS_BUGS } from "../seeded-bugs.ts";
import { type ClaimTimes, WorkerIds } from "../worker-ids.ts";
import type { WorkerSource } from "../worker-source.ts";

const NOW = Date.UTC(2026, 10, 22);
const WINDOW_MILLIS = 1_000;
const WORKERS = 4;
const [SEED = 1] = simulationSeeds(1);

type RunTest = (name: string, run: () => Promise<void>) => unknown;

/**
 * What every source of worker numbers has to show, through two connections to the same rows. Clocks are the test's: none of
 * the source's own counts. Each test has a generator of its own, so that all may use the same rows.
 */
export function workerSourceConformance(
  test: RunTest,
  sources: () => readonly [one: WorkerSource, other: WorkerSource],
): void {
  for (const [name, run] of Object.entries(TESTS)) {
    test(name, () => {
      const [one, other] = sources();
      return run(new Numbers(`generator-${++generators}`, one, other));
    });
  }
}

let generators = 0;

class Numbers {
  readonly generator: string;
  readonly one: WorkerSource;
  readonly other: WorkerSource;
  readonly record: GeneratorRecord = {
    ...{ isRemoved: false, layout: LAYOUTS.twitter, workerFirst: 8, workers: WORKERS, description: "" },
    windowMillis: WINDOW_MILLIS,
  };
  #holders = 0;

  constructor(generator: string, one: WorkerSource, other: WorkerSource) {
    this.generator = generator;
    this.one = one;
    this.other = other;
  }

  /** A process; those of one node come after each other. They use the two connections in turn. */
  holder(node?: string): WorkerIds {
    const holder = `holder-${++this.#holders}`;
    const source = this.#holders % 2 === 1 ? this.one : this.other;
    return new WorkerIds(source, this.generator, this.record, { holder, node: node ?? holder }, NO_IDS_BUGS);
  }

  async reservedUntil(worker: number): Promise<number | undefined> {
    return (await this.other.read(this.generator, worker))?.record.reservedUntilMillis;
  }
}

function at(millis: number): ClaimTimes {
  return { nowMillis: NOW + millis, notBeforeMillis: NOW + millis };
}

const TESTS: Readonly<Record<string, (numbers: Numbers) => Promise<void>>> = {
  "a row is written by who knows its revision only, and revisions do not come again": async ({ one, other }) => {
    const generator = `rows-${++generators}`;
    const record = { holder: "ä", node: "", generation: 1, reservedUntilMillis: NOW };
    equal(await one.read(generator, 3), undefined);
    equal(await one.write(generator, 3, 77, record), undefined);
    const first = (await one.write(generator, 3, 0, record))!;
    equal(await other.write(generator, 3, 0, record), undefined);
    const second = (await other.write(generator, 3, first, { ...record, generation: 2 ** 40 }))!;
    equal(await one.write(generator, 3, first, record), undefined);
    ok(first > 0 && second > first);
    deepEqual(await one.read(generator, 3), {
      worker: 3,
      revision: second,
      record: { ...record, generation: 2 ** 40 },
    });
  },

  "rows come in the order of their numbers, and those of other generators do not": async ({ one, other }) => {
    const name = `order-${++generators}`;
    const record = { holder: "h", node: "n", generation: 1, reservedUntilMillis: NOW };
    for (const worker of [256, 2, 65_535, 10, 0]) await one.write(name, worker, 0, record);
    for (const neighbour of [`${name}0`, `${name}-`, name.slice(0, -1)]) await one.write(neighbour, 1, 0, record);
    const found: number[] = [];
    for await (const { worker } of other.rows(name)) found.push(worker);
    deepEqual(found, [0, 2, 10, 256, 65_535]);
  },

  "holders that claim at once get different numbers, and those who come too late are told so": async (numbers) => {
    const holders = Array.from({ length: WORKERS + 3 }, () => numbers.holder());
    const claims = await Promise.allSettled(holders.map((holder) => holder.claim(at(0))));
    const held = claims.flatMap((claim) => (claim.status === "fulfilled" ? [claim.value.worker] : []));
    const refused = claims.flatMap((claim) => (claim.status === "rejected" ? [claim.reason.code] : []));
    equal(new Set(held).size, held.length);
    ok(held.every((worker) => worker >= 8 && worker < 8 + WORKERS));
    // Who was beaten to a number again and again may be told that instead.
    ok(refused.every((code) => code === "WORKERS_EXHAUSTED" || code === "CONTENDED"));
    equal(held.length + refused.length, holders.length);
  },

  "where all numbers are held, the answer tells how long that lasts": async (numbers) => {
    for (let count = 0; count < WORKERS; count++) await numbers.holder().claim(at(count));
    await rejects(numbers.holder().claim(at(100)), (error) => {
      ok(hasCode(error, "WORKERS_EXHAUSTED"));
      equal(error.data["waitMillis"], WINDOW_MILLIS - 100);
      return true;
    });
  },

  "the end of a window stands in the row before anybody may use it": async (numbers) => {
    const holder = numbers.holder();
    const { worker, reservedUntilMillis } = await holder.claim(at(0));
    equal(await numbers.reservedUntil(worker), reservedUntilMillis);
    const renewed = await holder.renew(NOW + 1_700);
    deepEqual([renewed.reservedUntilMillis, await numbers.reservedUntil(worker)], [NOW + 1_700, NOW + 1_700]);
  },

  "a number changes hands when its window is over, and its new holder begins where that ended": async (numbers) => {
    const first = await numbers.holder().claim(at(0));
    const early = await numbers.holder().claim(at(WINDOW_MILLIS - 1));
    ok(early.worker !== first.worker);
    const next = await numbers.holder().claim({ nowMillis: NOW + WINDOW_MILLIS, notBeforeMillis: NOW });
    deepEqual([next.worker, next.generation], [first.worker, 2]);
    ok(next.notBeforeMillis >= first.reservedUntilMillis);
  },

  "who was superseded can not move the window on, and learns it": async (numbers) => {
    const [late, fast] = [numbers.holder(), numbers.holder()];
    const { worker } = await late.claim(at(0));
    const lease = await fast.claim(at(5_000));
    equal(lease.worker, worker);
    await rejects(late.renew(NOW + 9_000), { code: "WORKER_LOST" });
    await late.release(NOW);
    equal(await numbers.reservedUntil(worker), lease.reservedUntilMillis);
    equal((await fast.renew(NOW + 9_000)).generation, 2);
  },

  "a number that is given back is free at once, from what was used on": async (numbers) => {
    const holder = numbers.holder();
    const { worker } = await holder.claim(at(0));
    await holder.release(NOW + 40);
    const next = await numbers.holder().claim(at(10));
    deepEqual([next.worker, next.notBeforeMillis], [worker, NOW + 40]);
  },

  "who starts again with a clock that was set back begins behind all that he has reserved": async (numbers) => {
    const before = await numbers.holder("node").claim(at(0));
    const other = await numbers.holder("node").claim(at(-60_000));
    ok(other.worker !== before.worker);
    const again = await numbers.holder("node").claim({ nowMillis: NOW + 2_000, notBeforeMillis: NOW - 60_000 });
    equal(again.worker, before.worker);
    ok(again.notBeforeMillis >= before.reservedUntilMillis);
  },

  "no id comes twice over claims, renewals, stops and clocks that differ": async (numbers) => {
    const prng = new Prng(SEED);
    const layout = defineLayout({ ...LAYOUTS.twitter, sequenceBits: 4, timeBits: 49 });
    const ids = new Set<bigint>();
    let made = 0;
    for (let run = 0; run < 40; run++) {
      const nowMillis = NOW + run * 150 + prng.below(4_000) - 2_000;
      const holder = numbers.holder(`node-${prng.below(3)}`);
      const lease = await holder.claim({ nowMillis, notBeforeMillis: nowMillis }).catch(ignoreExhausted);
      if (lease === undefined) continue;
      const generator = new IdGenerator({ layout, ...lease, aheadMillisMax: 100 });
      if (prng.chance(0.5)) generator.reserve((await holder.renew(nowMillis + 1_500)).reservedUntilMillis);
      const time = Math.max(nowMillis, lease.notBeforeMillis);
      const count = generator.available(time);
      for (let left = count; left > 0; left--) ids.add(generator.next(time));
      made += count;
      if (prng.chance(0.5)) await holder.release(generator.usedUntilMillis);
    }
    ok(made > 5_000, `seed ${SEED}: ${made} ids`);
    equal(ids.size, made, `seed ${SEED}`);
  },
};

function ignoreExhausted(error: unknown): undefined {
  if (!hasCode(error, "WORKERS_EXHAUSTED")) throw error;
}
