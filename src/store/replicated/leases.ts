// Leases as the leader of their group sees them: it grants them through the log, times them by its own clock, and ends
// them through the log, step by step. Keep-alives are not logged: who becomes leader gives every lease its full time
// again.

import type { Clock, Timer, Timers } from "../../env/index.ts";
import { assert } from "../../std/assert.ts";
import type { Command } from "../command.ts";
import { checkTtl } from "../commit-rules.ts";
import { storeFailure } from "../errors.ts";
import type { CommandResult, StoreMachine } from "../machine.ts";
import type { Lease, LeaseId } from "../store.ts";
import type { StoreCounters } from "./counters.ts";
import { LeaseClock } from "./lease-clock.ts";

const ENDS_AT_ONCE_MAX = 64;

export interface LeaseServiceSettings {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly machine: StoreMachine;
  readonly propose: (command: Command) => Promise<CommandResult>;
  readonly leasesMax: number;
  readonly retryMillis: number;
  readonly counters: StoreCounters;
}

export class LeaseService {
  readonly #settings: LeaseServiceSettings;
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
  /** Grants that are proposed and not yet answered. */
  #granting = 0;
  #closed = false;

  constructor(settings: LeaseServiceSettings) {
    this.#settings = settings;
    this.#clock = new LeaseClock({ ...settings, expire: (lease) => this.#expire(lease) });
  }

  /** Takes up what the machine holds: to be called once, when it is up to date. */
  begin(): void {
    for (const { lease, ttlMillis, ending } of this.#settings.machine.leases()) {
      if (ending) this.#over.push(lease);
      else this.#clock.start(lease, ttlMillis);
    }
    this.#count();
    this.#endNext();
  }

  async grant(ttlMillis: number): Promise<Lease> {
    checkTtl(ttlMillis);
    const { leasesMax, propose } = this.#settings;
    if (this.#clock.size + this.#granting >= leasesMax) {
      throw storeFailure("OVERLOADED", { what: "Too many leases are alive.", data: { leasesMax } });
    }
    this.#granting++;
    try {
      const result = await propose({ kind: "grant", ttlMillis });
      assert(result.kind === "granted", "a grant is always granted");
      this.#clock.start(result.lease, ttlMillis);
      this.#count();
      return { id: result.lease, ttlMillis };
    } finally {
      this.#granting--;
    }
  }

  /** The caller has made sure that this node leads. */
  keepAlive(lease: LeaseId): void {
    const record = isLease(lease) ? this.#settings.machine.lease(lease) : undefined;
    if (record === undefined || record.ending || !this.#clock.keepAlive(lease)) throw leaseUnknown(lease);
  }

  async revoke(lease: LeaseId): Promise<void> {
    if (!isLease(lease)) throw leaseUnknown(lease);
    const running = this.#ending.get(lease);
    if (running) return running;
    const first = await this.#settings.propose({ kind: "end", lease });
    if (first.kind === "refused") throw leaseUnknown(lease);
    this.#forget(lease);
    if (first.kind === "ended" && !first.done) await this.#finish(lease).catch((error) => this.#endLater(lease, error));
  }

  close(): void {
    this.#closed = true;
    this.#clock.close();
    this.#retry?.cancel();
  }

  #expire(lease: LeaseId): void {
    this.#settings.counters.leasesExpired++;
    this.#count();
    this.#over.push(lease);
    this.#endNext();
  }

  /** Goes on until all have ended or the node stops: a lease that is over holds its rows until then. */
  #endNext(): void {
    while (!this.#closed && this.#retry === undefined && this.#endsAtOnce < ENDS_AT_ONCE_MAX && this.#over.length > 0) {
      const lease = this.#over.shift()!;
      this.#endsAtOnce++;
      this.#finish(lease).then(
        () => this.#endedOne(),
        () => {
          this.#over.push(lease);
          this.#retryLater();
          this.#endedOne();
        },
      );
    }
  }

  /** Half of it may be gone: nobody else comes back for the rest. */
  #endLater(lease: LeaseId, error: unknown): never {
    this.#over.push(lease);
    this.#retryLater();
    throw error;
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

  #finish(lease: LeaseId): Promise<void> {
    let running = this.#ending.get(lease);
    if (running === undefined) {
      running = this.#endSteps(lease).finally(() => this.#ending.delete(lease));
      this.#ending.set(lease, running);
    }
    return running;
  }

  async #endSteps(lease: LeaseId): Promise<void> {
    for (;;) {
      const result = await this.#settings.propose({ kind: "end", lease });
      // Refused: an earlier step, whose answer was lost, was the last.
      if (result.kind !== "ended" || result.done) return;
    }
  }

  #forget(lease: LeaseId): void {
    this.#clock.remove(lease);
    this.#count();
  }

  #count(): void {
    this.#settings.counters.leases = this.#clock.size;
  }
}

function isLease(lease: LeaseId): boolean {
  return Number.isSafeInteger(lease) && lease > 0;
}

function leaseUnknown(lease: LeaseId): Error {
  return storeFailure("LEASE_UNKNOWN", { data: { lease } });
}
