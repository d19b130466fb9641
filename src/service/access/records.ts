// The access service's rows. Each value begins with its format's version; a reader refuses a version that it does not
// know.
//
//   table       key             suffix   value
//   user        name                     UserRecord: with its keys' ids, so that they are counted and deleted with it
//   accessKey   access key id            KeyRecord: the secret sealed
//   accessKey   access key id   "u"      day of last use: apart, so that it disturbs neither caches nor changes
//   policy      name                     PolicyRecord
//   policy      name            "r"      how many users it is attached to: every attachment and detachment writes it,
//                                        so that it conflicts with a deletion of the policy
//   session     "t" hash                 SessionRecord
//   session     "o" owner                SessionListRecord

import { utf8 } from "../../std/bytes.ts";
import { ByteReader, MalformedBytes } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import { type Row, type RowAddress, TABLES } from "../../store/index.ts";
import { accessFailure } from "./errors.ts";

export interface UserRecord {
  readonly id: string;
  readonly enabled: boolean;
  readonly createdMillis: number;
  readonly updatedMillis: number;
  /** Temporary credentials issued before are void. */
  readonly tokensFromMillis: number;
  readonly policies: readonly string[];
  readonly keyIds: readonly string[];
}

export interface KeyRecord {
  readonly user: string;
  readonly enabled: boolean;
  readonly createdMillis: number;
  readonly expiresMillis: number | undefined;
  readonly description: string;
  /** The narrowing policy's document. */
  readonly policy: string | undefined;
  readonly sealedSecret: Uint8Array;
}

export interface PolicyRecord {
  readonly createdMillis: number;
  readonly updatedMillis: number;
  readonly document: string;
}

export function userRow(name: string): RowAddress {
  return { table: TABLES.user, key: utf8(name) };
}

export function keyRow(id: string): RowAddress {
  return { table: TABLES.accessKey, key: utf8(id) };
}

export function usageRow(id: string): RowAddress {
  return { table: TABLES.accessKey, key: utf8(id), suffix: USAGE_SUFFIX };
}

export function policyRow(name: string): RowAddress {
  return { table: TABLES.policy, key: utf8(name) };
}

export function referencesRow(name: string): RowAddress {
  return { table: TABLES.policy, key: utf8(name), suffix: REFERENCES_SUFFIX };
}

const USAGE_SUFFIX = utf8("u");
const REFERENCES_SUFFIX = utf8("r");

export function encodeUser(user: UserRecord): Uint8Array {
  const writer = record()
    .string(user.id)
    .u8(user.enabled ? 1 : 0);
  writer.u64(user.createdMillis).u64(user.updatedMillis).u64(user.tokensFromMillis);
  return strings(strings(writer, user.policies), user.keyIds).finish();
}

export function decodeUser(row: Row): UserRecord {
  return decodeRow(row, (reader) => ({
    id: reader.string(),
    enabled: reader.u8() === 1,
    createdMillis: reader.u64(),
    updatedMillis: reader.u64(),
    tokensFromMillis: reader.u64(),
    policies: readStrings(reader),
    keyIds: readStrings(reader),
  }));
}

export function encodeKey(key: KeyRecord): Uint8Array {
  const writer = record()
    .string(key.user)
    .u8(key.enabled ? 1 : 0)
    .u64(key.createdMillis);
  // No key expires in 1970: 0 stands for never.
  writer
    .u64(key.expiresMillis ?? 0)
    .string(key.description)
    .string(key.policy ?? "");
  return writer.blob(key.sealedSecret).finish();
}

export function decodeKey(row: Row): KeyRecord {
  return decodeRow(row, (reader) => ({
    user: reader.string(),
    enabled: reader.u8() === 1,
    createdMillis: reader.u64(),
    expiresMillis: reader.u64() || undefined,
    description: reader.string(),
    policy: reader.string() || undefined,
    sealedSecret: reader.blob(),
  }));
}

export function encodePolicy(policy: PolicyRecord): Uint8Array {
  return record().u64(policy.createdMillis).u64(policy.updatedMillis).string(policy.document).finish();
}

export function decodePolicy(row: Row): PolicyRecord {
  return decodeRow(row, (reader) => ({
    createdMillis: reader.u64(),
    updatedMillis: reader.u64(),
    document: reader.string(),
  }));
}

/** The value of a row that holds one number: a usage row's day since 1970, a references row's count. */
export function encodeNumber(value: number): Uint8Array {
  return record().varint(value).finish();
}

export function decodeNumber(row: Row): number {
  return decodeRow(row, (reader) => reader.varint());
}

const VERSION = 1;

/** A writer that already holds the version. */
export function record(): ByteWriter {
  return new ByteWriter().u8(VERSION);
}

/** Throws RECORD_NEWER or RECORD_DAMAGED. */
export function decodeRow<Value>(row: Row, read: (reader: ByteReader) => Value): Value {
  try {
    const reader = new ByteReader(row.value);
    const version = reader.u8();
    if (version > VERSION) throw accessFailure("RECORD_NEWER", { data: { table: row.table, version } });
    const value = read(reader);
    if (version === VERSION && reader.remaining === 0) return value;
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error;
  }
  throw accessFailure("RECORD_DAMAGED", { data: { table: row.table, revision: row.revision } });
}

function strings(writer: ByteWriter, values: readonly string[]): ByteWriter {
  writer.varint(values.length);
  for (const value of values) writer.string(value);
  return writer;
}

function readStrings(reader: ByteReader): string[] {
  const values: string[] = [];
  for (let left = reader.varint(); left > 0; left--) values.push(reader.string());
  return values;
}
