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
//
// Numbers are varints; keys and values stand behind their length. A command says the lowest version that knows its kind.

import { unreachable } from "../std/assert.ts";
import { ByteReader, MalformedBytes } from "../std/reader.ts";
import { ByteWriter } from "../std/writer.ts";
import type { PreparedCommit, PreparedRequest } from "./commit-rules.ts";
import { storeFailure } from "./errors.ts";
import { type LeaseId, STORE_LIMITS } from "./store.ts";

export type Command = CommitCommand | GrantCommand | EndCommand | ExpireCommand;

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

const VERSION = 1;
const VERSION_OF_EXPIRE = 2;
const VERSION_MAX = 2;
const KIND_COMMIT = 1;
const KIND_GRANT = 2;
const KIND_END = 3;
const KIND_EXPIRE = 4;

/** Shared by all encoders: each resets it, and `finish` copies. */
const writer = new ByteWriter(4096);

export function encodeCommand(command: Command): Uint8Array {
  writer.reset().u8(command.kind === "expire" ? VERSION_OF_EXPIRE : VERSION);
  switch (command.kind) {
    case "commit":
      return encodeCommit(command);
    case "grant":
      return writer.u8(KIND_GRANT).varint(command.ttlMillis).finish();
    case "end":
      return writer.u8(KIND_END).varint(command.lease).finish();
    case "expire":
      return writer.u8(KIND_EXPIRE).varint(command.lease).varint(command.term).finish();
    default:
      return unreachable(command);
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
  const command = decodeBody(reader);
  if (command.kind === "expire" && version < VERSION_OF_EXPIRE) throw new MalformedBytes("no such command was known");
  if (version === 0 || reader.remaining !== 0) throw new MalformedBytes("a command has another length than its fields");
  return command;
}

function decodeBody(reader: ByteReader): Command {
  const kind = reader.u8();
  switch (kind) {
    case KIND_COMMIT:
      return decodeCommit(reader);
    case KIND_GRANT:
      return { kind: "grant", ttlMillis: reader.varint() };
    case KIND_END:
      return { kind: "end", lease: reader.varint() };
    case KIND_EXPIRE:
      return { kind: "expire", lease: reader.varint(), term: reader.varint() };
    default:
      throw new MalformedBytes("a command of the Store has an unknown kind");
  }
}

function encodeCommit({ lease, request, checks, puts, deletes }: CommitCommand): Uint8Array {
  writer
    .u8(KIND_COMMIT)
    .varint(lease)
    .varint(request?.session ?? 0);
  if (request) writer.varint(request.sequence).varint(request.acknowledged);
  writer.varint(checks.length);
  for (const check of checks) writer.blob(check.key).varint(check.revision);
  writer.varint(puts.length);
  for (const put of puts) writer.blob(put.key).blob(put.value);
  writer.varint(deletes.length);
  for (const key of deletes) writer.blob(key);
  return writer.finish();
}

function decodeCommit(reader: ByteReader): CommitCommand {
  const lease = reader.varint();
  const request = decodeRequest(reader);
  const checks = list(reader, STORE_LIMITS.checksMax, () => ({ key: reader.blob(), revision: reader.varint() }));
  const puts = list(reader, STORE_LIMITS.writesMax, () => ({ key: reader.blob(), value: reader.blob() }));
  const deletes = list(reader, STORE_LIMITS.writesMax, () => reader.blob());
  return { kind: "commit", lease, request, checks, puts, deletes };
}

function decodeRequest(reader: ByteReader): PreparedRequest | undefined {
  const session = reader.varint();
  return session === 0 ? undefined : { session, sequence: reader.varint(), acknowledged: reader.varint() };
}

function list<T>(reader: ByteReader, countMax: number, item: () => T): T[] {
  const count = reader.varint();
  if (count > countMax) throw new MalformedBytes("a command of the Store holds more items than any version writes");
  const items: T[] = [];
  for (let at = 0; at < count; at++) items.push(item());
  return items;
}
