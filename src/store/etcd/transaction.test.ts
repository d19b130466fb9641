import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { COMPARE, type KeyValue, TARGET, type TxnResponse } from "../../drivers/etcd/index.ts";
import { utf8 } from "../../std/bytes.ts";
import { prepareCommit } from "../commit-rules.ts";
import { encodeOutcome } from "../machine/result.ts";
import { type Commit, STORE_LIMITS } from "../store.ts";
import { EtcdKeys } from "./keys.ts";
import { commitTxn, encodeNumber, judge } from "./transaction.ts";

const keys = new EtcdKeys(utf8("/test/"));
/** What etcd takes by default, of compares and of each branch. */
const OPERATIONS_MAX = 128;
const REQUEST_BYTES_MAX = 1_572_864;

function at(name: string) {
  return { table: 200, key: utf8(name) };
}

function kv(value: Uint8Array, modRevision = 7): KeyValue {
  return { key: utf8("any"), value, modRevision, createRevision: 1, lease: 0 };
}

/** Of a transaction that failed: what its reads found, in order. */
function failed(...found: readonly (KeyValue | undefined)[]): TxnResponse {
  const responses = found.map((row) => ({ range: { kvs: row ? [row] : [] } }));
  return { header: { clusterId: 1, revision: 50 }, succeeded: false, responses };
}

describe("a commit as a transaction", () => {
  test("is within what etcd takes, however large it is", () => {
    const name = (number: number): string => `${number}`.padEnd(STORE_LIMITS.keyBytesMax - 3, "k");
    const checks = Array.from({ length: 100 }, (_, number) => ({ ...at(name(number)), absent: true as const }));
    const left = STORE_LIMITS.commitBytesMax - 200 * STORE_LIMITS.keyBytesMax;
    const puts = Array.from({ length: 100 }, (_, number) => ({
      ...at(name(number)),
      value: new Uint8Array(Math.floor(left / 100)),
    }));
    const request = { session: 1, sequence: 2000, acknowledged: 500 };
    const long = new EtcdKeys(new Uint8Array(255).fill(1));
    const guard = { key: new Uint8Array(10), revision: 1 };
    const { compare, success, failure } = commitTxn(long, prepareCommit({ checks, puts, lease: 5, request }), guard);
    for (const part of [compare, success, failure]) assert.ok(part.length <= OPERATIONS_MAX, `${part.length}`);
    const bytes = [
      ...compare.map(({ key }) => key.length),
      ...success.map(({ put }) => (put ? put.key.length + put.value.length : 600)),
      ...failure.map(({ range }) => range!.key.length),
    ].reduce((sum, length) => sum + length + 32, 0);
    assert.ok(bytes < REQUEST_BYTES_MAX, `${bytes}`);
  });

  test("compares revisions, where 0 is absent, and reads the same rows without their values", () => {
    const commit = {
      checks: [
        { ...at("a"), revision: 9 },
        { ...at("b"), absent: true },
      ],
    } satisfies Commit;
    const { compare, failure } = commitTxn(keys, prepareCommit(commit));
    assert.deepEqual(
      compare.map(({ target, result, modRevision }) => [target, result, modRevision]),
      [
        [TARGET.modRevision, COMPARE.equal, 9],
        [TARGET.modRevision, COMPARE.equal, 0],
      ],
    );
    assert.ok(failure.every(({ range }) => range?.keysOnly));
  });
});

describe("a transaction that did not happen", () => {
  const checks = ["a", "b", "c"].map((name) => ({ ...at(name), revision: 7 }));
  const request = { session: 3, sequence: 5, acknowledged: 0 };

  test("is a conflict that names each check that failed", () => {
    const outcome = judge(prepareCommit({ checks }), failed(kv(utf8("")), undefined, kv(utf8(""), 8)));
    assert.deepEqual(outcome, { kind: "conflict", failedChecks: [1, 2], revision: 50 });
  });

  test("is refused for its session before its lease, and for its lease before its checks", () => {
    const commit = prepareCommit({ checks, lease: 4, request });
    const rest = [undefined, undefined, undefined];
    const codeOf = (...found: readonly (KeyValue | undefined)[]): unknown => {
      const outcome = judge(commit, failed(...found));
      return outcome.kind === "refused" && outcome.code;
    };
    assert.equal(codeOf(undefined, undefined, undefined, ...rest), "SESSION_UNKNOWN");
    assert.equal(codeOf(kv(encodeNumber(5)), undefined, undefined, ...rest), "SESSION_WINDOW");
    assert.equal(codeOf(kv(encodeNumber(4)), undefined, undefined, ...rest), "LEASE_UNKNOWN");
  });

  test("is answered with what is known of its request", () => {
    const known = kv(encodeOutcome({ kind: "conflict", failedChecks: [2], revision: 0 }), 33);
    const outcome = judge(prepareCommit({ checks, request }), failed(kv(encodeNumber(0)), known, undefined));
    assert.deepEqual(outcome, { kind: "conflict", failedChecks: [2], revision: 33 });
  });

  test("is stopped where the row that guards it is another's", () => {
    const guard = { key: utf8("guard"), revision: 6 };
    const outcome = judge(prepareCommit({ checks }), failed(kv(utf8(""), 7), undefined, undefined, undefined), guard);
    assert.deepEqual(outcome, { kind: "refused", code: "STOPPED" });
  });
});
