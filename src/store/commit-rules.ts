// What every engine asks of a commit before it does anything: the limits, and that no row is written twice.
// The result holds encoded addresses, so that the rules and the engine share the work of encoding them.

import { compareBytes } from "../std/bytes.ts";
import { storeFailure } from "./errors.ts";
import { encodeAddress } from "./key-codec.ts";
import { type Check, type Commit, type LeaseId, type RequestName, STORE_LIMITS } from "./store.ts";

export interface PreparedCommit {
  /** 0: none. */
  readonly lease: LeaseId;
  readonly request: PreparedRequest | undefined;
  readonly checks: readonly PreparedCheck[];
  readonly puts: readonly PreparedPut[];
  readonly deletes: readonly Uint8Array[];
}

export interface PreparedCheck {
  readonly key: Uint8Array;
  /** 0: the row must be absent. */
  readonly revision: number;
}

export interface PreparedPut {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface PreparedRequest {
  readonly session: LeaseId;
  readonly sequence: number;
  readonly acknowledged: number;
}

/** Throws TOO_LARGE or REQUEST_INVALID. */
export function prepareCommit(commit: Commit): PreparedCommit {
  const { checks = [], puts = [], deletes = [] } = commit;
  const writes = puts.length + deletes.length;
  if (checks.length > STORE_LIMITS.checksMax) throw tooMany("checks", checks.length, STORE_LIMITS.checksMax);
  if (writes > STORE_LIMITS.writesMax) throw tooMany("writes", writes, STORE_LIMITS.writesMax);
  const prepared = {
    lease: commit.lease === undefined ? 0 : wholeNumber("lease", commit.lease, 1),
    request: commit.request && prepareRequest(commit.request),
    checks: checks.map(prepareCheck),
    puts: puts.map((put) => ({ key: encodeAddress(put), value: checkedValue(put.value) })),
    deletes: deletes.map(encodeAddress),
  };
  checkBytes(prepared);
  checkEachRowOnce(prepared);
  return prepared;
}

/** The size that `commitBytesMax` limits: every encoded address and every value. */
export function commitBytes({ checks, puts, deletes }: PreparedCommit): number {
  let bytes = 0;
  for (const check of checks) bytes += check.key.length;
  for (const put of puts) bytes += put.key.length + put.value.length;
  for (const key of deletes) bytes += key.length;
  return bytes;
}

/** Throws REQUEST_INVALID outside the range that a lease's ttl may have. */
export function checkTtl(ttlMillis: number): void {
  const { leaseTtlMillisMin, leaseTtlMillisMax } = STORE_LIMITS;
  if (Number.isInteger(ttlMillis) && ttlMillis >= leaseTtlMillisMin && ttlMillis <= leaseTtlMillisMax) return;
  throw storeFailure("REQUEST_INVALID", {
    what: `A lease lives from ${leaseTtlMillisMin} to ${leaseTtlMillisMax} milliseconds.`,
    data: { ttlMillis },
  });
}

function prepareCheck(check: Check): PreparedCheck {
  const revision = "absent" in check ? 0 : wholeNumber("revision", check.revision, 1);
  return { key: encodeAddress(check), revision };
}

function prepareRequest({ session, sequence, acknowledged = 0 }: RequestName): PreparedRequest {
  return {
    session: wholeNumber("session", session, 1),
    sequence: wholeNumber("sequence", sequence, 1),
    acknowledged: wholeNumber("acknowledged", acknowledged, 0),
  };
}

function wholeNumber(name: string, value: number, min: number): number {
  if (Number.isSafeInteger(value) && value >= min) return value;
  throw storeFailure("REQUEST_INVALID", {
    what: `The field ${name} of a commit is a whole number from ${min}.`,
    data: { [name]: value },
  });
}

function checkedValue(value: Uint8Array): Uint8Array {
  if (value.length <= STORE_LIMITS.valueBytesMax) return value;
  throw storeFailure("TOO_LARGE", {
    what: "A row's value exceeds the Store's limit.",
    data: { bytes: value.length, bytesMax: STORE_LIMITS.valueBytesMax },
  });
}

function checkBytes(commit: PreparedCommit): void {
  const bytes = commitBytes(commit);
  if (bytes <= STORE_LIMITS.commitBytesMax) return;
  throw storeFailure("TOO_LARGE", { data: { bytes, bytesMax: STORE_LIMITS.commitBytesMax } });
}

/** Which of two writes of one row should win is not for the Store to guess. */
function checkEachRowOnce({ puts, deletes }: PreparedCommit): void {
  if (puts.length + deletes.length < 2) return;
  const keys = [...puts.map((put) => put.key), ...deletes].sort(compareBytes);
  for (let at = 1; at < keys.length; at++) {
    if (compareBytes(keys[at - 1]!, keys[at]!) !== 0) continue;
    throw storeFailure("REQUEST_INVALID", {
      what: "A commit writes each row at most once.",
      data: { table: keys[at]![0] },
    });
  }
}

function tooMany(what: string, count: number, countMax: number): Error {
  return storeFailure("TOO_LARGE", {
    what: `The commit holds more ${what} than the limit.`,
    data: { count, countMax },
  });
}
