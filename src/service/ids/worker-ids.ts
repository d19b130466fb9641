// Worker numbers as leases that no clock is trusted with.
//
//     row of number 7     | holder A, until 1000 |  A renews: until 1400  |  B takes over: generation 2, from 1400 on
//     A may make ids of   |        ...1000)      |          ...1400)      |          [1400...
//
// Three rules keep two holders of a number apart, whatever their clocks show:
//   - the end of a window is committed before any id of it is made;
//   - a holder begins where the window ended that it found in the row;
//   - every commit checks the revision of the row that it rests on, so that who was superseded learns it, and can not move
//     a window on that is another's.
// Clocks decide only which number looks free. One that is wrong takes a number from a holder who still uses it: that one
// goes on to the end of its window, learns it with the next renewal, and takes another number.

import { hasCode } from "../../std/errors.ts";
import { idsFailure } from "./errors.ts";
import { IDS_LIMITS } from "./limits.ts";
import type { GeneratorRecord, WorkerRecord } from "./records.ts";
import type { IdsBugs } from "./seeded-bugs.ts";
import type { WorkerSource } from "./worker-source.ts";

export interface WorkerHolder {
  /** Of this process alone: two that run on copies of one data directory differ in it. */
  readonly holder: string;
  /** Prefers the number that it had before, where that is free. */
  readonly node: string;
}

export interface ClaimTimes {
  /** What the clock shows. */
  readonly nowMillis: number;
  /** The holder makes no ids of earlier times anyway. */
  readonly notBeforeMillis: number;
}

/** A number that this process holds as far as it knows. */
export interface WorkerLease {
  readonly worker: number;
  readonly generation: number;
  /** Where the window before ended, or later. */
  readonly notBeforeMillis: number;
  readonly reservedUntilMillis: number;
}

interface Held {
  readonly lease: WorkerLease;
  readonly record: WorkerRecord;
  readonly revision: number;
}

/** The worker number of one process in one generator. One call at a time. */
export class WorkerIds {
  readonly #source: WorkerSource;
  readonly #generator: string;
  readonly #record: GeneratorRecord;
  readonly #holder: WorkerHolder;
  readonly #bugs: IdsBugs;
  #held: Held | undefined;

  constructor(source: WorkerSource, generator: string, record: GeneratorRecord, holder: WorkerHolder, bugs: IdsBugs) {
    this.#source = source;
    this.#generator = generator;
    this.#record = record;
    this.#holder = holder;
    this.#bugs = bugs;
  }

  get lease(): WorkerLease | undefined {
    return this.#held?.lease;
  }

  /** Takes a number that is free by the clock. Rejects with WORKERS_EXHAUSTED, with CONTENDED, and with the source's errors. */
  async claim(times: ClaimTimes): Promise<WorkerLease> {
    for (let attempt = 0; attempt < IDS_LIMITS.attemptsMax; attempt++) {
      const free = await this.#findFree(times);
      const found = free.record;
      const isOwn = this.#bugs.has("trust-own-name") && found?.node === this.#holder.node;
      const endMillis = isOwn || this.#bugs.has("recycle-early") ? 0 : (found?.reservedUntilMillis ?? 0);
      const notBeforeMillis = Math.max(endMillis, times.notBeforeMillis);
      const record = {
        ...this.#holder,
        generation: (found?.generation ?? 0) + 1,
        reservedUntilMillis: notBeforeMillis + this.#record.windowMillis,
      };
      const revision = await this.#write(free.worker, free.revision, record);
      if (revision === undefined) continue;
      const { generation, reservedUntilMillis } = record;
      const lease = { worker: free.worker, generation, notBeforeMillis, reservedUntilMillis };
      this.#held = { lease, record, revision };
      return lease;
    }
    throw idsFailure("CONTENDED", { data: { generator: this.#generator } });
  }

  /** Moves the window's end on, once that is committed. Rejects with WORKER_LOST, then nothing is held any more. */
  async renew(untilMillis: number): Promise<WorkerLease> {
    const { lease, record, revision } = this.#mustHold();
    if (untilMillis <= record.reservedUntilMillis) return lease;
    const renewed = { ...record, reservedUntilMillis: untilMillis };
    const written = await this.#write(lease.worker, revision, renewed);
    if (written === undefined) this.#lost(lease);
    const { reservedUntilMillis } = renewed;
    this.#held = { lease: { ...lease, reservedUntilMillis }, record: renewed, revision: written };
    return this.#held.lease;
  }

  /** Gives the number back: the next holder begins at `usedUntilMillis`, and need not wait for the window's end. */
  async release(usedUntilMillis: number): Promise<void> {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    const { lease, record, revision } = held;
    // Before its own beginning is another's time.
    const used = Math.max(usedUntilMillis, lease.notBeforeMillis);
    const reservedUntilMillis = Math.min(used, record.reservedUntilMillis);
    await this.#write(lease.worker, revision, { ...record, holder: "", reservedUntilMillis });
  }

  #mustHold(): Held {
    if (this.#held === undefined) throw idsFailure("WORKER_LOST", { data: { generator: this.#generator } });
    return this.#held;
  }

  #lost({ worker, generation }: WorkerLease): never {
    this.#held = undefined;
    throw idsFailure("WORKER_LOST", { data: { generator: this.#generator, worker, generation } });
  }

  /**
   * The row's new revision; undefined where it was not as expected. After a lost reply the row tells: generations and
   * holders are of one process, so a row with both, and the end that was asked for, is the one that was written.
   */
  async #write(worker: number, revision: number, record: WorkerRecord): Promise<number | undefined> {
    const source = this.#source;
    const isUnchecked = this.#bugs.has("renew-unchecked") && this.#held !== undefined;
    let isUncertain = false;
    for (let attempt = 0; attempt < IDS_LIMITS.attemptsMax; attempt++) {
      const expected = isUnchecked ? ((await source.read(this.#generator, worker))?.revision ?? 0) : revision;
      try {
        const written = await source.write(this.#generator, worker, expected, record);
        if (written !== undefined) return written;
        // It may be this very process in another copy of its machine that has written the same.
        if (!isUncertain) return undefined;
      } catch (error) {
        if (!hasCode(error, "OUTCOME_UNKNOWN")) throw error;
        isUncertain = true;
      }
      const row = await source.read(this.#generator, worker);
      if (row !== undefined && isSame(row.record, record)) return row.revision;
      if ((row?.revision ?? 0) !== revision) return undefined;
    }
    throw idsFailure("CONTENDED", { data: { generator: this.#generator, worker } });
  }

  /** This node's own number of before, if its window is over; else the least number that has none, or one that is over. */
  async #findFree({ nowMillis, notBeforeMillis }: ClaimTimes): Promise<FreeNumber> {
    const { workerFirst, workers } = this.#record;
    let expected = workerFirst;
    let free: FreeNumber | undefined;
    let soonestMillis = Number.POSITIVE_INFINITY;
    for await (const { worker, revision, record } of this.#source.rows(this.#generator)) {
      if (worker < workerFirst || worker >= workerFirst + workers) continue;
      if (worker > expected) free ??= { worker: expected, revision: 0, record: undefined };
      expected = worker + 1;
      soonestMillis = Math.min(soonestMillis, record.reservedUntilMillis);
      const isOwn = record.node === this.#holder.node;
      // One that was given back has nobody who would go on: its new holder may have to wait, but not for long.
      const waitMillis = Math.max(IDS_LIMITS.takeUpWaitMillis, this.#record.layout.unitMillis);
      const overMillis = record.holder === "" ? notBeforeMillis + waitMillis : nowMillis;
      const isBugged = this.#bugs.has("recycle-early") || (isOwn && this.#bugs.has("trust-own-name"));
      if (record.reservedUntilMillis > overMillis && !isBugged) continue;
      const found = { worker, revision, record };
      if (isOwn) return found;
      free ??= found;
    }
    if (free !== undefined) return free;
    if (expected < workerFirst + workers) return { worker: expected, revision: 0, record: undefined };
    throw idsFailure("WORKERS_EXHAUSTED", {
      data: { generator: this.#generator, workers, waitMillis: Math.ceil(soonestMillis - nowMillis) },
    });
  }
}

interface FreeNumber {
  readonly worker: number;
  /** 0: it has no row yet. */
  readonly revision: number;
  readonly record: WorkerRecord | undefined;
}

function isSame(left: WorkerRecord, right: WorkerRecord): boolean {
  return (
    left.holder === right.holder &&
    left.generation === right.generation &&
    left.reservedUntilMillis === right.reservedUntilMillis
  );
}
