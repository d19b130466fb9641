// The leases of a group in one term, on the node that leads in it: when they are over, and their end.

import type { Clock, Timer, Timers } from "../../env/index.ts";
import type { Command } from "../command.ts";
import { storeFailure } from "../errors.ts";
import type { LockedBy } from "../machine/result.ts";
import type { CommandResult, LeaseChange } from "../machine.ts";
import type { LeaseId } from "../store.ts";
import type { StoreCounters } from "./counters.ts";
import { LeaseClock } from "./lease-clock.ts";

const ENDS_AT_ONCE_MAX = 64;

export interface LeaseTimesSettings {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly term: number;
  readonly propose: (command: Command) => Promise<CommandResult>;
  /** Resolves when it may have let go of a row. */
  readonly unlocked: (lock: LockedBy) => Promise<void>;
  /** Ends a lease in the other groups that may hold rows of it. */
  readonly endElsewhere: (lease: LeaseId, groups: readonly number[]) => Promise<void>;
  readonly retryMillis: number;
  readonly counters: StoreCounters;
}

interface FoundLease {
  readonly lease: LeaseId;
  readonly ttlMillis: number;
  readonly ending: boolean;
}

export class LeaseTimes {
  readonly term: number;
  readonly #settings: LeaseTimesSettings;
  readonly #clock: LeaseClock;
  /** Leases whose end is under way. */
  readonly #ending = new Map<LeaseId, Promise<void>>();
  /**
   * Leases that are over and wait for their end to be proposed: a crowd that expires at once must not crowd out
   * commits.
   */
  readonly #over: LeaseId[] = [];
  #endsAtOnce = 0;
  #retry: Timer | undefined;
  #closed = false;

  constructor(settings: LeaseTimesSettings) {
    this.term = settings.term;
    this.#settings = settings;
    this.#clock = new LeaseClock({ ...settings, expire: (lease) => this.#expire(lease) });
  }

  /** Every lease has its full time from now on. */
  begin(leases: Iterable<FoundLease>): void {
    for (const { lease, ttlMillis, ending } of leases) {
      if (ending) this.#over.push(lease);
      else this.#clock.start(lease, ttlMillis);
    }
    this.#endNext();
  }

  changed(change: LeaseChange): void {
    if (change.kind === "granted") {
      this.#clock.start(change.lease, change.ttlMillis);
      return;
    }
    this.#clock.remove(change.lease);
    // Whoever revokes it goes on, and may stop half way.
    if (change.done || this.#ending.has(change.lease)) return;
    this.#over.push(change.lease);
    this.#endNext();
  }

  /** False where its time is over. */
  keepAlive(lease: LeaseId): boolean {
    return this.#clock.keepAlive(lease);
  }

  /** Resolves when nothing is left of a lease whose end is under way; undefined for others. */
  endOf(lease: LeaseId): Promise<void> | undefined {
    return this.#ending.get(lease);
  }

  close(): void {
    this.#closed = true;
    this.#clock.close();
    this.#retry?.cancel();
    this.#over.length = 0;
  }

  #expire(lease: LeaseId): void {
    this.#settings.counters.leasesExpired++;
    this.#over.push(lease);
    this.#endNext();
  }

  /** Goes on until all have ended or somebody else leads: a lease that is over holds its rows until then. */
  #endNext(): void {
    while (!this.#closed && this.#retry === undefined && this.#endsAtOnce < ENDS_AT_ONCE_MAX && this.#over.length > 0) {
      const lease = this.#over.shift()!;
      this.#endsAtOnce++;
      this.#end(lease).then(
        () => this.#endedOne(),
        () => {
          if (!this.#closed) this.#over.push(lease);
          this.#retryLater();
          this.#endedOne();
        },
      );
    }
  }

  #endedOne(): void {
    this.#endsAtOnce--;
    this.#endNext();
  }

  #retryLater(): void {
    if (this.#closed) return;
    this.#retry ??= this.#settings.timers.after(this.#settings.retryMillis, () => {
      this.#retry = undefined;
      this.#endNext();
    });
  }

  #end(lease: LeaseId): Promise<void> {
    let running = this.#ending.get(lease);
    if (running === undefined) {
      running = this.#endSteps(lease).finally(() => this.#ending.delete(lease));
      this.#ending.set(lease, running);
    }
    return running;
  }

  /** The first step ends it, the others delete what it held. */
  async #endSteps(lease: LeaseId): Promise<void> {
    for (;;) {
      const result = await this.#settings.propose({ kind: "expire", lease, term: this.term });
      if (result.kind === "refused" && result.code === "RANGE_MOVING") throw storeFailure(result.code);
      // Refused: an earlier step, whose answer was lost, was the last.
      if (result.kind !== "ended" || result.done) return;
      if (result.locked) await this.#settings.unlocked(result.locked);
      if (result.lentTo) await this.#settings.endElsewhere(lease, result.lentTo);
    }
  }
}
