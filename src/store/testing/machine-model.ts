// The machine as one would write it without an Index, batches, bounds or a disk: maps of strings. It shares no code
// with the machine but the decoder of commands, and says what each command must answer and which rows must be there.

import assert from "node:assert/strict";
import { toHex } from "../../std/bytes.ts";
import { type CommitCommand, decodeCommand } from "../command.ts";
import type { PreparedRequest } from "../commit-rules.ts";
import type { CommandResult } from "../machine.ts";
import { STORE_LIMITS } from "../store.ts";
import { type ModelRow, type ModelState, TransactionsModel } from "./transactions-model.ts";

interface ModelLease {
  acknowledged: number;
  readonly results: Map<number, CommandResult>;
  ending: boolean;
}

export class MachineModel implements ModelState {
  /** By encoded address. */
  readonly rows: Map<string, ModelRow> = new Map();
  readonly transactions: TransactionsModel = new TransactionsModel(this);
  readonly #leases = new Map<number, ModelLease>();
  #lastLease = 0;
  revision = 0;

  apply(bytes: Uint8Array, term: number): CommandResult {
    const command = decodeCommand(bytes);
    assert.ok(command.kind !== "range", "the model has one range");
    switch (command.kind) {
      case "commit":
        return this.#commit(command);
      case "grant":
        this.#leases.set(++this.#lastLease, { acknowledged: 0, results: new Map(), ending: false });
        return { kind: "granted", lease: this.#lastLease };
      case "end":
        return this.#end(command.lease);
      case "expire": {
        const lives = command.term < term && this.#leases.get(command.lease)?.ending === false;
        return lives ? { kind: "lives-on" } : this.#end(command.lease);
      }
      case "lend":
      case "adopt":
      case "give-back":
      case "bury":
        throw new TypeError("the model is of a group that is alone");
      default:
        return this.transactions.apply(command);
    }
  }

  /** What the session already knows of a request. */
  answerOf(request: PreparedRequest): CommandResult | undefined {
    const session = this.#leases.get(request.session);
    if (!session || session.ending) return { kind: "refused", code: "SESSION_UNKNOWN" };
    const acknowledged = Math.max(session.acknowledged, request.acknowledged);
    if (request.sequence <= acknowledged || request.sequence > acknowledged + STORE_LIMITS.sessionWindowMax) {
      return { kind: "refused", code: "SESSION_WINDOW" };
    }
    session.acknowledged = acknowledged;
    return session.results.get(request.sequence);
  }

  remember(request: PreparedRequest, result: CommandResult): void {
    this.#leases.get(request.session)?.results.set(request.sequence, result);
  }

  isLive(lease: number): boolean {
    return this.#leases.get(lease)?.ending === false;
  }

  failedChecks(checks: CommitCommand["checks"]): number[] {
    return checks.flatMap(({ key, revision }, at) =>
      (this.rows.get(toHex(key))?.revision ?? 0) === revision ? [] : [at],
    );
  }

  #end(lease: number): CommandResult {
    const record = this.#leases.get(lease);
    if (!record) return { kind: "refused", code: "LEASE_UNKNOWN" };
    const held = [...this.rows].filter(([, row]) => row.lease === lease).map(([key]) => key);
    const free = held.filter((key) => this.transactions.holderOf(key) === undefined);
    for (const key of free) this.rows.delete(key);
    if (free.length > 0) this.revision++;
    const locked = this.transactions.firstInTheWayOfEnd(lease, held);
    record.ending = true;
    record.results.clear();
    if (locked === undefined) this.#leases.delete(lease);
    return { kind: "ended", done: locked === undefined, ...(locked && { locked }) };
  }

  #commit(command: CommitCommand): CommandResult {
    const { request, lease } = command;
    const known = request && this.answerOf(request);
    if (known) return known;
    const holder = this.transactions.inTheWayOf(command);
    if (holder) return holder;
    if (lease !== 0 && !this.isLive(lease)) return { kind: "refused", code: "LEASE_UNKNOWN" };
    const result = this.#judge(command);
    if (request) this.remember(request, result);
    return result;
  }

  #judge({ lease, checks, puts, deletes }: CommitCommand): CommandResult {
    const failedChecks = this.failedChecks(checks);
    if (failedChecks.length > 0) return { kind: "conflict", failedChecks, revision: this.revision };
    const revision = ++this.revision;
    for (const { key, value } of puts) this.rows.set(toHex(key), { value: toHex(value), revision, lease });
    for (const key of deletes) this.rows.delete(toHex(key));
    return { kind: "committed", revision };
  }
}
