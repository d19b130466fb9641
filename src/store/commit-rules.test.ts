import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { checkTtl, commitBytes, prepareCommit } from "./commit-rules.ts";
import type { StoreErrorCode } from "./errors.ts";
import { type Commit, type RowAddress, STORE_LIMITS } from "./store.ts";

const TABLE = 18;

function address(name: string): RowAddress {
  return { table: TABLE, key: utf8(name) };
}

function many<T>(count: number, make: (address: RowAddress) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(address(`row ${at}`)));
}

function refused(commit: Commit, code: StoreErrorCode): void {
  assert.throws(
    () => prepareCommit(commit),
    (error) => hasCode(error, code),
  );
}

describe("a commit", () => {
  test("may hold as many checks and writes as the limit and not one more", () => {
    const { checksMax, writesMax } = STORE_LIMITS;
    const check = (at: RowAddress) => ({ ...at, absent: true }) as const;
    const put = (at: RowAddress) => ({ ...at, value: utf8("v") });
    assert.equal(prepareCommit({ checks: many(checksMax, check) }).checks.length, checksMax);
    refused({ checks: many(checksMax + 1, check) }, "TOO_LARGE");
    assert.equal(prepareCommit({ puts: many(writesMax, put) }).puts.length, writesMax);
    refused({ puts: many(writesMax + 1, put) }, "TOO_LARGE");
    const puts = many(writesMax, put);
    prepareCommit({ puts: puts.slice(1), deletes: [address("row 0")] });
    refused({ puts, deletes: [address("another")] }, "TOO_LARGE");
  });

  test("may hold values as long as the limit and not a byte more", () => {
    const put = (bytes: number) => ({ puts: [{ ...address("a"), value: new Uint8Array(bytes) }] });
    prepareCommit(put(STORE_LIMITS.valueBytesMax));
    refused(put(STORE_LIMITS.valueBytesMax + 1), "TOO_LARGE");
  });

  test("counts its encoded addresses and its values, and may be as large as the limit and not a byte more", () => {
    const { valueBytesMax, commitBytesMax } = STORE_LIMITS;
    const commit = (more: number): Commit => ({
      checks: [{ ...address("abc"), absent: true }],
      puts: [
        { ...address("a"), value: new Uint8Array(valueBytesMax) },
        { ...address("b"), value: new Uint8Array(valueBytesMax) },
        { ...address("c"), value: new Uint8Array(valueBytesMax) },
        { ...address("d"), value: new Uint8Array(valueBytesMax - 6 - 4 * 4 - 5 + more) },
      ],
      deletes: [address("xy")],
    });
    assert.equal(commitBytes(prepareCommit(commit(0))), commitBytesMax);
    refused(commit(1), "TOO_LARGE");
  });

  test("writes no row twice, be it by two puts, two deletes or one of each", () => {
    const put = { ...address("a"), value: utf8("v") };
    refused({ puts: [put, put] }, "REQUEST_INVALID");
    refused({ deletes: [address("a"), address("b"), address("a")] }, "REQUEST_INVALID");
    refused({ puts: [put], deletes: [address("a")] }, "REQUEST_INVALID");
    prepareCommit({
      puts: [put],
      deletes: [
        { ...address("a"), suffix: utf8("s") },
        { ...address("a"), table: 19 },
      ],
    });
  });

  test("may check a row that it writes, and check a row twice", () => {
    const check = { ...address("a"), revision: 4 };
    const prepared = prepareCommit({ checks: [check, check], deletes: [address("a")] });
    assert.deepEqual(
      prepared.checks.map(({ revision }) => revision),
      [4, 4],
    );
  });

  test("refuses numbers that can not be", () => {
    for (const number of [-1, 0, 1.5, Number.NaN, 2 ** 53]) {
      refused({ checks: [{ ...address("a"), revision: number }] }, "REQUEST_INVALID");
      refused({ lease: number }, "REQUEST_INVALID");
      refused({ request: { session: number, sequence: 1 } }, "REQUEST_INVALID");
      refused({ request: { session: 1, sequence: number } }, "REQUEST_INVALID");
      if (number !== 0) refused({ request: { session: 1, sequence: 1, acknowledged: number } }, "REQUEST_INVALID");
    }
  });
});

test("a lease's ttl lies within its limits", () => {
  const { leaseTtlMillisMin, leaseTtlMillisMax } = STORE_LIMITS;
  checkTtl(leaseTtlMillisMin);
  checkTtl(leaseTtlMillisMax);
  for (const ttl of [leaseTtlMillisMin - 1, leaseTtlMillisMax + 1, 1000.5, Number.NaN]) {
    assert.throws(
      () => checkTtl(ttl),
      (error) => hasCode(error, "REQUEST_INVALID"),
    );
  }
});
