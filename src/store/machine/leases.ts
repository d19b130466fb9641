// A lease is a row of its own, and one row for each row that it holds. It is also a session: then it remembers the
// results of its requests. A lease that was revoked or has expired is "ending" until a bounded number of commands has
// deleted all of that.

import { assert } from "../../std/assert.ts";
import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import { decodeRow } from "../row-codec.ts";
import { heldRowKey, heldRowKeys, leaseKey, leaseOfKey, resultKeys, rowOfHeldKey } from "./keys.ts";
import type { PendingRows } from "./pending.ts";

export interface LeaseRecord {
  readonly ttlMillis: number;
  readonly ending: boolean;
  /** Results of requests up to this sequence are gone. */
  readonly acknowledged: number;
}

/** Rows and results that one command deletes. A lease that holds fewer ends in one step, atomically. */
export const END_ROWS_MAX = 256;

const LIVE = 1;
const ENDING = 2;

export function readLease(pending: PendingRows, lease: number): LeaseRecord | undefined {
  const row = pending.get(leaseKey(lease));
  return row && decodeLease(row.value);
}

export function writeLease(pending: PendingRows, lease: number, record: LeaseRecord): void {
  const value = new ByteWriter(32)
    .u8(record.ending ? ENDING : LIVE)
    .varint(record.ttlMillis)
    .varint(record.acknowledged)
    .finish();
  pending.put(leaseKey(lease), { revision: 0, lease: 0, value });
}

/** A lease as it stands in the Index. */
export function decodeLeaseRow(key: Uint8Array, stored: Uint8Array): LeaseRecord & { readonly lease: number } {
  return { lease: leaseOfKey(key), ...decodeLease(decodeRow(key, stored).value) };
}

function decodeLease(value: Uint8Array): LeaseRecord {
  const reader = new ByteReader(value);
  const state = reader.u8();
  assert(state === LIVE || state === ENDING, "a lease is live or ending");
  return { ending: state === ENDING, ttlMillis: reader.varint(), acknowledged: reader.varint() };
}

/** Keeps the lease's list of rows in step with a row that moves from one lease to another (0: none). */
export function moveRow(pending: PendingRows, row: Uint8Array, from: number, to: number): void {
  if (from === to) return;
  if (from !== 0) pending.delete(heldRowKey(from, row));
  if (to !== 0) pending.put(heldRowKey(to, row), { revision: 0, lease: 0, value: NOTHING });
}

export interface EndStep {
  /** The rows of callers that this step deleted. */
  readonly deleted: readonly Uint8Array[];
  /** Nothing is left of the lease. */
  readonly done: boolean;
}

/** One bounded step of a lease's end. */
export function endLease(pending: PendingRows, lease: number, record: LeaseRecord): EndStep {
  const held = pending.keys(heldRowKeys(lease), END_ROWS_MAX);
  const deleted = held.map(rowOfHeldKey);
  for (const row of deleted) {
    assert(pending.get(row)?.lease === lease, "a lease lists only rows that it holds");
    pending.delete(row);
  }
  const results = pending.keys(resultKeys(lease), END_ROWS_MAX - held.length);
  for (const key of [...held, ...results]) pending.delete(key);
  const done = held.length + results.length < END_ROWS_MAX;
  if (done) pending.delete(leaseKey(lease));
  else if (!record.ending) writeLease(pending, lease, { ...record, ending: true });
  return { deleted, done };
}

const NOTHING: Uint8Array = new Uint8Array(0);
