// Where the machine keeps its own rows: table 0 of the Index, which no caller can name.
//
//   00 00                                state: applied index, term, revision, counters
//   00 01 | lease u64                    a lease
//   00 02 | lease u64 | encoded address  one row that the lease holds
//   00 03 | lease u64 | sequence u64     the result of one request of the lease as a session
//
// Numbers are big-endian, so that rows of one lease stand together and in order.

import { partOf } from "../../std/bytes.ts";
import type { IndexBounds } from "../key-codec.ts";

const LEASE = 1;
const HELD_ROW = 2;
const RESULT = 3;

export const STATE_KEY: Uint8Array = Uint8Array.of(0, 0);

export const LEASE_KEYS: IndexBounds = { from: Uint8Array.of(0, LEASE), to: Uint8Array.of(0, LEASE + 1) };

export function leaseKey(lease: number): Uint8Array {
  return numbered(LEASE, lease, 0);
}

export function leaseOfKey(key: Uint8Array): number {
  let lease = 0;
  for (let at = 2; at < 10; at++) lease = lease * 0x100 + key[at]!;
  return lease;
}

export function heldRowKey(lease: number, row: Uint8Array): Uint8Array {
  const key = numbered(HELD_ROW, lease, row.length);
  key.set(row, 10);
  return key;
}

/** The encoded address in a key that `heldRowKey` made. */
export function rowOfHeldKey(key: Uint8Array): Uint8Array {
  return partOf(key, 10);
}

export function heldRowKeys(lease: number): IndexBounds {
  return { from: numbered(HELD_ROW, lease, 0), to: numbered(HELD_ROW, lease + 1, 0) };
}

export function resultKey(session: number, sequence: number): Uint8Array {
  const key = numbered(RESULT, session, 8);
  writeU64(key, 10, sequence);
  return key;
}

export function resultKeys(session: number): IndexBounds {
  return { from: numbered(RESULT, session, 0), to: numbered(RESULT, session + 1, 0) };
}

function numbered(kind: number, lease: number, more: number): Uint8Array {
  const key = new Uint8Array(10 + more);
  key[1] = kind;
  writeU64(key, 2, lease);
  return key;
}

function writeU64(bytes: Uint8Array, start: number, value: number): void {
  let rest = value;
  for (let at = start + 7; at >= start; at--) {
    bytes[at] = rest % 0x100;
    rest = Math.floor(rest / 0x100);
  }
}
