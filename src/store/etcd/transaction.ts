// A commit as one transaction of etcd: everything that it depends on is a compare, so that it happens in one piece at one
// revision or not at all. Where it does not happen, the other branch has read, at that same revision, all that was
// compared: why is then judged here, exactly as the replicated machine judges.

import {
  COMPARE,
  type Compare,
  type KeyValue,
  type RequestOperation,
  type ResponseOperation,
  TARGET,
  type TxnRequest,
  type TxnResponse,
} from "../../drivers/etcd/index.ts";
import { assert } from "../../std/assert.ts";
import type { PreparedCommit, PreparedRequest } from "../commit-rules.ts";
import type { Guard } from "../engine/engine-store.ts";
import {
  type CommitConflict,
  type CommitOutcome,
  decodeOutcome,
  encodeOutcome,
  type Refused,
} from "../machine/result.ts";
import { STORE_LIMITS } from "../store.ts";
import type { EtcdKeys } from "./keys.ts";

/** The revision of a kept result is its row's own. */
const REVISION_OF_ROW = 0;

export type Judged = CommitOutcome | Refused | { readonly kind: "refused"; readonly code: "STOPPED" };

export function commitTxn(keys: EtcdKeys, commit: PreparedCommit, guard?: Guard): TxnRequest {
  const { request, lease, checks, puts, deletes } = commit;
  const compare: Compare[] = [];
  const success: RequestOperation[] = [];
  const failure: RequestOperation[] = [];
  const check = (key: Uint8Array, revision: number): void => {
    const stored = keys.of(key);
    compare.push({ key: stored, target: TARGET.modRevision, result: COMPARE.equal, modRevision: revision });
    failure.push({ range: { key: stored, keysOnly: true } });
  };
  if (guard !== undefined) check(guard.key, guard.revision);
  if (request !== undefined) {
    compare.push(...isNewCompares(keys, request));
    success.push(...rememberOperations(keys, request, { kind: "committed", revision: REVISION_OF_ROW }));
    failure.push(...sessionReads(keys, request));
  }
  if (lease !== 0) {
    compare.push(exists(keys.lease(lease)));
    failure.push({ range: { key: keys.lease(lease), keysOnly: true } });
  }
  for (const { key, revision } of checks) check(key, revision);
  for (const { key, value } of puts) success.push({ put: { key: keys.of(key), value, lease } });
  for (const key of deletes) success.push({ deleteRange: { key: keys.of(key) } });
  return { compare, success, failure };
}

/** Keeps a conflict as the first answer to a request, unless there is one by now. */
export function conflictTxn(keys: EtcdKeys, request: PreparedRequest, conflict: CommitConflict): TxnRequest {
  return {
    compare: isNewCompares(keys, request),
    success: rememberOperations(keys, request, conflict),
    failure: sessionReads(keys, request),
  };
}

/** Whether a commit that succeeded has changed anything under the prefix. */
export function hasChanged({ responses }: TxnResponse, { puts, request }: PreparedCommit): boolean {
  if (puts.length > 0 || request !== undefined) return true;
  return responses.some(
    ({ deleteRange }) => deleteRange !== undefined && deleteRange !== null && deleteRange.deleted > 0,
  );
}

/** Of a transaction that did not happen. */
export function judge(commit: PreparedCommit, { header, responses }: TxnResponse, guard?: Guard): Judged {
  const { request, lease, checks } = commit;
  let at = 0;
  if (guard !== undefined && firstOf(responses[at++]!)?.modRevision !== guard.revision) {
    return { kind: "refused", code: "STOPPED" };
  }
  if (request !== undefined) {
    const answer = answerOf(request, responses[at++]!, responses[at++]!);
    if (answer !== undefined) return answer;
  }
  if (lease !== 0 && firstOf(responses[at++]!) === undefined) return { kind: "refused", code: "LEASE_UNKNOWN" };
  const failedChecks: number[] = [];
  for (const [number, { revision }] of checks.entries()) {
    if ((firstOf(responses[at++]!)?.modRevision ?? 0) !== revision) failedChecks.push(number);
  }
  assert(failedChecks.length > 0, "a transaction that did not happen has a reason");
  return { kind: "conflict", failedChecks, revision: header.revision };
}

/** Undefined: it is new. */
function answerOf(
  request: PreparedRequest,
  sessionRow: ResponseOperation,
  resultRow: ResponseOperation,
): CommitOutcome | Refused | undefined {
  const session = firstOf(sessionRow);
  if (session === undefined) return { kind: "refused", code: "SESSION_UNKNOWN" };
  const acknowledged = Math.max(decodeNumber(session.value), request.acknowledged);
  if (request.sequence <= acknowledged || request.sequence > acknowledged + STORE_LIMITS.sessionWindowMax) {
    return { kind: "refused", code: "SESSION_WINDOW" };
  }
  const known = firstOf(resultRow);
  return known && { ...decodeOutcome(known.value), revision: known.modRevision };
}

/** All hold where the session lives, the request is in its window, and nothing is known of it. */
function isNewCompares(keys: EtcdKeys, { session, sequence, acknowledged }: PreparedRequest): Compare[] {
  const key = keys.lease(session);
  const isValue = { key, target: TARGET.value } as const;
  const lowest = sequence - STORE_LIMITS.sessionWindowMax;
  return [
    { ...isValue, result: COMPARE.less, value: encodeNumber(sequence) },
    ...(lowest > acknowledged ? [{ ...isValue, result: COMPARE.greater, value: encodeNumber(lowest - 1) }] : []),
    // It acknowledges itself: no revision is below zero.
    ...(sequence <= acknowledged ? [{ ...isCreated(key), result: COMPARE.less }] : []),
    { ...isCreated(keys.result(session, sequence)), result: COMPARE.equal },
  ];
}

function sessionReads(keys: EtcdKeys, { session, sequence }: PreparedRequest): RequestOperation[] {
  return [{ range: { key: keys.lease(session) } }, { range: { key: keys.result(session, sequence) } }];
}

function rememberOperations(keys: EtcdKeys, request: PreparedRequest, outcome: CommitOutcome): RequestOperation[] {
  const { session, sequence, acknowledged } = request;
  const value = encodeOutcome({ ...outcome, revision: REVISION_OF_ROW });
  const remember = { put: { key: keys.result(session, sequence), value, lease: session } };
  if (acknowledged === 0) return [remember];
  const key = keys.lease(session);
  // What is acknowledged only grows, whichever of two requests comes first.
  const acknowledge: TxnRequest = {
    compare: [{ key, target: TARGET.value, result: COMPARE.less, value: encodeNumber(acknowledged) }],
    success: [
      { put: { key, value: encodeNumber(acknowledged), lease: session } },
      { deleteRange: { key: keys.result(session, 0), rangeEnd: keys.result(session, acknowledged + 1) } },
    ],
    failure: [],
  };
  return [remember, { txn: acknowledge }];
}

function exists(key: Uint8Array): Compare {
  return { ...isCreated(key), result: COMPARE.greater };
}

function isCreated(key: Uint8Array): Pick<Compare, "key" | "target" | "createRevision"> {
  return { key, target: TARGET.createRevision, createRevision: 0 };
}

function firstOf({ range }: ResponseOperation): KeyValue | undefined {
  return range?.kvs[0];
}

/** Big-endian, so that etcd compares them as numbers. */
export function encodeNumber(number: number): Uint8Array {
  const bytes = new Uint8Array(8);
  let rest = number;
  for (let at = 7; at >= 0; at--) {
    bytes[at] = rest % 0x100;
    rest = Math.floor(rest / 0x100);
  }
  return bytes;
}

function decodeNumber(bytes: Uint8Array): number {
  let number = 0;
  for (const byte of bytes) number = number * 0x100 + byte;
  return number;
}
