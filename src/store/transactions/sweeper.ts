// Who leads a group looks from time to time for what coordinators left behind there: locks that nobody waits for, and
// decisions that may still have to be carried out elsewhere before they can be removed.

import type { Clock, Timer, Timers } from "../../env/index.ts";
import { toHex } from "../../std/bytes.ts";
import { FORGETS_MAX } from "../machine/prepared-commands.ts";
import type { StoreMachine } from "../machine.ts";
import { decisions, locks, rowsOf } from "./lock-reads.ts";
import type { TransactionOptions } from "./options.ts";
import type { LockedBy, Participant, Participants, TransactionName } from "./participant.ts";
import type { Resolver } from "./resolver.ts";

export interface SweeperSettings {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly machine: StoreMachine;
  readonly self: Participant;
  readonly participants: Participants;
  readonly resolver: Resolver;
  readonly options: TransactionOptions;
  /** Others leave it to who does. */
  readonly leads: () => boolean;
}

/** Of each kind, in one pass; the rest has its turn when these are gone. */
const FOUND_MAX = 1024;

export class Sweeper {
  readonly #settings: SweeperSettings;
  #timer: Timer | undefined;
  #sweeping: Promise<void> | undefined;
  #closed = false;

  constructor(settings: SweeperSettings) {
    this.#settings = settings;
    this.#later();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#sweeping;
  }

  #later(): void {
    this.#timer = this.#settings.timers.after(this.#settings.options.sweepMillis, () => {
      this.#sweeping = this.#sweep().finally(() => {
        this.#sweeping = undefined;
        if (!this.#closed) this.#later();
      });
    });
  }

  async #sweep(): Promise<void> {
    const { machine, leads } = this.#settings;
    if (machine.restoring !== undefined || !leads()) return;
    const { writeLocks, checkLocks, decisions: records } = machine.prepared;
    try {
      if (writeLocks + checkLocks > 0) await this.#sweepLocks();
      if (records > 0) await this.#sweepDecisions();
    } catch {
      // A group that does not answer, or a damaged row: what is left has its turn in the next pass.
    }
  }

  async #sweepLocks(): Promise<void> {
    const { machine, self, resolver, options } = this.#settings;
    const found = new Map<string, LockedBy>();
    for (const lock of locks(machine)) {
      if (found.size >= FOUND_MAX) break;
      if (resolver.ageMillis(lock.transaction) >= options.resolveAfterMillis) found.set(toHex(lock.transaction), lock);
    }
    for (const lock of found.values()) {
      if (this.#closed) return;
      await resolver.look(lock, self, () => rowsOf(machine, lock.transaction));
    }
  }

  async #sweepDecisions(): Promise<void> {
    const { machine, self, resolver, options } = this.#settings;
    const due: (TransactionName & { readonly revision: number; readonly others: readonly Uint8Array[] })[] = [];
    for (const { home, transaction, decision, others } of decisions(machine)) {
      if (due.length >= FOUND_MAX) break;
      const dueAfterMillis = decision.committed ? options.resolveAfterMillis : options.abortsKeptMillis;
      if (resolver.ageMillis(transaction) < dueAfterMillis) continue;
      due.push({ home, transaction, others, revision: decision.committed ? decision.revision : 0 });
    }
    let records: TransactionName[] = [];
    for (const { home, transaction, revision, others } of due) {
      if (this.#closed) return;
      if (!(await this.#finishOthers(transaction, revision, others))) break;
      records.push({ home, transaction });
      resolver.forget(transaction);
      if (records.length < FORGETS_MAX) continue;
      await self.send({ kind: "forget", records });
      records = [];
    }
    if (records.length > 0) await self.send({ kind: "forget", records });
  }

  /** By where the rows are now, not where they were when they were locked. */
  async #finishOthers(transaction: Uint8Array, revision: number, others: readonly Uint8Array[]): Promise<boolean> {
    const { participants } = this.#settings;
    const byGroup = Map.groupBy(others, (row) => participants.of(row));
    for (const [participant, keys] of byGroup) {
      const result = await participant.send({ kind: "finish", transaction, revision, keys, conflict: undefined });
      if (result.kind === "finished") continue;
      await participants.correct?.();
      return false;
    }
    return true;
  }
}
