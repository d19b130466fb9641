// What the machine answers to a command, and how the first answer to a session's request is kept.

import { assert } from "../../std/assert.ts";
import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";

export type CommandResult = CommitOutcome | Granted | Ended | LivesOn | Refused;

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
}

/** To who found that a lease had expired: another node leads since, and times it anew. */
export interface LivesOn {
  readonly kind: "lives-on";
}

/** Nothing happened. */
export interface Refused {
  readonly kind: "refused";
  readonly code: "LEASE_UNKNOWN" | "SESSION_UNKNOWN" | "SESSION_WINDOW";
}

const COMMITTED = 1;
const CONFLICT = 2;

export function encodeOutcome(outcome: CommitOutcome): Uint8Array {
  const writer = new ByteWriter(32).u8(outcome.kind === "committed" ? COMMITTED : CONFLICT).varint(outcome.revision);
  if (outcome.kind === "conflict") for (const check of outcome.failedChecks) writer.u8(check);
  return writer.finish();
}

export function decodeOutcome(bytes: Uint8Array): CommitOutcome {
  const reader = new ByteReader(bytes);
  const kind = reader.u8();
  assert(kind === COMMITTED || kind === CONFLICT, "a kept result is of a commit or a conflict");
  const revision = reader.varint();
  if (kind === COMMITTED) return { kind: "committed", revision };
  return { kind: "conflict", failedChecks: [...reader.raw(reader.remaining)], revision };
}
