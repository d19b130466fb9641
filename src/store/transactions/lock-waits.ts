// Reads and commits of one group that wait until a transaction lets go of a row. They are woken when the group applies
// that; meanwhile the resolver asks for the decision, once for all who wait for one transaction.

import type { Clock, Timer, Timers } from "../../env/index.ts";
import { toHex } from "../../std/bytes.ts";
import { storeFailure } from "../errors.ts";
import type { StoreMachine } from "../machine.ts";
import { Deadlines } from "./deadlines.ts";
import { isHeld, rowsOf, rowText } from "./lock-reads.ts";
import type { TransactionOptions } from "./options.ts";
import type { LockedBy, Participant } from "./participant.ts";
import type { Resolver } from "./resolver.ts";

export interface LockWaitsSettings {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly machine: StoreMachine;
  /** The group whose locks are waited for. */
  readonly self: Participant;
  readonly resolver: Resolver;
  readonly options: TransactionOptions;
}

interface Wait {
  readonly lock: LockedBy;
  readonly waiters: Set<Waiter>;
}

interface Waiter {
  readonly millis: number;
  readonly passed: () => void;
  readonly wake: () => void;
}

export class LockWaits {
  readonly #settings: LockWaitsSettings;
  readonly #deadlines: Deadlines;
  readonly #waits = new Map<string, Wait>();
  #waiters = 0;
  #timer: Timer | undefined;
  #closed = false;

  constructor(settings: LockWaitsSettings) {
    this.#settings = settings;
    this.#deadlines = new Deadlines(settings);
  }

  get waiters(): number {
    return this.#waiters;
  }

  /** Of a call that begins now. */
  deadline(): number {
    return this.#settings.clock.monotonic() + this.#settings.options.lockMillisMax;
  }

  /**
   * Resolves when there is reason to look again: at once where the lock has gone before its waiter was here, as with commands
   * that are applied together. Rejects with DEADLINE_PASSED, OVERLOADED or the signal's reason.
   */
  async wait(lock: LockedBy, deadlineMillis: number, signal?: AbortSignal): Promise<void> {
    const { machine, options, timers } = this.#settings;
    if (this.#closed || (machine.restoring === undefined && !isHeld(machine, lock))) return;
    if (this.#waiters >= options.waitersMax) {
      const data = { waiters: this.#waiters };
      throw storeFailure("OVERLOADED", { what: "Too many calls wait for locked rows already.", data });
    }
    return new Promise((resolve, reject) => {
      const end = (error: unknown): void => {
        this.#leave(lock, waiter);
        signal?.removeEventListener("abort", aborted);
        reject(error);
      };
      const aborted = (): void => end(signal?.reason);
      const passed = (): void => end(storeFailure("DEADLINE_PASSED", { data: rowText(lock.row) }));
      const wake = (): void => {
        this.#deadlines.remove(waiter);
        signal?.removeEventListener("abort", aborted);
        resolve();
      };
      const waiter: Waiter = { millis: deadlineMillis, passed, wake };
      signal?.addEventListener("abort", aborted, { once: true });
      this.#enter(lock, waiter);
      this.#timer ??= timers.after(options.askMillis, () => this.#ask());
    });
  }

  /** Transactions that have let go of rows here. */
  released(transactions: readonly Uint8Array[]): void {
    for (const transaction of transactions) {
      if (this.#waits.size > 0) this.#wake(toHex(transaction));
      this.#settings.resolver.forget(transaction);
    }
  }

  /** Other rows have taken the place of all, or nothing more will be waited for. */
  wakeAll(): void {
    for (const id of [...this.#waits.keys()]) this.#wake(id);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.wakeAll();
    this.#deadlines.close();
  }

  #enter(lock: LockedBy, waiter: Waiter): void {
    const id = toHex(lock.transaction);
    const wait = this.#waits.get(id);
    if (wait) wait.waiters.add(waiter);
    else this.#waits.set(id, { lock, waiters: new Set([waiter]) });
    this.#waiters++;
    this.#deadlines.add(waiter);
  }

  #leave(lock: LockedBy, waiter: Waiter): void {
    const id = toHex(lock.transaction);
    const wait = this.#waits.get(id);
    if (!wait?.waiters.delete(waiter)) return;
    this.#deadlines.remove(waiter);
    this.#waiters--;
    if (wait.waiters.size === 0) this.#waits.delete(id);
  }

  #wake(id: string): void {
    const wait = this.#waits.get(id);
    if (wait === undefined) return;
    this.#waits.delete(id);
    this.#waiters -= wait.waiters.size;
    for (const waiter of wait.waiters) waiter.wake();
  }

  #ask(): void {
    const { machine, self, resolver, timers, options } = this.#settings;
    this.#timer = undefined;
    for (const { lock } of this.#waits.values()) {
      // What fails is tried again with the next tick, until the waiters' deadlines.
      resolver.look(lock, self, () => rowsOf(machine, lock.transaction)).catch(() => {});
    }
    if (this.#waits.size > 0) this.#timer = timers.after(options.askMillis, () => this.#ask());
  }
}
