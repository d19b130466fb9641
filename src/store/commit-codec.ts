// A commit's fields as they stand in commands.

import { type ByteReader, MalformedBytes } from "../std/reader.ts";
import type { ByteWriter } from "../std/writer.ts";
import type { PreparedCheck, PreparedCommit, PreparedPut, PreparedRequest } from "./commit-rules.ts";
import { STORE_LIMITS } from "./store.ts";

export function encodeCommitFields(
  writer: ByteWriter,
  { lease, request, checks, puts, deletes }: PreparedCommit,
): void {
  encodeRequest(writer.varint(lease), request);
  writer.varint(checks.length);
  for (const check of checks) writer.blob(check.key).varint(check.revision);
  writer.varint(puts.length);
  for (const put of puts) writer.blob(put.key).blob(put.value);
  encodeKeys(writer, deletes);
}

/** A command of this kind; its keys and values share the memory of what is read. Throws MalformedBytes. */
export function decodeCommitFields<Kind extends string>(
  reader: ByteReader,
  kind: Kind,
): PreparedCommit & { readonly kind: Kind } {
  const lease = reader.varint();
  const request = decodeRequest(reader);
  const checks: PreparedCheck[] = [];
  for (let left = countOf(reader, STORE_LIMITS.checksMax); left > 0; left--) {
    checks.push({ key: reader.blob(), revision: reader.varint() });
  }
  const puts: PreparedPut[] = [];
  for (let left = countOf(reader, STORE_LIMITS.writesMax); left > 0; left--) {
    puts.push({ key: reader.blob(), value: reader.blob() });
  }
  const deletes = decodeKeys(reader, STORE_LIMITS.writesMax);
  return { kind, lease, request, checks, puts, deletes };
}

export function encodeRequest(writer: ByteWriter, request: PreparedRequest | undefined): void {
  writer.varint(request?.session ?? 0);
  if (request) writer.varint(request.sequence).varint(request.acknowledged);
}

export function decodeRequest(reader: ByteReader): PreparedRequest | undefined {
  const session = reader.varint();
  return session === 0 ? undefined : { session, sequence: reader.varint(), acknowledged: reader.varint() };
}

export function encodeKeys(writer: ByteWriter, keys: readonly Uint8Array[]): void {
  writer.varint(keys.length);
  for (const key of keys) writer.blob(key);
}

export function decodeKeys(reader: ByteReader, countMax: number): Uint8Array[] {
  const keys: Uint8Array[] = [];
  for (let left = countOf(reader, countMax); left > 0; left--) keys.push(reader.blob());
  return keys;
}

/** Throws MalformedBytes beyond the limit: nothing is made for a number that damage has made up. */
export function countOf(reader: ByteReader, countMax: number): number {
  const count = reader.varint();
  if (count > countMax) throw new MalformedBytes("a command of the Store holds more items than any version writes");
  return count;
}
