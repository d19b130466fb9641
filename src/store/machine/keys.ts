// Where the machine keeps its own rows: table 0 of the Index, which no caller can name.
//
//   00 00                                state: applied index, term, revision, counters
//   00 01 | lease u64                    a lease
//   00 02 | lease u64 | encoded address  one row that the lease holds
//   00 03 | lease u64 | sequence u64     the result of one request of the lease as a session
//   00 07 | lease u64 | group u64        a group that may hold rows of the lease
//   00 08                                what adopts a lease with an older revision comes too late: lent-leases.ts
//   00 10                                which keys the group serves, and transfers of keys
//   00 11 | transfer u64 | row           one row that was written since the transfer of its key began
//   00 05, 00 06                         locks and decisions of commits over several groups: prepared-keys.ts
//
// Numbers are big-endian, so that rows of one lease stand together and in order.

import { partOf } from "../../std/bytes.ts";
import type { IndexBounds } from "../key-codec.ts";

const LEASE = 1;
const HELD_ROW = 2;
const RESULT = 3;
const LENT = 7;
const RANGE = 0x10;
const WRITTEN_ROW = 0x11;

export const STATE_KEY: Uint8Array = Uint8Array.of(0, 0);

export const LEASE_KEYS: IndexBounds = { from: Uint8Array.of(0, LEASE), to: Uint8Array.of(0, LEASE + 1) };

export const ADOPTION_FENCE_KEY: Uint8Array = Uint8Array.of(0, 8);

export const RANGE_KEY: Uint8Array = Uint8Array.of(0, RANGE);

export const RESULT_KEYS: IndexBounds = { from: Uint8Array.of(0, RESULT), to: Uint8Array.of(0, RESULT + 1) };

export function isResultKey(key: Uint8Array): boolean {
  return key[0] === 0 && key[1] === RESULT;
}

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

/** The session and the sequence number in a key that `resultKey` made. */
export function requestOfResultKey(key: Uint8Array): { readonly session: number; readonly sequence: number } {
  return { session: leaseOfKey(key), sequence: leaseOfKey(key.subarray(8)) };
}

export function isHeldRowKey(key: Uint8Array): boolean {
  return key[0] === 0 && key[1] === HELD_ROW;
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

export function lentKey(lease: number, group: number): Uint8Array {
  const key = numbered(LENT, lease, 8);
  writeU64(key, 10, group);
  return key;
}

export function lentKeys(lease: number): IndexBounds {
  return { from: numbered(LENT, lease, 0), to: numbered(LENT, lease + 1, 0) };
}

export function groupOfLentKey(key: Uint8Array): number {
  return leaseOfKey(key.subarray(8));
}

export function writtenRowKey(transfer: number, row: Uint8Array): Uint8Array {
  const key = numbered(WRITTEN_ROW, transfer, row.length);
  key.set(row, 10);
  return key;
}

/** The key of the Index in one that `writtenRowKey` made. */
export function rowOfWrittenKey(key: Uint8Array): Uint8Array {
  return partOf(key, 10);
}

export function writtenRowKeys(transfer: number): IndexBounds {
  return { from: numbered(WRITTEN_ROW, transfer, 0), to: numbered(WRITTEN_ROW, transfer + 1, 0) };
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
