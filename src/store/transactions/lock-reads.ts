// What a group's machine says of commits over several groups. All of it is read in one turn.

import { equalBytes } from "../../std/bytes.ts";
import type { IndexBounds } from "../key-codec.ts";
import { decodeAddress } from "../key-codec.ts";
import { type DecisionRecord, decodeDecision } from "../machine/decisions.ts";
import {
  CHECK_LOCK_KEYS,
  checkLockKey,
  DECISION_KEYS,
  decisionKey,
  rowOfLockKey,
  transactionOfDecisionKey,
  WRITE_LOCK_KEYS,
  writeLockKey,
  writeLockKeys,
} from "../machine/prepared-keys.ts";
import { decodeCheckLock, decodeWriteLock } from "../machine/prepared-locks.ts";
import type { StoreMachine } from "../machine.ts";
import { decodeRow } from "../row-codec.ts";
import { RowWalk } from "../row-walk.ts";
import type { LockedBy, TransactionName } from "./participant.ts";

/** Who is going to write a row. */
export function writerOf(machine: StoreMachine, row: Uint8Array): LockedBy | undefined {
  if (machine.prepared.writeLocks === 0) return undefined;
  const stored = machine.row(writeLockKey(row));
  return stored && lockedBy(decodeWriteLock(stored), row);
}

/** Who is going to write the first row of a range, from either end. */
export function firstWriterIn(machine: StoreMachine, bounds: IndexBounds, reverse: boolean): LockedBy | undefined {
  if (machine.prepared.writeLocks === 0) return undefined;
  const [found] = machine.scan({ ...writeLockKeys(bounds), limit: 1, reverse });
  return found && lockedBy(decodeWriteLock(decodeRow(found.key, found.value)), rowOfLockKey(found.key));
}

/** Every lock of the group, a row that several have checked once for each. */
export function* locks(machine: StoreMachine): Generator<LockedBy, void, void> {
  const { writeLocks, checkLocks } = machine.prepared;
  if (writeLocks > 0) {
    for (const { key, value } of rowsIn(machine, WRITE_LOCK_KEYS)) {
      yield lockedBy(decodeWriteLock(decodeRow(key, value)), rowOfLockKey(key));
    }
  }
  if (checkLocks === 0) return;
  for (const { key, value } of rowsIn(machine, CHECK_LOCK_KEYS)) {
    for (const holder of decodeCheckLock(decodeRow(key, value))) yield lockedBy(holder, rowOfLockKey(key));
  }
}

/** Whether the transaction has the row still locked, to write it or for a check. */
export function isHeld(machine: StoreMachine, { transaction, row }: LockedBy): boolean {
  const writer = writerOf(machine, row);
  if (writer !== undefined && equalBytes(writer.transaction, transaction)) return true;
  if (machine.prepared.checkLocks === 0) return false;
  const stored = machine.row(checkLockKey(row));
  return stored !== undefined && decodeCheckLock(stored).some((holder) => equalBytes(holder.transaction, transaction));
}

/** All rows that a transaction has locked in the group. */
export function rowsOf(machine: StoreMachine, transaction: Uint8Array): Uint8Array[] {
  const rows: Uint8Array[] = [];
  for (const lock of locks(machine)) if (equalBytes(lock.transaction, transaction)) rows.push(lock.row);
  return rows;
}

export function decisionOf(machine: StoreMachine, { home, transaction }: TransactionName): DecisionRecord | undefined {
  if (machine.prepared.decisions === 0) return undefined;
  const stored = machine.row(decisionKey(home, transaction));
  return stored && decodeDecision(stored);
}

export function* decisions(machine: StoreMachine): Generator<TransactionName & DecisionRecord, void, void> {
  if (machine.prepared.decisions === 0) return;
  for (const { key, value } of rowsIn(machine, DECISION_KEYS)) {
    yield { ...transactionOfDecisionKey(key), ...decodeDecision(decodeRow(key, value)) };
  }
}

/** For messages: which row somebody waits for. */
export function rowText(row: Uint8Array): { readonly table: number; readonly keyBytes: number } {
  const { table, key } = decodeAddress(row);
  return { table, keyBytes: key.length };
}

function* rowsIn(machine: StoreMachine, bounds: IndexBounds) {
  const walk = new RowWalk(machine, { bounds });
  for (let row = walk.next(); row !== undefined; row = walk.next()) yield row;
}

function lockedBy({ transaction, home }: TransactionName, row: Uint8Array): LockedBy {
  return { kind: "locked", transaction, home, row };
}
