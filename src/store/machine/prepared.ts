// What the commands of a commit over several groups do to one group.
//
//   prepare  locks its share and proposes a revision; the revision steps, so that whoever has seen this one meets the locks
//   decide   at home: the commit happens here and now; the record tells the others
//   abort    at home: from now on it can not happen
//   finish   elsewhere: carries out what home has decided
//   forget   at home, behind all others
//
// A transaction's rows have one revision in all groups: the largest that any proposed. A group that has gone beyond it
// meanwhile tells its watchers of them at the next revision of its own.

import { equalBytes } from "../../std/bytes.ts";
import { DECISIONS_MAX, Decisions } from "./decisions.ts";
import type { RowChange } from "./events.ts";
import type { PendingRows } from "./pending.ts";
import type { TransactionBugs } from "./prepared-bugs.ts";
import type {
  AbortCommand,
  DecideCommand,
  FinishCommand,
  ForgetCommand,
  PrepareCommand,
  TransactionCommand,
} from "./prepared-commands.ts";
import { isDecisionKey } from "./prepared-keys.ts";
import { LOCKS_MAX, Locks, type PreparedCounts } from "./prepared-locks.ts";
import type { CommitOutcome, Decided, LockedBy, Refused, TransactionResult } from "./result.ts";
import { answerOf, remember } from "./sessions.ts";

/** What the batch does for a transaction. */
export interface PreparedBase {
  readonly pending: PendingRows;
  readonly bugs: TransactionBugs;
  readonly revision: number;
  isLive(lease: number): boolean;
  failedChecks(checks: PrepareCommand["checks"]): number[];
  /** Writes or deletes one row, and adds what that changed. */
  writeRow(key: Uint8Array, value: Uint8Array | undefined, lease: number, revision: number, changes: RowChange[]): void;
  /** Steps to a revision, at which the changes are told; their rows may have another one. */
  record(revision: number, changes: readonly RowChange[], rowRevision: number): void;
}

export class PreparedState {
  readonly locks: Locks;
  /** Transactions that have let go of rows, for whoever waits for them. */
  readonly released: Uint8Array[] = [];
  readonly #base: PreparedBase;
  readonly #decisions: Decisions;

  constructor(base: PreparedBase, counts: PreparedCounts) {
    this.#base = base;
    this.locks = new Locks(base.pending, counts);
    this.#decisions = new Decisions(base.pending, counts.decisions);
  }

  get counts(): PreparedCounts {
    return { ...this.locks.counts, decisions: this.#decisions.count };
  }

  apply(command: TransactionCommand): TransactionResult {
    switch (command.kind) {
      case "prepare":
        return this.#prepare(command);
      case "decide":
        return this.#decide(command);
      case "abort":
        return this.#abort(command);
      case "finish":
        return this.#finish(command);
      case "forget":
        return this.#forget(command);
    }
  }

  /** A row of the index has come or gone with its key, from or to another group. */
  count(key: Uint8Array, change: 1 | -1): void {
    if (isDecisionKey(key)) this.#decisions.moved(change);
    else this.locks.moved(key, change);
  }

  /** What is sent with an older revision comes too late. */
  raiseFence(revision: number): void {
    this.#decisions.raiseFence(revision);
  }

  #prepare(command: PrepareCommand): TransactionResult {
    const { known, request, lease, checks, puts } = command;
    const { pending, revision } = this.#base;
    if (known !== undefined) {
      // The order matters: a record is removed in the same step that raises the fence.
      if (this.#decisions.of(command) !== undefined) return this.#decided({ committed: false });
      if (known < this.#decisions.fence && !this.#base.bugs.has("prepare-behind-fence"))
        return { kind: "late", revision };
    }
    const answer = request && answerOf(pending, request);
    if (answer) return answered(answer);
    const holder = this.#inTheWayOf(command);
    if (holder) return holder;
    if (lease !== 0 && puts.length > 0 && !this.#base.isLive(lease)) return { kind: "refused", code: "LEASE_UNKNOWN" };
    const failedChecks = this.#base.failedChecks(checks);
    if (failedChecks.length > 0) return { kind: "conflict", failedChecks, revision };
    if (this.locks.count + rowsOf(command) > LOCKS_MAX) return { kind: "refused", code: "OVERLOADED" };
    this.#lock(command, revision + 1);
    this.#base.record(revision + 1, [], revision + 1);
    return { kind: "prepared", revision: revision + 1 };
  }

  #inTheWayOf(command: PrepareCommand): LockedBy | undefined {
    const holder = this.locks.inTheWayOf(command);
    if (holder) return holder;
    const full = command.checks.find(({ key }) => !this.locks.hasRoom(key));
    return full && this.locks.holderOf(full.key);
  }

  #lock({ transaction, home, lease, checks, puts, deletes }: PrepareCommand, revision: number): void {
    const name = { transaction, home };
    for (const { key, value } of puts) this.locks.lockWrite(key, { ...name, value, lease }, revision);
    for (const key of deletes) this.locks.lockWrite(key, { ...name, value: undefined, lease: 0 }, revision);
    if (this.#base.bugs.has("forget-checked-rows")) {
      // Home has to be locked, or nothing could be decided.
      if (checks.some(({ key }) => equalBytes(key, home))) this.locks.lockCheck(home, name, revision);
      return;
    }
    for (const { key } of checks) this.locks.lockCheck(key, name, revision);
  }

  #decide(command: DecideCommand): TransactionResult {
    const { transaction, home, request, keys, others } = command;
    const { bugs, pending } = this.#base;
    const decision = this.#decisions.of(command);
    if (decision) return this.#decided(decision);
    if (!this.locks.holds(transaction, home) && !bugs.has("decide-without-lock")) return { kind: "gone" };
    const answer = request && answerOf(pending, request);
    if (answer || this.#decisions.count >= DECISIONS_MAX) {
      this.#release(transaction, keys, 0);
      return answer ? answered(answer) : { kind: "refused", code: "OVERLOADED" };
    }
    const { revision } = command;
    this.#release(transaction, keys, revision);
    if (request && !bugs.has("forget-answer")) remember(pending, request, { kind: "committed", revision });
    if (others.length === 0) return this.#decided({ committed: true, revision });
    return this.#decided(this.#decisions.commit(command, revision, others));
  }

  #abort(command: AbortCommand): Decided {
    const decision = this.#decisions.of(command);
    if (decision && !this.#base.bugs.has("abort-over-decision")) return this.#decided(decision);
    this.#release(command.transaction, [command.home], 0);
    return this.#decided(this.#decisions.abort(command, this.#base.revision));
  }

  #finish({ transaction, revision, keys, conflict }: FinishCommand): TransactionResult {
    this.#release(transaction, keys, revision);
    return conflict === undefined ? { kind: "finished" } : this.#rememberConflict(conflict);
  }

  #rememberConflict({ request, failedChecks }: NonNullable<FinishCommand["conflict"]>): TransactionResult {
    const { pending, revision } = this.#base;
    const answer = answerOf(pending, request);
    if (answer) return answered(answer);
    const outcome: CommitOutcome = { kind: "conflict", failedChecks, revision };
    remember(pending, request, outcome);
    return answered(outcome);
  }

  #forget({ records }: ForgetCommand): TransactionResult {
    let fenced = false;
    for (const record of records) {
      const decision = this.#decisions.of(record);
      if (decision === undefined) continue;
      this.#decisions.forget(record);
      fenced ||= !decision.committed;
    }
    if (fenced) {
      const revision = this.#base.revision + 1;
      this.#base.record(revision, [], revision);
      this.#decisions.raiseFence(revision);
    }
    return { kind: "finished" };
  }

  /** Revision 0 drops what was to be written. */
  #release(transaction: Uint8Array, keys: readonly Uint8Array[], revision: number): void {
    const { bugs } = this.#base;
    const changes: RowChange[] = [];
    let released = false;
    for (const key of keys) {
      const lock = this.locks.release(key, transaction);
      released ||= lock !== undefined;
      if (revision === 0 || lock === undefined || lock === "checked") continue;
      this.#base.writeRow(key, lock.value, lock.lease, revision, changes);
    }
    if (!released) return;
    this.released.push(transaction);
    if (revision === 0) return;
    const next = this.#base.revision + 1;
    this.#base.record(bugs.has("revision-not-raised") ? next : Math.max(next, revision), changes, revision);
  }

  #decided(decision: Decided["decision"]): Decided {
    return { kind: "decided", decision, revision: this.#base.revision };
  }
}

function answered(outcome: CommitOutcome | Refused): TransactionResult {
  return outcome.kind === "refused" ? outcome : { kind: "answered", outcome };
}

function rowsOf({ checks, puts, deletes }: PrepareCommand): number {
  return checks.length + puts.length + deletes.length;
}
