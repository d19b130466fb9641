// Commands of the machine as they stand in the log. Row addresses are already keys of the Index, so a follower never
// encodes them again.
//
//   version u8 | kind u8 | body
//
//   commit:  lease, session, [sequence, acknowledged where session > 0],
//            checks: count * (key, revision or 0 for absent), puts: count * (key, value), deletes: count * key
//   grant:   ttlMillis
//   end:     lease
//   expire:  lease, term                                              (from version 2 on)
//   range:   one step of a transfer of keys                           (from version 3 on)
//   prepare, decide, abort, finish, forget: machine/prepared-commands.ts      (from version 3 on)
//   lend, adopt, give-back, bury: machine/lent-leases.ts                      (from version 3 on)
//
// Numbers are varints; keys and values stand behind their length. A command says the lowest version that knows its kind.

import { ByteReader, MalformedBytes } from "../std/reader.ts";
import { ByteWriter } from "../std/writer.ts";
import { decodeCommitFields, encodeCommitFields } from "./commit-codec.ts";
import type { PreparedCommit } from "./commit-rules.ts";
import { storeFailure } from "./errors.ts";
import {
  decodeLentLeaseCommand,
  encodeLentLeaseCommand,
  isLentLeaseCommand,
  type LentLeaseCommand,
} from "./machine/lent-leases.ts";
import {
  decodeTransactionCommand,
  encodeTransactionCommand,
  KIND_PREPARE,
  type TransactionCommand,
} from "./machine/prepared-commands.ts";
import { decodeRangeCommand, encodeRangeCommand, type RangeCommand } from "./machine/range-commands.ts";
import type { LeaseId } from "./store.ts";

export type Command =
  | CommitCommand
  | GrantCommand
  | EndCommand
  | ExpireCommand
  | LentLeaseCommand
  | RangeStepCommand
  | TransactionCommand;

export interface CommitCommand extends PreparedCommit {
  readonly kind: "commit";
}

/** Makes a lease under the next free id. */
export interface GrantCommand {
  readonly kind: "grant";
  readonly ttlMillis: number;
}

/**
 * Ends a lease that was revoked, or goes on with one that has ended: from the first of these on it takes no row and
 * names no session. Each deletes up to `END_ROWS_MAX` of what it holds; they are repeated until the result says that nothing is left.
 */
export interface EndCommand {
  readonly kind: "end";
  readonly lease: LeaseId;
}

/**
 * Ends a lease whose time is over by the clock of who led in the term. Under a later leader, who has given it its full
 * time again, it changes nothing.
 */
export interface ExpireCommand {
  readonly kind: "expire";
  readonly lease: LeaseId;
  readonly term: number;
}

export interface RangeStepCommand {
  readonly kind: "range";
  readonly step: RangeCommand;
}

const VERSION = 1;
const VERSION_OF_EXPIRE = 2;
/** Transfers of keys and commits over several groups. */
const VERSION_OF_GROUPS = 3;
const VERSION_MAX = 3;
const KIND_COMMIT = 1;
const KIND_GRANT = 2;
const KIND_END = 3;
const KIND_EXPIRE = 4;
/** Behind those of prepared-commands.ts. */
const KIND_RANGE = 32;

/** Shared by all encoders: each resets it, and `finish` copies. */
const writer = new ByteWriter(4096);

export function encodeCommand(command: Command): Uint8Array {
  writer.reset();
  switch (command.kind) {
    case "commit":
      encodeCommitFields(writer.u8(VERSION).u8(KIND_COMMIT), command);
      return writer.finish();
    case "grant":
      return writer.u8(VERSION).u8(KIND_GRANT).varint(command.ttlMillis).finish();
    case "end":
      return writer.u8(VERSION).u8(KIND_END).varint(command.lease).finish();
    case "expire":
      return writer.u8(VERSION_OF_EXPIRE).u8(KIND_EXPIRE).varint(command.lease).varint(command.term).finish();
    case "range":
      return encodeRangeCommand(writer.u8(VERSION_OF_GROUPS).u8(KIND_RANGE), command.step).finish();
    default:
      writer.u8(VERSION_OF_GROUPS);
      return isLentLeaseCommand(command)
        ? encodeLentLeaseCommand(writer, command)
        : encodeTransactionCommand(writer, command);
  }
}

/**
 * Keys and values share the memory of `bytes`. Throws FORMAT_NEWER, or MalformedBytes on what no version has written.
 */
export function decodeCommand(bytes: Uint8Array): Command {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version > VERSION_MAX) {
    throw storeFailure("FORMAT_NEWER", { what: "A command in the log has a newer format.", data: { version } });
  }
  const kind = reader.u8();
  if (version < versionOf(kind)) throw new MalformedBytes("no such command was known");
  const command = decodeBody(kind, reader);
  if (version === 0 || reader.remaining !== 0) throw new MalformedBytes("a command has another length than its fields");
  return command;
}

/** The lowest that knows the kind. */
function versionOf(kind: number): number {
  if (kind >= KIND_PREPARE) return VERSION_OF_GROUPS;
  return kind === KIND_EXPIRE ? VERSION_OF_EXPIRE : VERSION;
}

function decodeBody(kind: number, reader: ByteReader): Command {
  switch (kind) {
    case KIND_COMMIT:
      return decodeCommitFields(reader, "commit");
    case KIND_GRANT:
      return { kind: "grant", ttlMillis: reader.varint() };
    case KIND_END:
      return { kind: "end", lease: reader.varint() };
    case KIND_EXPIRE:
      return { kind: "expire", lease: reader.varint(), term: reader.varint() };
    case KIND_RANGE:
      return { kind: "range", step: decodeRangeCommand(reader) };
  }
  const command = decodeTransactionCommand(kind, reader) ?? decodeLentLeaseCommand(kind, reader);
  if (command === undefined) throw new MalformedBytes("a command of the Store has an unknown kind");
  return command;
}
