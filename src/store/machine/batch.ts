// Evaluates the commands of one call of `apply`, one after the other, each against the effects of those before it. A
// command is judged in full before it changes anything: it happens as a whole or not at all.

import type { Index, IndexChanges } from "../../env/index.ts";
import { unreachable } from "../../std/assert.ts";
import { type CommitCommand, decodeCommand, type ExpireCommand, type GrantCommand } from "../command.ts";
import type { PreparedCommit } from "../commit-rules.ts";
import type { LeaseId } from "../store.ts";
import { ROOT_GROUP } from "../tables.ts";
import type { CommitEvent, LeaseChange, RowChange } from "./events.ts";
import { RANGE_KEY, STATE_KEY } from "./keys.ts";
import { ENDED_STUB, endLease, heldRows, isStub, moveRow, readLease, writeLease } from "./leases.ts";
import { applyLentLease, groupsLentTo, type LentLeaseCommand } from "./lent-leases.ts";
import { PendingRows } from "./pending.ts";
import { type PreparedBase, PreparedState } from "./prepared.ts";
import { NO_TRANSACTION_BUGS, type TransactionBugs } from "./prepared-bugs.ts";
import type { TransactionCommand } from "./prepared-commands.ts";
import { isWriteLockKey, rowOfLockKey } from "./prepared-keys.ts";
import type { PreparedCounts } from "./prepared-locks.ts";
import { type KeyInterval, type RangeRefusal, type RangeState, rangeStateRow } from "./range-state.ts";
import type {
  CommandResult,
  CommitOutcome,
  Ended,
  Granted,
  Late,
  Lent,
  LivesOn,
  LockedBy,
  Refused,
  TransactionResult,
} from "./result.ts";
import { answerOf, remember } from "./sessions.ts";
import { encodeState, type MachineState } from "./state.ts";
import { BatchRanges } from "./transfers.ts";

/** About what the log adds to a command. */
const COMMAND_OVERHEAD_BYTES = 32;

/** What the machine keeps of its rows besides its state. */
export interface BatchParts {
  readonly ranges: RangeState | undefined;
  readonly prepared: PreparedCounts;
  readonly bugs: TransactionBugs;
}

/** Of a Store of one group: it serves all keys, and no commit is made over several. */
export const ONE_GROUP: BatchParts = {
  ranges: undefined,
  prepared: { writeLocks: 0, checkLocks: 0, decisions: 0 },
  bugs: NO_TRANSACTION_BUGS,
};

export class Batch {
  readonly events: CommitEvent[] = [];
  readonly leases: LeaseChange[] = [];
  readonly #pending: PendingRows;
  /** Undefined while the group serves all keys and gives none away. */
  #ranges: BatchRanges | undefined;
  readonly #state: { -readonly [Field in keyof MachineState]: MachineState[Field] };
  readonly #prepared: PreparedState;
  readonly #bugs: TransactionBugs;

  constructor(index: Index, state: MachineState, { ranges, prepared, bugs }: BatchParts) {
    this.#state = { ...state };
    this.#bugs = bugs;
    this.#pending = new PendingRows(index);
    this.#prepared = new PreparedState(this.#preparedBase(), prepared);
    if (ranges !== undefined) this.#ranges = this.#withRanges(ranges);
  }

  /** Undefined: the group serves all keys and gives none away. */
  get ranges(): RangeState | undefined {
    return this.#ranges?.state;
  }

  get state(): MachineState {
    return this.#state;
  }

  get prepared(): PreparedCounts {
    return this.#prepared.counts;
  }

  /** Transactions that let go of rows. */
  get released(): readonly Uint8Array[] {
    return this.#prepared.released;
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
      case "lend":
      case "adopt":
      case "give-back":
      case "bury":
        return this.#lendLease(command);
      case "range":
        this.#ranges ??= this.#withRanges(undefined);
        return this.#ranges.apply(command.step);
      default:
        return this.#transact(command);
    }
  }

  endEntry(appliedIndex: number, term: number): void {
    this.#state.appliedIndex = appliedIndex;
    this.#state.term = term;
  }

  /** All effects and the state that they lead to, for one atomic write. */
  changes(): IndexChanges {
    if (this.#ranges?.isChanged === true) this.#pending.put(RANGE_KEY, rangeStateRow(this.#ranges.state));
    const { puts, deletes } = this.#pending.changes();
    puts.push({ key: STATE_KEY, value: encodeState(this.#state) });
    return { puts, deletes };
  }

  #transact(command: TransactionCommand): TransactionResult {
    const ranges = this.#ranges;
    const refusal = ranges && refusalOf(ranges, keysOf(command));
    return refusal === undefined ? this.#prepared.apply(command) : { kind: "refused", code: refusal };
  }

  #commit(command: CommitCommand): CommitOutcome | LockedBy | Refused {
    const { request, lease } = command;
    const refusal = this.#ranges && refusalOf(this.#ranges, rowsOfCommit(command));
    if (refusal !== undefined) return { kind: "refused", code: refusal };
    const answer = request && answerOf(this.#pending, request);
    if (answer) return answer;
    const holder = this.#prepared.locks.inTheWayOf(command);
    if (holder && !this.#bugs.has("commit-through-locks")) return holder;
    if (lease !== 0 && !this.#isLive(lease)) return { kind: "refused", code: "LEASE_UNKNOWN" };
    const outcome = this.#judge(command);
    if (outcome.kind === "committed") this.#perform(command, outcome.revision);
    if (request) remember(this.#pending, request, outcome, this.#ranges && ownerOf(command));
    return outcome;
  }

  #isLive(lease: number): boolean {
    const record = readLease(this.#pending, lease);
    return record !== undefined && !record.ending;
  }

  #judge({ checks }: CommitCommand): CommitOutcome {
    const failedChecks = this.#failedChecks(checks);
    const { revision } = this.#state;
    return failedChecks.length > 0
      ? { kind: "conflict", failedChecks, revision }
      : { kind: "committed", revision: revision + 1 };
  }

  #failedChecks(checks: CommitCommand["checks"]): number[] {
    const failedChecks: number[] = [];
    for (const [at, { key, revision }] of checks.entries()) {
      if ((this.#pending.get(key)?.revision ?? 0) !== revision) failedChecks.push(at);
    }
    return failedChecks;
  }

  #perform({ lease, puts, deletes }: CommitCommand, revision: number): void {
    const changes: RowChange[] = [];
    for (const { key, value } of puts) this.#putRow(key, value, lease, revision, changes);
    for (const key of deletes) this.#deleteRow(key, changes);
    this.#record(revision, changes);
  }

  #putRow(key: Uint8Array, value: Uint8Array, lease: number, revision: number, changes: RowChange[]): void {
    moveRow(this.#pending, key, this.#pending.get(key)?.lease ?? 0, lease);
    this.#pending.put(key, { revision, lease, value });
    changes.push({ key, value });
  }

  #deleteRow(key: Uint8Array, changes: RowChange[]): void {
    const row = this.#pending.get(key);
    if (row === undefined) return;
    moveRow(this.#pending, key, row.lease, 0);
    this.#pending.delete(key);
    changes.push({ key, value: undefined });
  }

  #preparedBase(): PreparedBase {
    const state = this.#state;
    return {
      pending: this.#pending,
      bugs: this.#bugs,
      get revision() {
        return state.revision;
      },
      isLive: (lease) => this.#isLive(lease),
      failedChecks: (checks) => this.#failedChecks(checks),
      writeRow: (key, value, lease, revision, changes) => {
        if (value === undefined) this.#deleteRow(key, changes);
        else this.#putRow(key, value, lease, revision, changes);
      },
      record: (revision, changes, rowRevision) => this.#record(revision, changes, rowRevision),
    };
  }

  #grant({ ttlMillis }: GrantCommand): Granted {
    const lease = ++this.#state.lastLease;
    writeLease(this.#pending, lease, { ttlMillis, ending: false, acknowledged: 0 });
    this.leases.push({ kind: "granted", lease, ttlMillis });
    return { kind: "granted", lease };
  }

  #lendLease(command: LentLeaseCommand): Lent | Late | Refused {
    const step = (): number => {
      this.#record(this.#state.revision + 1, []);
      return this.#state.revision;
    };
    return applyLentLease({ pending: this.#pending, revision: this.#state.revision, step }, command);
  }

  #expire(command: ExpireCommand, term: number): Ended | LivesOn | Refused {
    return command.term < term && this.#isLive(command.lease) ? { kind: "lives-on" } : this.#end(command.lease);
  }

  #end(lease: LeaseId): Ended | Refused {
    const record = readLease(this.#pending, lease);
    const isHome = this.#state.group === ROOT_GROUP;
    if (record === undefined && !isHome) writeLease(this.#pending, lease, ENDED_STUB);
    if (record?.ended === true || (record === undefined && !isHome)) return { kind: "ended", done: true };
    if (record === undefined) return { kind: "refused", code: "LEASE_UNKNOWN" };
    const ranges = this.#ranges;
    const refusalOfHeld = (row: Uint8Array) => ranges?.refusalOf(isWriteLockKey(row) ? rowOfLockKey(row) : row);
    // What is frozen goes where it is going first.
    if (ranges && heldRows(this.#pending, lease).some((row) => refusalOfHeld(row) === "RANGE_MOVING")) {
      return { kind: "refused", code: "RANGE_MOVING" };
    }
    const lentTo = isHome ? groupsLentTo(this.#pending, lease) : [];
    const { locks } = this.#prepared;
    const { deleted, done, locked } = endLease(this.#pending, lease, record, { locks, isLent: lentTo.length > 0 });
    if (!record.ending && !isStub(record)) this.leases.push({ kind: "over", lease, done });
    if (deleted.length > 0) {
      // Rows that are not the group's (any more, or yet) go without a word.
      const served = ranges ? deleted.filter((row) => refusalOfHeld(row) === undefined) : deleted;
      const changes = served.map((key) => ({ key, value: undefined }));
      this.#record(this.#state.revision + 1, changes);
    }
    return { kind: "ended", done, ...(locked && { locked }), ...(lentTo.length > 0 && { lentTo }) };
  }

  #withRanges(ranges: RangeState | undefined): BatchRanges {
    const moved = (interval: KeyInterval): void => {
      this.events.push({ revision: this.#state.revision, changes: [], moved: interval });
    };
    const prepared = this.#prepared;
    return new BatchRanges({ pending: this.#pending, prepared, machine: this.#state, moved }, ranges);
  }

  #record(revision: number, changes: readonly RowChange[], rowRevision: number = revision): void {
    this.#state.revision = revision;
    if (changes.length === 0) return;
    this.events.push(rowRevision === revision ? { revision, changes } : { revision, rowRevision, changes });
  }
}

/** Why a group that does not serve all keys, or gives some away, does not do what touches these rows. */
function refusalOf(ranges: BatchRanges, rows: readonly Uint8Array[]): RangeRefusal | undefined {
  for (const row of rows) {
    const refusal = ranges.refusalOf(row);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function rowsOfCommit({ puts, deletes, checks }: PreparedCommit): Uint8Array[] {
  return [...puts.map(({ key }) => key), ...deletes, ...checks.map(({ key }) => key)];
}

/** The rows that a command of a transaction touches in its group. */
function keysOf(command: TransactionCommand): readonly Uint8Array[] {
  switch (command.kind) {
    case "prepare":
      return rowsOfCommit(command);
    case "decide":
      return [command.home, ...command.keys];
    case "abort":
      return [command.home];
    case "finish":
      return command.keys;
    case "forget":
      return command.records.map(({ home }) => home);
    default:
      return unreachable(command);
  }
}

/** The first written key; of a commit that writes nothing, the first that it checks. */
function ownerOf({ puts, deletes, checks }: CommitCommand): Uint8Array | undefined {
  return puts[0]?.key ?? deletes[0] ?? checks[0]?.key;
}
