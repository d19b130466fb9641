import { AshlarError } from "../../../std/errors.ts";
import { Prng } from "../../../std/prng.ts";
import { IdGenerator } from "../generator.ts";
import { defineLayout, type IdLayout } from "../layout.ts";
import type { IdBug } from "../seeded-bugs.ts";

// Processes that make ids with leased worker numbers, under all that may happen to them: clocks that are wrong and jump,
// processes that are killed or stand still, renewals and answers that are lost, numbers that change hands.
//
// One table, which stands for a replicated one, holds up to when each number's time is reserved. A process reserves first
// and makes ids then; who takes a number over begins where the reservation before ended. So nothing rests on clocks.
//
// Every id is a bit in a map of all ids that there can be in a run: one that comes again is seen at once. A world is
// nothing but its seed.

/** Mistakes of the one who leases the numbers. */
export const LEASE_BUGS = {
  "raise-before-commit": "A process uses a window that may never get into the table.",
  "recycle-early": "A number goes to the next process while its window is running, and begins at that one's clock.",
  "forget-window-at-restart": "A process that starts again goes on with its number at its clock.",
} as const;

export type LeaseBug = keyof typeof LEASE_BUGS;

export interface WorldOptions {
  readonly seed: number;
  readonly spanMillis?: number;
  readonly layout?: Partial<IdLayout>;
  readonly bugs?: ReadonlySet<IdBug>;
  readonly leaseBugs?: ReadonlySet<LeaseBug>;
}

export interface WorldReport {
  readonly ids: number;
  readonly takeovers: number;
  readonly refusals: ReadonlyMap<string, number>;
}

/** The ids are not what was promised. */
export class Violation extends Error {}

const EPOCH_MILLIS = Date.UTC(2026, 0, 1);
const TIME_BITS = 15;
const WORKER_BITS = 3;
const SEQUENCE_BITS = 8;
const WORKERS = 2 ** WORKER_BITS;
const PROCESSES = 12;
const WINDOW_MILLIS = 200;
const AHEAD_MILLIS = 40;
/** How wrong a clock may be. */
const CLOCK_MILLIS = 120;
const BATCH_MAX = 3000;

interface Row {
  reservedUntilMillis: number;
  holder: Process | undefined;
}

interface Process {
  generator: IdGenerator | undefined;
  row: Row;
  /** The end of the window as this process knows it. */
  windowMillis: number;
  lastId: number;
  clockErrorMillis: number;
  /** It stands still until then. */
  pausedUntilMillis: number;
}

export function runWorld(options: WorldOptions): WorldReport {
  return new World(options).run();
}

class World {
  readonly #options: WorldOptions;
  readonly #prng: Prng;
  readonly #layout: IdLayout;
  readonly #rows: readonly Row[] = Array.from({ length: WORKERS }, () => {
    return { reservedUntilMillis: EPOCH_MILLIS, holder: undefined };
  });
  readonly #processes: readonly Process[];
  readonly #seen = new Uint8Array(2 ** (TIME_BITS + WORKER_BITS + SEQUENCE_BITS - 3));
  readonly #batch = new BigUint64Array(BATCH_MAX);
  readonly #refusals = new Map<string, number>();
  #ids = 0;
  #takeovers = 0;
  /** The true time, which nobody knows. */
  #millis = EPOCH_MILLIS;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#prng = new Prng(options.seed);
    const bits = { timeBits: TIME_BITS, workerBits: WORKER_BITS, sequenceBits: SEQUENCE_BITS };
    this.#layout = defineLayout({ ...bits, epochMillis: EPOCH_MILLIS, ...options.layout });
    this.#processes = Array.from({ length: PROCESSES }, () => ({
      generator: undefined,
      row: this.#rows[0]!,
      windowMillis: 0,
      lastId: -1,
      clockErrorMillis: this.#prng.below(CLOCK_MILLIS),
      pausedUntilMillis: 0,
    }));
  }

  run(): WorldReport {
    const end = EPOCH_MILLIS + (this.#options.spanMillis ?? 15_000);
    for (; this.#millis < end; this.#millis++) {
      for (const process of this.#processes) this.#turn(process);
    }
    return { ids: this.#ids, takeovers: this.#takeovers, refusals: this.#refusals };
  }

  #turn(process: Process): void {
    const prng = this.#prng;
    if (process.pausedUntilMillis > this.#millis) return;
    if (prng.chance(0.001)) process.pausedUntilMillis = this.#millis + prng.below(600);
    if (prng.chance(0.002)) process.clockErrorMillis = prng.below(2 * CLOCK_MILLIS) - CLOCK_MILLIS;
    if (prng.chance(0.001)) this.#crash(process);
    const nowMillis = Math.max(this.#millis + process.clockErrorMillis, EPOCH_MILLIS);
    if (process.generator === undefined) {
      if (prng.chance(0.05)) this.#acquire(process, nowMillis);
      return;
    }
    if (process.windowMillis < nowMillis + WINDOW_MILLIS / 2 && prng.chance(0.1)) this.#renew(process, nowMillis);
    if (process.generator !== undefined) this.#make(process, process.generator, nowMillis);
  }

  #crash(process: Process): void {
    process.generator = undefined;
    if (!this.#options.leaseBugs?.has("forget-window-at-restart") || process.row.holder !== process) return;
    this.#begin(process, process.row, this.#millis + process.clockErrorMillis);
  }

  /** Takes a number whose window is over by the table's clock; now and then, as an operator may, one that still runs. */
  #acquire(process: Process, nowMillis: number): void {
    const row = this.#prng.pick(this.#rows);
    const isRecycledEarly = this.#options.leaseBugs?.has("recycle-early") ?? false;
    if (row.reservedUntilMillis > this.#millis && !this.#prng.chance(isRecycledEarly ? 0.5 : 0.05)) return;
    if (row.holder !== undefined) this.#takeovers++;
    row.holder = process;
    this.#begin(process, row, isRecycledEarly ? nowMillis : row.reservedUntilMillis);
  }

  #begin(process: Process, row: Row, notBeforeMillis: number): void {
    row.reservedUntilMillis = Math.max(row.reservedUntilMillis, this.#millis) + WINDOW_MILLIS;
    process.row = row;
    process.windowMillis = row.reservedUntilMillis;
    process.lastId = -1;
    process.generator = new IdGenerator({
      layout: this.#layout,
      worker: this.#rows.indexOf(row),
      notBeforeMillis,
      reservedUntilMillis: row.reservedUntilMillis,
      aheadMillisMax: AHEAD_MILLIS,
      random: () => this.#prng.u32(),
      bugs: this.#options.bugs,
    });
  }

  /** The request may get lost, and the answer too. Who has lost the number is told so, and stops. */
  #renew(process: Process, nowMillis: number): void {
    const untilMillis = nowMillis + WINDOW_MILLIS;
    if (this.#options.leaseBugs?.has("raise-before-commit")) process.generator!.reserve(untilMillis);
    if (this.#prng.chance(0.2)) return;
    const { row } = process;
    if (row.holder === process) row.reservedUntilMillis = Math.max(row.reservedUntilMillis, untilMillis);
    if (this.#prng.chance(0.2)) return;
    if (row.holder !== process) {
      process.generator = undefined;
      return;
    }
    process.windowMillis = row.reservedUntilMillis;
    process.generator!.reserve(row.reservedUntilMillis);
  }

  #make(process: Process, generator: IdGenerator, nowMillis: number): void {
    const prng = this.#prng;
    const wanted = 1 + (prng.chance(0.02) ? prng.below(BATCH_MAX) : prng.below(250));
    try {
      if (prng.chance(0.1)) {
        for (let count = Math.min(wanted, 50); count > 0; count--)
          this.#see(process, Number(generator.next(nowMillis)), nowMillis);
        return;
      }
      const batch = this.#batch.subarray(0, Math.max(1, Math.min(wanted, generator.available(nowMillis))));
      generator.fill(nowMillis, batch);
      for (const id of new Uint32Array(batch.buffer, 0, batch.length * 2).filter((_, at) => at % 2 === 0))
        this.#see(process, id, nowMillis);
    } catch (error) {
      if (!(error instanceof AshlarError)) throw error;
      this.#refusals.set(error.code, (this.#refusals.get(error.code) ?? 0) + 1);
    }
  }

  #see(process: Process, id: number, nowMillis: number): void {
    const bit = 1 << (id & 7);
    if ((this.#seen[id >>> 3]! & bit) !== 0) this.#violated(`the id ${id} was made twice`);
    this.#seen[id >>> 3]! |= bit;
    this.#ids++;
    if (id <= process.lastId) this.#violated(`the id ${id} came after ${process.lastId}`);
    process.lastId = id;
    const { unitMillis } = this.#layout;
    const timeMillis = EPOCH_MILLIS + (id >>> (WORKER_BITS + SEQUENCE_BITS)) * unitMillis;
    if (timeMillis > nowMillis + AHEAD_MILLIS) this.#violated(`the id ${id} is too far ahead of the clock`);
    if (timeMillis >= process.row.reservedUntilMillis) this.#violated(`the time of the id ${id} is not reserved`);
    if (nowMillis >= process.row.reservedUntilMillis + unitMillis)
      this.#violated(`the id ${id} was made after the window`);
  }

  #violated(what: string): never {
    throw new Violation(`seed ${this.#options.seed}, millisecond ${this.#millis - EPOCH_MILLIS}: ${what}`);
  }
}
