// What the machine answers to a command, and how the first answer to a session's request is kept.

import { assert } from "../../std/assert.ts";
import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";

export type CommandResult =
  | CommitOutcome
  | Granted
  | Ended
  | LivesOn
  | Lent
  | Refused
  | TransactionResult
  | Transferred;

export type CommitOutcome = CommitDone | CommitConflict;

export interface CommitDone {
  readonly kind: "committed";
  readonly revision: number;
}

export interface CommitConflict {
  readonly kind: "conflict";
  readonly failedChecks: readonly number[];
  /** Of the state that the checks were held against. */
  readonly revision: number;
}

export interface Granted {
  readonly kind: "granted";
  readonly lease: number;
}

export interface Ended {
  readonly kind: "ended";
  /** False: the lease is over, but the command has to be repeated until all that it held is deleted. */
  readonly done: boolean;
  /** A row of it can not be deleted before this lets go of it. */
  readonly locked?: LockedBy;
  /** Groups that have to end it, too; not all where they are many. */
  readonly lentTo?: readonly number[];
}

/** To whatever makes a group hold rows of another one's lease, or hold them no longer. */
export interface Lent {
  readonly kind: "lent";
  /** Of the group. */
  readonly revision: number;
}

/** To who found that a lease had expired: another node leads since, and times it anew. */
export interface LivesOn {
  readonly kind: "lives-on";
}

/** What the group has made of a transfer by now. */
export interface Transferred {
  readonly kind: "transferred";
  readonly phase: TransferPhase;
  /** The group's. */
  readonly revision: number;
  /** The step is to be repeated: it did not delete all that it has to. */
  readonly more: boolean;
}

export type TransferPhase = "copying" | "frozen" | "moved" | "finished" | "ended";

/** Nothing happened. */
export interface Refused {
  readonly kind: "refused";
  readonly code:
    | ("LEASE_UNKNOWN" | "SESSION_UNKNOWN" | "SESSION_WINDOW" | "OVERLOADED")
    | ("RANGE_MISMATCH" | "RANGE_MOVING" | "TRANSFER_SUPERSEDED");
}

/** To the commands of a commit over several groups. */
export type TransactionResult =
  | Prepared
  | Late
  | CommitConflict
  | LockedBy
  | Answered
  | Decided
  | Gone
  | Finished
  | Refused;

export interface Prepared {
  readonly kind: "prepared";
  /** That this group proposes: larger than any of a row here. */
  readonly revision: number;
}

/** A prepare was sent before something of home was forgotten, or an adoption before an ended lease was. */
export interface Late {
  readonly kind: "late";
  readonly revision: number;
}

/** Nothing happened: another transaction is in the way, and holds this row. */
export interface LockedBy {
  readonly kind: "locked";
  readonly transaction: Uint8Array;
  readonly home: Uint8Array;
  readonly row: Uint8Array;
}

/** The request was answered before, or is from now on. */
export interface Answered {
  readonly kind: "answered";
  readonly outcome: CommitOutcome;
}

export type Decision = { readonly committed: true; readonly revision: number } | { readonly committed: false };

export interface Decided {
  readonly kind: "decided";
  readonly decision: Decision;
  /** Of the group, behind the command. */
  readonly revision: number;
}

/** Home is not locked, and there is no decision: it was aborted, or decided and forgotten. */
export interface Gone {
  readonly kind: "gone";
}

export interface Finished {
  readonly kind: "finished";
}

const COMMITTED = 1;
const CONFLICT = 2;
/** With the key that the request belongs to, in a group that does not serve all keys. */
const COMMITTED_AT = 3;
const CONFLICT_AT = 4;

/** The owner, where there is one, is the encoded address that the result moves with. */
export function encodeOutcome(outcome: CommitOutcome, owner?: Uint8Array): Uint8Array {
  const isCommitted = outcome.kind === "committed";
  const writer = new ByteWriter(32);
  if (owner === undefined) writer.u8(isCommitted ? COMMITTED : CONFLICT);
  else writer.u8(isCommitted ? COMMITTED_AT : CONFLICT_AT).blob(owner);
  writer.varint(outcome.revision);
  if (!isCommitted) for (const check of outcome.failedChecks) writer.u8(check);
  return writer.finish();
}

export function decodeOutcome(bytes: Uint8Array): CommitOutcome {
  const reader = new ByteReader(bytes);
  const kind = reader.u8();
  assert(kind >= COMMITTED && kind <= CONFLICT_AT, "a kept result is of a commit or a conflict");
  if (kind >= COMMITTED_AT) reader.blob();
  const revision = reader.varint();
  if (kind === COMMITTED || kind === COMMITTED_AT) return { kind: "committed", revision };
  return { kind: "conflict", failedChecks: [...reader.raw(reader.remaining)], revision };
}

/** Undefined for a result that says of no key that it belongs to it. */
export function keyOfOutcome(bytes: Uint8Array): Uint8Array | undefined {
  const reader = new ByteReader(bytes);
  return reader.u8() >= COMMITTED_AT ? reader.blob() : undefined;
}
