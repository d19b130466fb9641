// Where a commit over several groups keeps its rows. All but the fence belong to a row of callers, and go where it goes.
//
//   00 05 00 | encoded address                        the lock on a row that a transaction is going to write
//   00 05 01 | encoded address                        the locks on a row that transactions have checked
//   00 06 00                                          the fence
//   00 06 01 | home's encoded address | transaction   a decision
//
// A transaction's id has a fixed length, so that the address before it needs no end mark.

import { partOf } from "../../std/bytes.ts";
import type { IndexBounds } from "../key-codec.ts";

export const TRANSACTION_BYTES = 16;

/** What stands before the address in rows that belong to it, in the order of the Index. */
export const CARRIED_PREFIXES: readonly Uint8Array[] = [
  Uint8Array.of(0, 5, 0),
  Uint8Array.of(0, 5, 1),
  Uint8Array.of(0, 6, 1),
];

const LOCK = 5;
const DECISION = 6;
const WRITES = 0;
const CHECKS = 1;
const RECORDS = 1;
const PREFIX_BYTES = 3;

export const FENCE_KEY: Uint8Array = Uint8Array.of(0, DECISION, 0);

export const WRITE_LOCK_KEYS: IndexBounds = boundsOf(LOCK, WRITES);
export const CHECK_LOCK_KEYS: IndexBounds = boundsOf(LOCK, CHECKS);
export const DECISION_KEYS: IndexBounds = boundsOf(DECISION, RECORDS);

export function writeLockKey(address: Uint8Array): Uint8Array {
  return prefixed(LOCK, WRITES, address, 0);
}

/** Of the write locks on the rows of a range. */
export function writeLockKeys({ from, to }: IndexBounds): IndexBounds {
  return { from: writeLockKey(from), to: writeLockKey(to) };
}

export function isWriteLockKey(key: Uint8Array): boolean {
  return key[0] === 0 && key[1] === LOCK && key[2] === WRITES;
}

export function isCheckLockKey(key: Uint8Array): boolean {
  return key[0] === 0 && key[1] === LOCK && key[2] === CHECKS;
}

export function checkLockKey(address: Uint8Array): Uint8Array {
  return prefixed(LOCK, CHECKS, address, 0);
}

/** The encoded address of the row that a lock is on. */
export function rowOfLockKey(key: Uint8Array): Uint8Array {
  return partOf(key, PREFIX_BYTES);
}

export function decisionKey(home: Uint8Array, transaction: Uint8Array): Uint8Array {
  const key = prefixed(DECISION, RECORDS, home, TRANSACTION_BYTES);
  key.set(transaction, key.length - TRANSACTION_BYTES);
  return key;
}

export function isDecisionKey(key: Uint8Array): boolean {
  return key[0] === 0 && key[1] === DECISION && key[2] === RECORDS;
}

export function transactionOfDecisionKey(key: Uint8Array): {
  readonly home: Uint8Array;
  readonly transaction: Uint8Array;
} {
  const end = key.length - TRANSACTION_BYTES;
  return { home: partOf(key, PREFIX_BYTES, end), transaction: partOf(key, end) };
}

function boundsOf(kind: number, part: number): IndexBounds {
  return { from: Uint8Array.of(0, kind, part), to: Uint8Array.of(0, kind, part + 1) };
}

function prefixed(kind: number, part: number, address: Uint8Array, more: number): Uint8Array {
  const key = new Uint8Array(PREFIX_BYTES + address.length + more);
  key[1] = kind;
  key[2] = part;
  key.set(address, PREFIX_BYTES);
  return key;
}
