// Leases on one member of their group. Whoever leads times them, by its own clock, and ends those that are over through
// the log, step by step. Keep-alives are not logged: a new leader gives every lease its full time again. What it finds
// to be over it ends in the name of its term, so that it changes nothing once somebody else leads.

import type { Clock, Timer, Timers } from "../../env/index.ts";
import { assert } from "../../std/assert.ts";
import type { Command } from "../command.ts";
import { checkTtl } from "../commit-rules.ts";
import { storeFailure } from "../errors.ts";
import { isStub } from "../machine/leases.ts";
import type { LockedBy } from "../machine/result.ts";
import type { CommandResult, LeaseChange, StoreMachine } from "../machine.ts";
import type { Lease, LeaseId } from "../store.ts";
import type { StoreCounters } from "./counters.ts";
import type { StoreGroup } from "./group.ts";
import { LeaseTimes } from "./lease-times.ts";

export interface LeaseServiceSettings {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly machine: StoreMachine;
  readonly group: Pick<StoreGroup, "lead" | "isLeader" | "status" | "observe" | "readBarrier">;
  readonly propose: (command: Command) => Promise<CommandResult>;
  /** Resolves when it may have let go of a row. */
  readonly unlocked: (lock: LockedBy) => Promise<void>;
  /** Ends a lease in the other groups that may hold rows of it. */
  readonly endElsewhere: (lease: LeaseId, groups: readonly number[]) => Promise<void>;
  readonly leasesMax: number;
  readonly retryMillis: number;
  readonly counters: StoreCounters;
}

export class LeaseService {
  readonly #settings: LeaseServiceSettings;
  /** While this node leads. */
  #times: LeaseTimes | undefined;
  #ignoreLeader: (() => void) | undefined;
  #retry: Timer | undefined;
  /** Grants that are proposed and not yet answered. */
  #granting = 0;
  #closed = false;

  constructor(settings: LeaseServiceSettings) {
    this.#settings = settings;
  }

  /** To be called once, when the machine holds what this node knows. */
  begin(): void {
    this.restored();
    this.#ignoreLeader = this.#settings.group.observe({ leader: () => this.#followLeader() });
    this.#followLeader();
  }

  /** What commands that were applied made of leases. */
  applied(changes: readonly LeaseChange[]): void {
    for (const change of changes) {
      this.#settings.counters.leases += change.kind === "granted" ? 1 : -1;
      this.#times?.changed(change);
    }
  }

  /** The machine holds other leases than before. */
  restored(): void {
    let count = 0;
    for (const lease of this.#settings.machine.leases()) if (!lease.ending && !isStub(lease)) count++;
    this.#settings.counters.leases = count;
  }

  async grant(ttlMillis: number): Promise<Lease> {
    checkTtl(ttlMillis);
    const { leasesMax, propose, counters } = this.#settings;
    if (counters.leases + this.#granting >= leasesMax) {
      throw storeFailure("OVERLOADED", { what: "Too many leases are alive.", data: { leasesMax } });
    }
    this.#granting++;
    try {
      const result = await propose({ kind: "grant", ttlMillis });
      assert(result.kind === "granted", "a grant is always granted");
      return { id: result.lease, ttlMillis };
    } finally {
      this.#granting--;
    }
  }

  get leadsHere(): boolean {
    const { group } = this.#settings;
    // Who is alone is about to lead.
    return group.isLeader || isAlone(group.status);
  }

  /** Throws NOT_LEADER where another node times leases. */
  checkLeads(): void {
    if (!this.leadsHere) throw storeFailure("NOT_LEADER", { data: { leader: this.#settings.group.lead } });
  }

  /** The caller has made sure that this node leads, and that its machine holds all that was acknowledged. */
  keepAlive(lease: LeaseId): void {
    this.checkLeads();
    const record = isLease(lease) ? this.#settings.machine.lease(lease) : undefined;
    if (record === undefined || record.ending) throw leaseUnknown(lease);
    // Where it leads and does not time leases yet, each will have its full time.
    if (this.#times !== undefined && !this.#times.keepAlive(lease)) throw leaseUnknown(lease);
  }

  async revoke(lease: LeaseId): Promise<void> {
    if (!isLease(lease)) throw leaseUnknown(lease);
    for (let step = 0; ; step++) {
      const running = this.#times?.endOf(lease);
      if (running) return running;
      const result = await this.#settings.propose({ kind: "end", lease });
      if (result.kind === "refused" && result.code === "RANGE_MOVING") {
        // Some of its rows are on their way to another group: they go first.
        await this.#pause();
        continue;
      }
      if (result.kind === "refused" && step === 0) throw leaseUnknown(lease);
      // Refused later: who leads has ended the rest of it.
      if (result.kind !== "ended" || result.done) return;
      if (result.locked) await this.#settings.unlocked(result.locked);
      if (result.lentTo) await this.#settings.endElsewhere(lease, result.lentTo);
    }
  }

  #pause(): Promise<void> {
    const { timers, retryMillis } = this.#settings;
    return new Promise((resolve) => timers.after(retryMillis, resolve));
  }

  close(): void {
    this.#closed = true;
    this.#ignoreLeader?.();
    this.#stop();
  }

  #stop(): void {
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#times?.close();
    this.#times = undefined;
  }

  #followLeader(): void {
    const { group } = this.#settings;
    const term = group.isLeader ? group.status.term : 0;
    if (this.#times?.term === term) return;
    this.#stop();
    if (term !== 0) void this.#lead(term);
  }

  /** Begins when the machine holds what earlier leaders had acknowledged, in the same turn. */
  async #lead(term: number): Promise<void> {
    const { group, timers, retryMillis, machine } = this.#settings;
    const leads = (): boolean => !this.#closed && group.isLeader && group.status.term === term;
    try {
      await group.readBarrier();
    } catch {
      if (!leads() || this.#retry !== undefined) return;
      this.#retry = timers.after(retryMillis, () => {
        this.#retry = undefined;
        this.#followLeader();
      });
      return;
    }
    if (!leads() || this.#times !== undefined) return;
    this.#times = new LeaseTimes({ ...this.#settings, term });
    this.#times.begin(timedLeases(machine));
  }
}

function* timedLeases(machine: StoreMachine): ReturnType<StoreMachine["leases"]> {
  for (const lease of machine.leases()) if (!isStub(lease)) yield lease;
}

function isAlone({ id, configuration: { voters, votersOutgoing } }: StoreGroup["status"]): boolean {
  return voters.length === 1 && voters[0] === id && votersOutgoing.length === 0;
}

function isLease(lease: LeaseId): boolean {
  return Number.isSafeInteger(lease) && lease > 0;
}

function leaseUnknown(lease: LeaseId): Error {
  return storeFailure("LEASE_UNKNOWN", { data: { lease } });
}
