// Evaluates the commands of one call of `apply`, one after the other, each against the effects of those before it. A
// command is judged in full before it changes anything: it happens as a whole or not at all.

import type { Index, IndexChanges } from "../../env/index.ts";
import { unreachable } from "../../std/assert.ts";
import { type CommitCommand, decodeCommand, type ExpireCommand, type GrantCommand } from "../command.ts";
import type { LeaseId } from "../store.ts";
import { STATE_KEY } from "./keys.ts";
import { endLease, moveRow, readLease, writeLease } from "./leases.ts";
import { PendingRows } from "./pending.ts";
import type { CommandResult, CommitOutcome, Ended, Granted, LivesOn, Refused } from "./result.ts";
import { answerOf, remember } from "./sessions.ts";
import { encodeState, type MachineState } from "./state.ts";

/** What one commit (or one step of a lease's end) changed, in the order of its writes. */
export interface CommitEvent {
  readonly revision: number;
  readonly changes: readonly RowChange[];
}

export interface RowChange {
  /** The encoded address. */
  readonly key: Uint8Array;
  /** Undefined: deleted. */
  readonly value: Uint8Array | undefined;
}

/** What a command made of a lease, for whoever times leases. */
export type LeaseChange =
  | { readonly kind: "granted"; readonly lease: LeaseId; readonly ttlMillis: number }
  /** It is over now; unless `done`, further commands have to delete what it holds. */
  | { readonly kind: "over"; readonly lease: LeaseId; readonly done: boolean };

/** About what the log adds to a command. */
const COMMAND_OVERHEAD_BYTES = 32;

export class Batch {
  readonly events: CommitEvent[] = [];
  readonly leases: LeaseChange[] = [];
  readonly #pending: PendingRows;
  readonly #state: { -readonly [Field in keyof MachineState]: MachineState[Field] };

  constructor(index: Index, state: MachineState) {
    this.#pending = new PendingRows(index);
    this.#state = { ...state };
  }

  get state(): MachineState {
    return this.#state;
  }

  apply(bytes: Uint8Array, term: number): CommandResult {
    const command = decodeCommand(bytes);
    this.#state.commandBytes += bytes.length + COMMAND_OVERHEAD_BYTES;
    switch (command.kind) {
      case "commit":
        return this.#commit(command);
      case "grant":
        return this.#grant(command);
      case "end":
        return this.#end(command.lease);
      case "expire":
        return this.#expire(command, term);
      default:
        return unreachable(command);
    }
  }

  endEntry(appliedIndex: number, term: number): void {
    this.#state.appliedIndex = appliedIndex;
    this.#state.term = term;
  }

  /** All effects and the state that they lead to, for one atomic write. */
  changes(): IndexChanges {
    const { puts, deletes } = this.#pending.changes();
    puts.push({ key: STATE_KEY, value: encodeState(this.#state) });
    return { puts, deletes };
  }

  #commit(command: CommitCommand): CommitOutcome | Refused {
    const { request, lease } = command;
    const answer = request && answerOf(this.#pending, request);
    if (answer) return answer;
    if (lease !== 0 && !this.#isLive(lease)) return { kind: "refused", code: "LEASE_UNKNOWN" };
    const outcome = this.#judge(command);
    if (outcome.kind === "committed") this.#perform(command, outcome.revision);
    if (request) remember(this.#pending, request, outcome);
    return outcome;
  }

  #isLive(lease: number): boolean {
    const record = readLease(this.#pending, lease);
    return record !== undefined && !record.ending;
  }

  #judge({ checks }: CommitCommand): CommitOutcome {
    const failedChecks: number[] = [];
    for (const [at, { key, revision }] of checks.entries()) {
      if ((this.#pending.get(key)?.revision ?? 0) !== revision) failedChecks.push(at);
    }
    const { revision } = this.#state;
    return failedChecks.length > 0
      ? { kind: "conflict", failedChecks, revision }
      : { kind: "committed", revision: revision + 1 };
  }

  #perform({ lease, puts, deletes }: CommitCommand, revision: number): void {
    const changes: RowChange[] = [];
    for (const { key, value } of puts) {
      moveRow(this.#pending, key, this.#pending.get(key)?.lease ?? 0, lease);
      this.#pending.put(key, { revision, lease, value });
      changes.push({ key, value });
    }
    for (const key of deletes) {
      const row = this.#pending.get(key);
      if (row === undefined) continue;
      moveRow(this.#pending, key, row.lease, 0);
      this.#pending.delete(key);
      changes.push({ key, value: undefined });
    }
    this.#record(revision, changes);
  }

  #grant({ ttlMillis }: GrantCommand): Granted {
    const lease = ++this.#state.lastLease;
    writeLease(this.#pending, lease, { ttlMillis, ending: false, acknowledged: 0 });
    this.leases.push({ kind: "granted", lease, ttlMillis });
    return { kind: "granted", lease };
  }

  #expire(command: ExpireCommand, term: number): Ended | LivesOn | Refused {
    return command.term < term && this.#isLive(command.lease) ? { kind: "lives-on" } : this.#end(command.lease);
  }

  #end(lease: LeaseId): Ended | Refused {
    const record = readLease(this.#pending, lease);
    if (record === undefined) return { kind: "refused", code: "LEASE_UNKNOWN" };
    const { deleted, done } = endLease(this.#pending, lease, record);
    if (!record.ending) this.leases.push({ kind: "over", lease, done });
    if (deleted.length > 0) {
      const changes = deleted.map((key) => ({ key, value: undefined }));
      this.#record(this.#state.revision + 1, changes);
    }
    return { kind: "ended", done };
  }

  #record(revision: number, changes: readonly RowChange[]): void {
    this.#state.revision = revision;
    if (changes.length > 0) this.events.push({ revision, changes });
  }
}
