// Locks of commits over several groups. A row that a transaction will write is locked by it alone, together with what it
// will write; a row that it has only checked may be locked so by several. A locked row stays as it is until the
// transaction is finished here.
//
// Most groups have no lock at all: their number is known, so that nobody looks for any then.

import type { Index } from "../../env/index.ts";
import { assert } from "../../std/assert.ts";
import { EMPTY, equalBytes } from "../../std/bytes.ts";
import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import type { PreparedCommit } from "../commit-rules.ts";
import { type IndexBounds, successor } from "../key-codec.ts";
import type { StoredRow } from "../row-codec.ts";
import { heldRowKey } from "./keys.ts";
import type { PendingRows } from "./pending.ts";
import type { TransactionName } from "./prepared-commands.ts";
import {
  CHECK_LOCK_KEYS,
  checkLockKey,
  DECISION_KEYS,
  isCheckLockKey,
  isWriteLockKey,
  TRANSACTION_BYTES,
  WRITE_LOCK_KEYS,
  writeLockKey,
} from "./prepared-keys.ts";
import type { LockedBy } from "./result.ts";

/** Locked rows of a group; a prepare that would lock more is refused. */
export const LOCKS_MAX = 65_536;
/** Transactions that may have checked one row; one more has to wait. */
export const HOLDERS_MAX = 64;

/** How many rows of each kind a group has. */
export interface PreparedCounts {
  readonly writeLocks: number;
  readonly checkLocks: number;
  readonly decisions: number;
}

export interface WriteLock extends TransactionName {
  /** Undefined: the row will be deleted. */
  readonly value: Uint8Array | undefined;
  /** That the row will belong to; 0: none. */
  readonly lease: number;
}

const PUT = 1;
const DELETE = 2;
const COUNT_AT_ONCE = 1024;

export function countPrepared(index: Index): PreparedCounts {
  return {
    writeLocks: countRows(index, WRITE_LOCK_KEYS),
    checkLocks: countRows(index, CHECK_LOCK_KEYS),
    decisions: countRows(index, DECISION_KEYS),
  };
}

export function decodeWriteLock({ lease, value }: StoredRow): WriteLock {
  const reader = new ByteReader(value);
  const kind = reader.u8();
  assert(kind === PUT || kind === DELETE, "a lock is for a put or for a delete");
  const name = readHolder(reader);
  return { ...name, lease, value: kind === PUT ? reader.raw(reader.remaining) : undefined };
}

export function decodeCheckLock({ value }: StoredRow): TransactionName[] {
  const reader = new ByteReader(value);
  const holders: TransactionName[] = [];
  while (reader.remaining > 0) holders.push(readHolder(reader));
  return holders;
}

/** The locks of a group, as the batch that is being applied leaves them so far. */
export class Locks {
  readonly #pending: PendingRows;
  #writes: number;
  #checks: number;

  constructor(pending: PendingRows, { writeLocks, checkLocks }: Omit<PreparedCounts, "decisions">) {
    this.#pending = pending;
    this.#writes = writeLocks;
    this.#checks = checkLocks;
  }

  get counts(): Omit<PreparedCounts, "decisions"> {
    return { writeLocks: this.#writes, checkLocks: this.#checks };
  }

  get count(): number {
    return this.#writes + this.#checks;
  }

  /** A row of the index has come or gone with its key, from or to another group. */
  moved(key: Uint8Array, change: 1 | -1): void {
    if (isWriteLockKey(key)) this.#writes += change;
    else if (isCheckLockKey(key)) this.#checks += change;
  }

  /** Who is in the way of a commit: a row that it writes is locked in any way, or one that it checks will be written. */
  inTheWayOf({ checks, puts, deletes }: PreparedCommit): LockedBy | undefined {
    if (this.count === 0) return undefined;
    for (const { key } of puts) {
      const holder = this.holderOf(key);
      if (holder) return holder;
    }
    for (const key of deletes) {
      const holder = this.holderOf(key);
      if (holder) return holder;
    }
    for (const { key } of checks) {
      const lock = this.#writeLock(key);
      if (lock) return lockedBy(lock, key);
    }
    return undefined;
  }

  /** Who has locked a row, in any way. */
  holderOf(row: Uint8Array): LockedBy | undefined {
    if (this.count === 0) return undefined;
    const holder = this.#writeLock(row) ?? this.#holders(row)[0];
    return holder && lockedBy(holder, row);
  }

  holds(transaction: Uint8Array, row: Uint8Array): boolean {
    const lock = this.#writeLock(row);
    if (lock) return equalBytes(lock.transaction, transaction);
    return this.#holders(row).some((holder) => equalBytes(holder.transaction, transaction));
  }

  /** Whether a row can be locked as checked once more. */
  hasRoom(row: Uint8Array): boolean {
    return this.#holders(row).length < HOLDERS_MAX;
  }

  lockWrite(row: Uint8Array, { transaction, home, value, lease }: WriteLock, revision: number): void {
    const key = writeLockKey(row);
    const bytes = new ByteWriter(64 + home.length + (value?.length ?? 0))
      .u8(value === undefined ? DELETE : PUT)
      .raw(transaction)
      .blob(home)
      .raw(value ?? EMPTY)
      .finish();
    this.#pending.put(key, { revision, lease, value: bytes });
    // The lease's end waits for the lock.
    if (lease !== 0) this.#pending.put(heldRowKey(lease, key), { revision: 0, lease: 0, value: EMPTY });
    this.#writes++;
  }

  /** A row that the transaction will write is locked enough. */
  lockCheck(row: Uint8Array, name: TransactionName, revision: number): void {
    if (this.holds(name.transaction, row)) return;
    const holders = this.#holders(row);
    if (holders.length === 0) this.#checks++;
    this.#putHolders(row, [...holders, name], revision);
  }

  /** Takes the transaction's lock off a row. What was to be written there is the caller's to write or to drop. */
  release(row: Uint8Array, transaction: Uint8Array): WriteLock | "checked" | undefined {
    const lock = this.#writeLock(row);
    if (lock) return equalBytes(lock.transaction, transaction) ? this.#releaseWrite(row, lock) : undefined;
    const holders = this.#holders(row);
    const others = holders.filter((holder) => !equalBytes(holder.transaction, transaction));
    if (others.length === holders.length) return undefined;
    if (others.length > 0) this.#putHolders(row, others, this.#pending.get(checkLockKey(row))!.revision);
    else {
      this.#pending.delete(checkLockKey(row));
      this.#checks--;
    }
    return "checked";
  }

  #releaseWrite(row: Uint8Array, lock: WriteLock): WriteLock {
    const key = writeLockKey(row);
    this.#pending.delete(key);
    if (lock.lease !== 0) this.#pending.delete(heldRowKey(lock.lease, key));
    this.#writes--;
    return lock;
  }

  #writeLock(row: Uint8Array): WriteLock | undefined {
    if (this.#writes === 0) return undefined;
    const stored = this.#pending.get(writeLockKey(row));
    return stored && decodeWriteLock(stored);
  }

  #holders(row: Uint8Array): TransactionName[] {
    if (this.#checks === 0) return [];
    const stored = this.#pending.get(checkLockKey(row));
    return stored === undefined ? [] : decodeCheckLock(stored);
  }

  #putHolders(row: Uint8Array, holders: readonly TransactionName[], revision: number): void {
    const writer = new ByteWriter(64);
    for (const { transaction, home } of holders) writer.raw(transaction).blob(home);
    this.#pending.put(checkLockKey(row), { revision, lease: 0, value: writer.finish() });
  }
}

function lockedBy({ transaction, home }: TransactionName, row: Uint8Array): LockedBy {
  return { kind: "locked", transaction, home, row };
}

function readHolder(reader: ByteReader): TransactionName {
  return { transaction: reader.raw(TRANSACTION_BYTES), home: reader.blob() };
}

function countRows(index: Index, { from: first, to }: IndexBounds): number {
  let count = 0;
  for (let from = first; ; ) {
    const rows = index.scan({ from, to, limit: COUNT_AT_ONCE });
    count += rows.length;
    if (rows.length < COUNT_AT_ONCE) return count;
    from = successor(rows.at(-1)!.key);
  }
}
