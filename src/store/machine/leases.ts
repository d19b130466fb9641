// A lease is a row of its own, and one row for each row that it holds. It is also a session: then it remembers the
// results of its requests. A lease that was revoked or has expired is "ending" until a bounded number of commands has
// deleted all of that.

import { assert } from "../../std/assert.ts";
import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import { decodeRow } from "../row-codec.ts";
import { heldRowKey, heldRowKeys, leaseKey, leaseOfKey, resultKeys, rowOfHeldKey } from "./keys.ts";
import type { PendingRows } from "./pending.ts";
import { isWriteLockKey, rowOfLockKey } from "./prepared-keys.ts";
import type { Locks } from "./prepared-locks.ts";
import type { LockedBy } from "./result.ts";

export interface LeaseRecord {
  readonly ttlMillis: number;
  readonly ending: boolean;
  /** Results of requests up to this sequence are gone. */
  readonly acknowledged: number;
  /** Nothing is left of it but that: see lent-leases.ts. */
  readonly ended?: true;
}

/** What stands for a lease of the root group where another group holds rows of it. Nobody times it there. */
export const STUB: LeaseRecord = { ttlMillis: 0, ending: false, acknowledged: 0 };

export function isStub({ ttlMillis }: LeaseRecord): boolean {
  return ttlMillis === STUB.ttlMillis;
}

/** Rows and results that one command deletes. A lease that holds fewer ends in one step, atomically. */
export const END_ROWS_MAX = 256;

const LIVE = 1;
const ENDING = 2;
const ENDED = 3;

/** What is left of a stub for a while. */
export const ENDED_STUB: LeaseRecord = { ttlMillis: 0, ending: true, acknowledged: 0, ended: true };

export function readLease(pending: PendingRows, lease: number): LeaseRecord | undefined {
  const row = pending.get(leaseKey(lease));
  return row && decodeLease(row.value);
}

export function writeLease(pending: PendingRows, lease: number, record: LeaseRecord): void {
  const value = new ByteWriter(32)
    .u8(record.ended ? ENDED : record.ending ? ENDING : LIVE)
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
  assert(state >= LIVE && state <= ENDED, "a lease is live, ending or has ended");
  const record = { ending: state !== LIVE, ttlMillis: reader.varint(), acknowledged: reader.varint() };
  return state === ENDED ? { ...record, ended: true } : record;
}

/** Keeps the lease's list of rows in step with a row that moves from one lease to another (0: none). */
export function moveRow(pending: PendingRows, row: Uint8Array, from: number, to: number): void {
  if (from === to) return;
  if (from !== 0) pending.delete(heldRowKey(from, row));
  if (to !== 0) pending.put(heldRowKey(to, row), { revision: 0, lease: 0, value: NOTHING });
}

/** The rows that the next step of a lease's end deletes. */
export function heldRows(pending: PendingRows, lease: number): Uint8Array[] {
  return pending.keys(heldRowKeys(lease), END_ROWS_MAX).map(rowOfHeldKey);
}

export interface EndStep {
  /** The rows of callers that this step deleted. */
  readonly deleted: readonly Uint8Array[];
  /** Nothing is left of the lease. */
  readonly done: boolean;
  /** Who has locked a row that this step would have deleted, or is going to give the lease one more. */
  readonly locked: LockedBy | undefined;
}

/** One bounded step of a lease's end. Locked rows are left for a later one, and the lease while others hold rows of it. */
export function endLease(
  pending: PendingRows,
  lease: number,
  record: LeaseRecord,
  { locks, isLent }: { readonly locks: Pick<Locks, "holderOf">; readonly isLent: boolean },
): EndStep {
  const held = pending.keys(heldRowKeys(lease), END_ROWS_MAX);
  const deleted: Uint8Array[] = [];
  let locked: LockedBy | undefined;
  for (const key of held) {
    const row = rowOfHeldKey(key);
    const holder = locks.holderOf(isWriteLockKey(row) ? rowOfLockKey(row) : row);
    if (holder) {
      locked ??= holder;
      continue;
    }
    assert(pending.get(row)?.lease === lease, "a lease lists only rows that it holds");
    pending.delete(row);
    pending.delete(key);
    deleted.push(row);
  }
  const results = pending.keys(resultKeys(lease), END_ROWS_MAX - held.length);
  for (const key of results) pending.delete(key);
  const done = !isLent && locked === undefined && held.length + results.length < END_ROWS_MAX;
  if (done && isStub(record)) writeLease(pending, lease, ENDED_STUB);
  else if (done) pending.delete(leaseKey(lease));
  else if (!record.ending) writeLease(pending, lease, { ...record, ending: true });
  return { deleted, done, locked };
}

const NOTHING: Uint8Array = new Uint8Array(0);
