// Commits over several groups in one group, as one would write them without rows for locks or decisions: a list of locks
// and a map of decisions. The limits are far from what the tests send.

import { equalBytes, fromHex, toHex } from "../../std/bytes.ts";
import type { CommitCommand } from "../command.ts";
import type { PreparedCommit, PreparedRequest } from "../commit-rules.ts";
import type { PrepareCommand, TransactionCommand } from "../machine/prepared-commands.ts";
import type { Decision, LockedBy } from "../machine/result.ts";
import type { CommandResult } from "../machine.ts";

interface ModelLock {
  readonly row: string;
  readonly transaction: string;
  readonly home: Uint8Array;
  readonly kind: "put" | "delete" | "check";
  readonly value: string;
  readonly lease: number;
}

export interface ModelRow {
  readonly value: string;
  readonly revision: number;
  readonly lease: number;
}

/** What they change beside locks and decisions. */
export interface ModelState {
  /** By encoded address. */
  readonly rows: Map<string, ModelRow>;
  revision: number;
  answerOf(request: PreparedRequest): CommandResult | undefined;
  remember(request: PreparedRequest, result: CommandResult): void;
  isLive(lease: number): boolean;
  failedChecks(checks: CommitCommand["checks"]): number[];
}

export class TransactionsModel {
  readonly #machine: ModelState;
  #locks: ModelLock[] = [];
  readonly decisions: Map<string, Decision> = new Map();
  #fence = 0;

  constructor(machine: ModelState) {
    this.#machine = machine;
  }

  get locks(): number {
    return this.#locks.length;
  }

  apply(command: TransactionCommand): CommandResult {
    const machine = this.#machine;
    switch (command.kind) {
      case "prepare":
        return this.#prepare(command);
      case "decide": {
        const { home, transaction, request, keys, others, revision } = command;
        const name = `${toHex(home)} ${toHex(transaction)}`;
        const known = this.decisions.get(name);
        if (known) return this.#decided(known);
        if (!this.#holds(transaction, home)) return { kind: "gone" };
        const answer = request && machine.answerOf(request);
        this.#release(transaction, keys, answer ? 0 : revision);
        if (answer) return answered(answer);
        if (request) machine.remember(request, { kind: "committed", revision });
        const decision: Decision = { committed: true, revision };
        if (others.length > 0) this.decisions.set(name, decision);
        return this.#decided(decision);
      }
      case "abort": {
        const name = `${toHex(command.home)} ${toHex(command.transaction)}`;
        const known = this.decisions.get(name);
        if (known) return this.#decided(known);
        this.#release(command.transaction, [command.home], 0);
        this.decisions.set(name, { committed: false });
        return this.#decided({ committed: false });
      }
      case "finish": {
        this.#release(command.transaction, command.keys, command.revision);
        if (command.conflict === undefined) return { kind: "finished" };
        const { request, failedChecks } = command.conflict;
        const answer = machine.answerOf(request);
        if (answer) return answered(answer);
        const outcome = { kind: "conflict", failedChecks, revision: machine.revision } as const;
        machine.remember(request, outcome);
        return { kind: "answered", outcome };
      }
      case "forget": {
        const names = command.records.map(({ home, transaction }) => `${toHex(home)} ${toHex(transaction)}`);
        const hadAborts = names.some((name) => this.decisions.get(name)?.committed === false);
        for (const name of names) this.decisions.delete(name);
        if (hadAborts) this.#fence = ++machine.revision;
        return { kind: "finished" };
      }
    }
  }

  inTheWayOf({ checks, puts, deletes }: PreparedCommit): LockedBy | undefined {
    for (const key of [...puts.map((put) => put.key), ...deletes]) {
      const holder = this.holderOf(toHex(key));
      if (holder) return holder;
    }
    for (const { key } of checks) {
      const lock = this.#locks.find(({ row, kind }) => row === toHex(key) && kind !== "check");
      if (lock) return lockedBy(lock);
    }
    return undefined;
  }

  holderOf(row: string): LockedBy | undefined {
    const lock = this.#locks.find((one) => one.row === row);
    return lock && lockedBy(lock);
  }

  /** Rows that the lease will hold stand before those that it holds; each kind in order. */
  firstInTheWayOfEnd(lease: number, held: readonly string[]): LockedBy | undefined {
    const coming = this.#locks.filter((lock) => lock.lease === lease).map(({ row }) => row);
    const first = [...coming.sort(), ...[...held].sort()].find((row) => this.holderOf(row) !== undefined);
    return first === undefined ? undefined : this.holderOf(first);
  }

  #prepare(command: PrepareCommand): CommandResult {
    const machine = this.#machine;
    const { transaction, home, known, request, lease, checks, puts, deletes } = command;
    const { revision } = machine;
    if (known !== undefined) {
      if (this.decisions.has(`${toHex(home)} ${toHex(transaction)}`)) return this.#decided({ committed: false });
      if (known < this.#fence) return { kind: "late", revision };
    }
    const answer = request && machine.answerOf(request);
    if (answer) return answered(answer);
    const holder = this.inTheWayOf(command);
    if (holder) return holder;
    if (lease !== 0 && puts.length > 0 && !machine.isLive(lease)) return { kind: "refused", code: "LEASE_UNKNOWN" };
    const failedChecks = machine.failedChecks(checks);
    if (failedChecks.length > 0) return { kind: "conflict", failedChecks, revision };
    const fields = { transaction: toHex(transaction), home, value: "", lease: 0 };
    for (const { key, value } of puts) {
      this.#locks.push({ ...fields, row: toHex(key), kind: "put", value: toHex(value), lease });
    }
    for (const key of deletes) this.#locks.push({ ...fields, row: toHex(key), kind: "delete" });
    for (const { key } of checks) {
      if (!this.#holds(transaction, key)) this.#locks.push({ ...fields, row: toHex(key), kind: "check" });
    }
    return { kind: "prepared", revision: ++machine.revision };
  }

  #holds(transaction: Uint8Array, key: Uint8Array): boolean {
    return this.#locks.some((lock) => lock.transaction === toHex(transaction) && lock.row === toHex(key));
  }

  #release(transaction: Uint8Array, keys: readonly Uint8Array[], revision: number): void {
    const machine = this.#machine;
    const mine = (lock: ModelLock): boolean =>
      equalBytes(fromHex(lock.transaction)!, transaction) && keys.some((key) => toHex(key) === lock.row);
    const released = this.#locks.filter(mine);
    if (released.length === 0) return;
    this.#locks = this.#locks.filter((lock) => !mine(lock));
    if (revision === 0) return;
    for (const { row, kind, value, lease } of released) {
      if (kind === "put") machine.rows.set(row, { value, revision, lease });
      if (kind === "delete") machine.rows.delete(row);
    }
    machine.revision = Math.max(machine.revision + 1, revision);
  }

  #decided(decision: Decision): CommandResult {
    return { kind: "decided", decision, revision: this.#machine.revision };
  }
}

function answered(known: CommandResult): CommandResult {
  return known.kind === "committed" || known.kind === "conflict" ? { kind: "answered", outcome: known } : known;
}

function lockedBy({ transaction, home, row }: ModelLock): LockedBy {
  return { kind: "locked", transaction: fromHex(transaction)!, home, row: fromHex(row)! };
}
