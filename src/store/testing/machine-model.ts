// The machine as one would write it without an Index, batches, bounds or a disk: maps of strings. It shares no code
// with the machine but the decoder of commands, and says what each command must answer and which rows must be there.

import { toHex } from "../../std/bytes.ts";
import { type CommitCommand, decodeCommand } from "../command.ts";
import type { CommandResult } from "../machine.ts";
import { STORE_LIMITS } from "../store.ts";

export interface ModelRow {
  readonly value: string;
  readonly revision: number;
  readonly lease: number;
}

interface ModelLease {
  acknowledged: number;
  readonly results: Map<number, CommandResult>;
}

export class MachineModel {
  /** By encoded address. */
  readonly rows: Map<string, ModelRow> = new Map();
  readonly #leases = new Map<number, ModelLease>();
  #lastLease = 0;
  revision = 0;

  apply(bytes: Uint8Array, term: number): CommandResult {
    const command = decodeCommand(bytes);
    if (command.kind === "commit") return this.#commit(command);
    if (command.kind === "grant") {
      this.#leases.set(++this.#lastLease, { acknowledged: 0, results: new Map() });
      return { kind: "granted", lease: this.#lastLease };
    }
    if (command.kind === "expire" && command.term < term && this.#leases.has(command.lease))
      return { kind: "lives-on" };
    if (!this.#leases.delete(command.lease)) return { kind: "refused", code: "LEASE_UNKNOWN" };
    const held = [...this.rows].filter(([, row]) => row.lease === command.lease);
    for (const [key] of held) this.rows.delete(key);
    if (held.length > 0) this.revision++;
    return { kind: "ended", done: true };
  }

  #commit(command: CommitCommand): CommandResult {
    const { request } = command;
    if (!request) return this.#judge(command);
    const session = this.#leases.get(request.session);
    if (!session) return { kind: "refused", code: "SESSION_UNKNOWN" };
    const acknowledged = Math.max(session.acknowledged, request.acknowledged);
    if (request.sequence <= acknowledged || request.sequence > acknowledged + STORE_LIMITS.sessionWindowMax) {
      return { kind: "refused", code: "SESSION_WINDOW" };
    }
    session.acknowledged = acknowledged;
    const known = session.results.get(request.sequence);
    if (known) return known;
    const result = this.#judge(command);
    if (result.kind !== "refused") session.results.set(request.sequence, result);
    return result;
  }

  #judge({ lease, checks, puts, deletes }: CommitCommand): CommandResult {
    if (lease !== 0 && !this.#leases.has(lease)) return { kind: "refused", code: "LEASE_UNKNOWN" };
    const failedChecks: number[] = [];
    checks.forEach(({ key, revision }, at) => {
      if ((this.rows.get(toHex(key))?.revision ?? 0) !== revision) failedChecks.push(at);
    });
    if (failedChecks.length > 0) return { kind: "conflict", failedChecks, revision: this.revision };
    const revision = ++this.revision;
    for (const { key, value } of puts) this.rows.set(toHex(key), { value: toHex(value), revision, lease });
    for (const key of deletes) this.rows.delete(toHex(key));
    return { kind: "committed", revision };
  }
}
