// A row's address as one key of the Index, so that byte order of the encoded form is the order of (table, key, suffix):
//
//   +-------+------------------------------+-------+----------+
//   | table | key, each 00 as 00 ff        | 00 00 | suffix   |
//   | 1     |                              |       | raw      |
//   +-------+------------------------------+-------+----------+
//
// The end mark 00 00 sorts below every byte that a longer key could go on with (00 ff or more), so a key sorts before
// all that it is a prefix of, whatever their suffixes. The machine keeps its own rows in table 0.

import { assert } from "../std/assert.ts";
import { compareBytes, concatBytes, EMPTY, partOf } from "../std/bytes.ts";
import { storeFailure } from "./errors.ts";
import { type RowAddress, type RowKey, type ScanRange, STORE_LIMITS, type Table } from "./store.ts";

/** No encoded row is as long: a bound that is cut here sorts among rows exactly as the whole one does. */
const BOUND_BYTES_MAX = STORE_LIMITS.keyBytesMax + 1;

/** A range without an upper bound ends where the next table begins, so that the last number is left free. */
const TABLE_MAX = 254;

/** The encoded address. Throws TOO_LARGE beyond the limit and REQUEST_INVALID for a table that can not be. */
export function encodeAddress(address: RowAddress): Uint8Array {
  checkTable(address.table);
  const { key, suffix = EMPTY } = address;
  const length = encodedLength(key, suffix);
  if (length > STORE_LIMITS.keyBytesMax) {
    throw storeFailure("TOO_LARGE", {
      what: "The encoded key of a row exceeds the Store's limit.",
      data: { table: address.table, bytes: length, bytesMax: STORE_LIMITS.keyBytesMax },
    });
  }
  return encode(address.table, key, suffix, length);
}

/** Bytes of the encoded address, which `keyBytesMax` limits. */
export function addressBytes({ key, suffix = EMPTY }: RowKey): number {
  return encodedLength(key, suffix);
}

/** Where a key's rows begin in any table, without the table's byte. */
export function encodeKeyBound(key: Uint8Array): Uint8Array {
  return encode(0, key, EMPTY, encodedLength(key, EMPTY)).subarray(1);
}

/** The key that `encodeKeyBound` was given. */
export function decodeKeyBound(bound: Uint8Array): Uint8Array {
  return decodeAddress(concatBytes([Uint8Array.of(0), bound])).key;
}

export interface DecodedAddress {
  readonly table: Table;
  readonly key: Uint8Array;
  readonly suffix: Uint8Array;
}

/** Takes an encoded address apart. Key and suffix may share its memory. */
export function decodeAddress(encoded: Uint8Array): DecodedAddress {
  let zeros = 0;
  let at = nextZero(encoded, 1);
  for (;;) {
    assert(at + 1 < encoded.length, "an encoded address holds the end mark of its key");
    if (encoded[at + 1] === 0) break;
    assert(encoded[at + 1] === 0xff, "a zero byte of an encoded key is escaped");
    zeros++;
    at = nextZero(encoded, at + 2);
  }
  const key = zeros === 0 ? partOf(encoded, 1, at) : unescapeKey(encoded, at, at - 1 - zeros);
  const suffix = at + 2 === encoded.length ? EMPTY : partOf(encoded, at + 2);
  return { table: encoded[0]!, key, suffix };
}

export interface IndexBounds {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

/**
 * The keys of the Index that a range of one table covers: from <= key < to. Bounds may be longer than a row's key can
 * be.
 */
export function encodeRange(table: Table, range: ScanRange): IndexBounds {
  checkTable(table);
  let from: Uint8Array = range.from === undefined ? Uint8Array.of(table) : encodeBound(table, range.from);
  if (range.after !== undefined) {
    const after = successor(encodeBound(table, range.after));
    if (compareBytes(after, from) > 0) from = after;
  }
  const to = range.to === undefined ? Uint8Array.of(table + 1) : encodeBound(table, range.to);
  return { from, to };
}

/** The first key of the Index behind this one. */
export function successor(encoded: Uint8Array): Uint8Array {
  const next = new Uint8Array(encoded.length + 1);
  next.set(encoded);
  return next;
}

/** The position, or the length. Keys are short: a loop here is over before `indexOf` has begun. */
function nextZero(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] !== 0) at++;
  return at;
}

function checkTable(table: Table): void {
  if (Number.isInteger(table) && table > 0 && table <= TABLE_MAX) return;
  throw storeFailure("REQUEST_INVALID", {
    what: "A table's number is a whole number from 1 to 254.",
    data: { table },
  });
}

function encodeBound(table: Table, { key, suffix = EMPTY }: RowKey): Uint8Array {
  const encoded = encode(table, key, suffix, encodedLength(key, suffix));
  return encoded.length > BOUND_BYTES_MAX ? encoded.subarray(0, BOUND_BYTES_MAX) : encoded;
}

function encodedLength(key: Uint8Array, suffix: Uint8Array): number {
  let length = key.length + suffix.length + 3;
  for (let at = nextZero(key, 0); at < key.length; at = nextZero(key, at + 1)) length++;
  return length;
}

function encode(table: Table, key: Uint8Array, suffix: Uint8Array, length: number): Uint8Array {
  const out = new Uint8Array(length);
  out[0] = table;
  let at = 1;
  if (length === key.length + suffix.length + 3) {
    out.set(key, 1);
    at += key.length;
  } else {
    for (let from = 0; from < key.length; from++) {
      const byte = key[from]!;
      out[at++] = byte;
      if (byte === 0) out[at++] = 0xff;
    }
  }
  out.set(suffix, at + 2);
  return out;
}

/** The key that stands escaped from 1 to `end`. */
function unescapeKey(encoded: Uint8Array, end: number, length: number): Uint8Array {
  const key = new Uint8Array(length);
  let to = 0;
  for (let at = 1; at < end; at++) {
    const byte = encoded[at]!;
    key[to++] = byte;
    if (byte === 0) at++;
  }
  return key;
}
