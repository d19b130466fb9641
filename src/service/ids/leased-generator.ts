// One generator on this node: the ids of a worker number that the node leases while ids are asked for.
//
// Ids are made without a wait as long as the window lasts. Once half of it is over, the next call has it moved on in the
// background; a node that is asked for nothing renews nothing, and takes the window up again with the next call. All ids
// that it makes rise, over changes of its number too: it never goes back behind a time that it has used.

import { IdGenerator } from "../../core/id/index.ts";
import type { Clock, Random, Timers } from "../../env/index.ts";
import { assert } from "../../std/assert.ts";
import { AshlarError, hasCode } from "../../std/errors.ts";
import { idsFailure } from "./errors.ts";
import { IDS_LIMITS } from "./limits.ts";
import type { GeneratorCounts, IdsMeter } from "./meter.ts";
import type { GeneratorRecord } from "./records.ts";
import type { IdsBugs } from "./seeded-bugs.ts";
import { Waiters } from "./waiters.ts";
import { type WorkerHolder, WorkerIds, type WorkerLease } from "./worker-ids.ts";
import type { WorkerSource } from "./worker-source.ts";

export interface LeasedGeneratorParts {
  readonly workers: WorkerSource;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly holder: WorkerHolder;
  readonly meter: IdsMeter;
  readonly bugs: IdsBugs;
}

/** So many ids that the generator has. */
type Take = (generator: IdGenerator, nowMillis: number, count: number) => void;

export function takeInto(ids: bigint[]): Take {
  return (generator, nowMillis, count) => {
    for (let left = count; left > 0; left--) ids.push(generator.next(nowMillis));
  };
}

/**
 * How far its time may run ahead of the clock. A holder also begins so far ahead: on a Store that was set back to an
 * earlier state the row may not tell what was used, but nobody with the same clock has used that.
 */
const AHEAD_MILLIS = 100;

export class LeasedGenerator {
  readonly name: string;
  readonly record: GeneratorRecord;
  readonly #parts: LeasedGeneratorParts;
  readonly #workers: WorkerIds;
  readonly #waiters: Waiters;
  readonly #counts: GeneratorCounts;
  #generator: IdGenerator | undefined;
  /** Of ids that this process has made with any number. */
  #usedUntilMillis = 0;
  #renewal: Promise<void> | undefined;
  /** Monotonic; no background renewal before it. */
  #renewalPausedUntil = 0;
  #made = 0;
  /** What the clock showed when ids were last asked for. */
  #askedMillis = 0;
  #endPause: () => void = () => {};
  #closed: AshlarError | undefined;

  constructor(name: string, record: GeneratorRecord, parts: LeasedGeneratorParts) {
    this.name = name;
    this.record = record;
    this.#parts = parts;
    this.#waiters = new Waiters(parts.clock);
    this.#counts = parts.meter.generators.of(name);
    this.#workers = new WorkerIds(parts.workers, name, record, parts.holder, parts.bugs);
  }

  get lease(): WorkerLease | undefined {
    return this.#workers.lease;
  }

  /** Ids that it has made. */
  get made(): number {
    return this.#made;
  }

  /** How far the time of its last ids is ahead of the clock; 0 where it is behind. */
  get aheadMillis(): number {
    const usedUntilMillis = this.#made === 0 ? 0 : (this.#generator?.usedUntilMillis ?? this.#usedUntilMillis);
    return Math.max(0, usedUntilMillis - this.record.layout.unitMillis - this.#parts.clock.now());
  }

  get waiting(): number {
    return this.#waiters.count;
  }

  /**
   * Calls `take` until it has had so many in all, ever greater ones. Rejects where that takes longer than a call may wait:
   * what `take` had by then is given to nobody else.
   */
  async gather(count: number, take: Take): Promise<void> {
    const left = this.#waiters.count === 0 ? this.#takeNow(count, take) : count;
    if (left > 0) await this.#waiters.inTurn(() => this.#gatherRest(left, take));
  }

  /**
   * Nothing is made any more: who asks or waits is told the reason. Gives the number back, unless the Store lets it wait:
   * then it is free when its window is over.
   */
  async close(reason: AshlarError = idsFailure("IDS_CLOSED")): Promise<void> {
    this.#closed = reason;
    this.#endPause();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#parts.timers.after(IDS_LIMITS.releaseMillisMax, resolve);
    await Promise.race([this.#release().catch(ignoreRefusal), promise]);
    timer.cancel();
  }

  async #release(): Promise<void> {
    await this.#renewal?.catch(ignoreRefusal);
    this.#retire();
    const end = this.#parts.bugs.has("forget-end") ? this.#parts.clock.now() : this.#usedUntilMillis;
    await this.#workers.release(end);
  }

  async #gatherRest(count: number, take: Take): Promise<void> {
    const { clock } = this.#parts;
    const end = clock.monotonic() + IDS_LIMITS.waitMillisMax;
    for (let left = this.#takeNow(count, take); left > 0; left = this.#takeNow(left, take)) {
      const refusal = this.#generator && refusalOf(this.#generator, this.#askedMillis);
      if (refusal === undefined || hasCode(refusal, "WINDOW_SPENT")) {
        await this.#renewed();
      } else if (hasCode(refusal, "UNIT_FULL") || hasCode(refusal, "CLOCK_BEHIND")) {
        const waitMillis = Math.max(1, Number(refusal.data["waitMillis"]));
        if (clock.monotonic() + waitMillis > end) throw refusal;
        await this.#pause(waitMillis);
      } else throw refusal;
    }
  }

  /** How many it could not take. */
  #takeNow(count: number, take: Take): number {
    if (this.#closed !== undefined) throw this.#closed;
    const generator = this.#generator;
    if (generator === undefined) return count;
    const nowMillis = this.#parts.clock.now();
    this.#askedMillis = nowMillis;
    this.#renewAhead(nowMillis);
    const ready = Math.min(count, generator.available(nowMillis));
    if (ready === 0) return count;
    take(generator, nowMillis, ready);
    this.#made += ready;
    return count - ready;
  }

  async #pause(millis: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#parts.timers.after(millis, resolve);
    this.#endPause = () => {
      timer.cancel();
      resolve();
    };
    await promise;
  }

  #renewAhead(nowMillis: number): void {
    const { clock } = this.#parts;
    const { lease } = this.#workers;
    if (lease === undefined || this.#renewal !== undefined) return;
    if (nowMillis < lease.reservedUntilMillis - this.record.windowMillis / 2) return;
    if (clock.monotonic() < this.#renewalPausedUntil) return;
    this.#renewalPausedUntil = clock.monotonic() + IDS_LIMITS.renewalPauseMillis;
    this.#renewed().catch(ignoreRefusal);
  }

  /** One at a time. */
  #renewed(): Promise<void> {
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #renew(): Promise<void> {
    const nowMillis = this.#parts.clock.now();
    this.#mustHaveTime(nowMillis);
    const { lease } = this.#workers;
    if (lease === undefined) return this.#claim(nowMillis);
    // Where the clock was set back, ids go on behind the last ones all the same.
    const nextMillis = Math.max(nowMillis, this.#generator!.usedUntilMillis);
    const untilMillis = nextMillis + this.record.windowMillis;
    if (this.#parts.bugs.has("reserve-before-commit")) this.#generator!.reserve(untilMillis);
    try {
      const { reservedUntilMillis } = await this.#workers.renew(untilMillis);
      this.#generator!.reserve(reservedUntilMillis);
      this.#counts.renewals++;
    } catch (error) {
      if (!hasCode(error, "WORKER_LOST")) throw error;
      this.#parts.meter.workerLost(this.name, lease.worker);
      this.#retire();
      await this.#claim(nowMillis);
    }
  }

  async #claim(nowMillis: number): Promise<void> {
    const notBeforeMillis = Math.max(nowMillis + AHEAD_MILLIS, this.#usedUntilMillis);
    const lease = await this.#workers.claim({ nowMillis, notBeforeMillis });
    this.#counts.claims++;
    const { random } = this.#parts;
    const { layout } = this.record;
    const options = { layout, aheadMillisMax: AHEAD_MILLIS, random: () => random.u32() };
    this.#generator = new IdGenerator({ ...options, ...lease });
  }

  #retire(): void {
    if (this.#generator !== undefined)
      this.#usedUntilMillis = Math.max(this.#usedUntilMillis, this.#generator.usedUntilMillis);
    this.#generator = undefined;
  }

  /** No window is committed for a time that the layout has no ids for: a clock that shows it is wrong. */
  #mustHaveTime(nowMillis: number): void {
    const { layout, workerFirst } = this.record;
    new IdGenerator({ layout, worker: workerFirst, random: () => 0 }).next(nowMillis);
  }
}

/** A background renewal that did not get through: who needs the window meets the reason by himself. */
function ignoreRefusal(error: unknown): void {
  if (!(error instanceof AshlarError)) throw error;
}

/** Of a generator that has no id now. */
function refusalOf(generator: IdGenerator, nowMillis: number): unknown {
  try {
    generator.next(nowMillis);
  } catch (error) {
    return error;
  }
  assert(false, "a generator that has no ids gives none");
}
