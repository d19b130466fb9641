import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import { hostFailure } from "../errors.ts";
import { type HostBugs, NO_HOST_BUGS } from "../seeded-bugs.ts";

export interface ReadLimits {
  readonly waitingMax: number;
  /** A question without an answer is asked again. */
  readonly retryTicks: number;
  readonly timeoutTicks: number;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  readonly tick: number;
}

interface Asked {
  readonly waiters: Waiter[];
  readonly tick: number;
}

/** They go on when the index is applied. */
interface Confirmed {
  readonly waiters: readonly Waiter[];
  readonly index: number;
}

/**
 * Reads that wait until this node's machine holds all that was acknowledged before they came. Those of one turn share
 * one question to the leader; its answer is an index, and they go on when that is applied.
 */
export class ReadBarriers {
  readonly #life: number;
  readonly #limits: ReadLimits;
  readonly #bugs: HostBugs;
  #waiting: Waiter[] = [];
  /** By their number, in the order in which they were asked. */
  readonly #asked = new Map<number, Asked>();
  #confirmed: readonly Confirmed[] = [];
  #number = 0;
  #count = 0;

  constructor(life: number, limits: ReadLimits, bugs: HostBugs = NO_HOST_BUGS) {
    this.#life = life;
    this.#limits = limits;
    this.#bugs = bugs;
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Throws OVERLOADED. */
  add(tick: number): Promise<void> {
    if (this.#count >= this.#limits.waitingMax) throw hostFailure("OVERLOADED", { data: { reads: this.#count } });
    this.#count++;
    const [earlier] = this.#bugs.has("share-earlier-read") ? this.#asked.values() : [];
    const waiters = earlier?.waiters ?? this.#waiting;
    return new Promise((resolve, reject) => waiters.push({ resolve, reject, tick }));
  }

  /** The context of a question for all that wait now. */
  ask(tick: number): Uint8Array {
    const number = ++this.#number;
    this.#asked.set(number, { waiters: this.#waiting, tick });
    this.#waiting = [];
    return new ByteWriter(16).varint(this.#life).varint(number).finish();
  }

  /** An answer; those of an earlier life of this node, and late ones, are passed over. */
  answered(context: Uint8Array, index: number, appliedIndex: number): void {
    const reader = new ByteReader(context);
    if (reader.varint() !== this.#life) return;
    const number = reader.varint();
    const asked = this.#asked.get(number);
    if (asked === undefined) return;
    this.#asked.delete(number);
    if (index <= appliedIndex || this.#bugs.has("read-before-applied")) this.#release(asked.waiters);
    else this.#confirmed = [...this.#confirmed, { index, waiters: asked.waiters }];
  }

  appliedTo(index: number): void {
    if (this.#confirmed.length === 0) return;
    const due = this.#confirmed.filter((one) => one.index <= index);
    if (due.length === 0) return;
    this.#confirmed = this.#confirmed.filter((one) => one.index > index);
    for (const { waiters } of due) this.#release(waiters);
  }

  /** What was asked too long ago is asked again; what has waited too long is refused. */
  expire(tick: number): void {
    for (const [number, { waiters, tick: askedAt }] of this.#asked) {
      if (askedAt + this.#limits.retryTicks > tick) break;
      this.#asked.delete(number);
      this.#waiting = [...waiters, ...this.#waiting];
    }
    const due = tick - this.#limits.timeoutTicks;
    const late: Waiter[] = [];
    const stillIn = (waiters: readonly Waiter[]): Waiter[] => {
      const isDue = (waiter: Waiter): boolean => waiter.tick <= due;
      if (waiters.some(isDue)) late.push(...waiters.filter(isDue));
      return waiters.filter((waiter) => !isDue(waiter));
    };
    this.#waiting = stillIn(this.#waiting);
    // The leader's answer may be the last that this node hears for long.
    this.#confirmed = this.#confirmed.map(({ index, waiters }) => ({ index, waiters: stillIn(waiters) }));
    this.#confirmed = this.#confirmed.filter(({ waiters }) => waiters.length > 0);
    this.#refuse(late, () => hostFailure("NO_LEADER"));
  }

  stop(cause?: Error): void {
    const all = [...this.#waiting, ...[...this.#asked.values(), ...this.#confirmed].flatMap(({ waiters }) => waiters)];
    this.#waiting = [];
    this.#asked.clear();
    this.#confirmed = [];
    this.#refuse(all, () => hostFailure("STOPPED", cause && { cause }));
  }

  #release(waiters: readonly Waiter[]): void {
    this.#count -= waiters.length;
    for (const { resolve } of waiters) resolve();
  }

  #refuse(waiters: readonly Waiter[], failure: () => Error): void {
    this.#count -= waiters.length;
    for (const { reject } of waiters) reject(failure());
  }
}
