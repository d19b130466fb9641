// A row as one value of the Index. The checksum covers the Index key too, so that a row that turns up under another key
// is found out.
//
//   +--------+--------+----------+-------------------+-----------
//   | crc32c | format | revision | lease (format 2)  | value
//   | u32    | u8     | u64      | u64               |
//   +--------+--------+----------+-------------------+-----------
//
// The checksum covers key, format and all behind it. It is judged before the format: only a whole row can be newer than
// this code.

import { partOf } from "../std/bytes.ts";
import { crc32c } from "../std/checksums/index.ts";
import { storeFailure } from "./errors.ts";
import type { Row, RowAddress } from "./store.ts";

/** The row belongs to no lease. */
const FORMAT_PLAIN = 1;
const FORMAT_LEASED = 2;

const FORMAT_AT = 4;
const REVISION_AT = 5;
const LEASE_AT = 13;
const PLAIN_HEADER_BYTES = 13;
const LEASED_HEADER_BYTES = 21;

export const ROW_HEADER_BYTES_MAX: number = LEASED_HEADER_BYTES;

export interface StoredRow {
  readonly revision: number;
  /** 0: none. */
  readonly lease: number;
  readonly value: Uint8Array;
}

export function encodeRow(key: Uint8Array, row: StoredRow): Uint8Array {
  return encodeRowInto(new Uint8Array(encodedRowBytes(row)), key, row);
}

export function encodedRowBytes({ lease, value }: StoredRow): number {
  return (lease === 0 ? PLAIN_HEADER_BYTES : LEASED_HEADER_BYTES) + value.length;
}

/** Fills `out`, which is as long as `encodedRowBytes` says. */
export function encodeRowInto(out: Uint8Array, key: Uint8Array, { revision, lease, value }: StoredRow): Uint8Array {
  out[FORMAT_AT] = lease === 0 ? FORMAT_PLAIN : FORMAT_LEASED;
  writeU64(out, REVISION_AT, revision);
  if (lease !== 0) writeU64(out, LEASE_AT, lease);
  out.set(value, out.length - value.length);
  writeU32(out, 0, rowCrc(key, out));
  return out;
}

/** Throws ROW_DAMAGED where the checksum does not hold. The value may share the memory of `stored`. */
export function decodeRow(key: Uint8Array, stored: Uint8Array): StoredRow {
  if (stored.length < PLAIN_HEADER_BYTES || readU32(stored, 0) !== rowCrc(key, stored)) {
    throw storeFailure("ROW_DAMAGED", { data: { table: key[0], keyBytes: key.length, rowBytes: stored.length } });
  }
  const revision = readU64(stored, REVISION_AT);
  const format = stored[FORMAT_AT];
  if (format === FORMAT_PLAIN) return { revision, lease: 0, value: partOf(stored, PLAIN_HEADER_BYTES) };
  if (format === FORMAT_LEASED && stored.length >= LEASED_HEADER_BYTES) {
    return { revision, lease: readU64(stored, LEASE_AT), value: partOf(stored, LEASED_HEADER_BYTES) };
  }
  throw storeFailure("FORMAT_NEWER", { what: "A row has a newer format.", data: { format } });
}

/** As callers see it. */
export function asRow(address: Required<RowAddress>, { value, revision, lease }: StoredRow): Row {
  const { table, key, suffix } = address;
  return lease === 0 ? { table, key, suffix, value, revision } : { table, key, suffix, value, revision, lease };
}

function rowCrc(key: Uint8Array, row: Uint8Array): number {
  return crc32c(partOf(row, FORMAT_AT), crc32c(key));
}

function writeU32(out: Uint8Array, at: number, value: number): void {
  out[at] = value;
  out[at + 1] = value >>> 8;
  out[at + 2] = value >>> 16;
  out[at + 3] = value >>> 24;
}

function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

function writeU64(out: Uint8Array, at: number, value: number): void {
  writeU32(out, at, value);
  writeU32(out, at + 4, Math.floor(value / 0x1_0000_0000));
}

function readU64(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + 4) * 0x1_0000_0000 + readU32(bytes, at);
}
