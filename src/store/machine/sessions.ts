// Exactly once: a session's request that was answered is answered again from its result row, never applied again.
// Results stay until the session acknowledges them or ends. A request that the session has acknowledged, or that is too
// far ahead, is refused: whether it was applied is then no longer known.

import type { PreparedRequest } from "../commit-rules.ts";
import { STORE_LIMITS } from "../store.ts";
import { resultKey } from "./keys.ts";
import { type LeaseRecord, readLease, writeLease } from "./leases.ts";
import type { PendingRows } from "./pending.ts";
import { type CommitOutcome, decodeOutcome, encodeOutcome, type Refused } from "./result.ts";

/**
 * What the session already knows of the request, or undefined where it is new and may be applied.
 * Drops the results that the request acknowledges, whatever becomes of the request itself.
 */
export function answerOf(pending: PendingRows, request: PreparedRequest): CommitOutcome | Refused | undefined {
  const session = readLease(pending, request.session);
  if (session === undefined || session.ending) return { kind: "refused", code: "SESSION_UNKNOWN" };
  const acknowledged = Math.max(session.acknowledged, request.acknowledged);
  if (request.sequence <= acknowledged || request.sequence > acknowledged + STORE_LIMITS.sessionWindowMax) {
    return { kind: "refused", code: "SESSION_WINDOW" };
  }
  const known = pending.get(resultKey(request.session, request.sequence));
  acknowledge(pending, request, session);
  return known && decodeOutcome(known.value);
}

/** With the key that the result moves with, where keys move. */
export function remember(
  pending: PendingRows,
  request: PreparedRequest,
  outcome: CommitOutcome,
  owner?: Uint8Array,
): void {
  const value = encodeOutcome(outcome, owner);
  pending.put(resultKey(request.session, request.sequence), { revision: outcome.revision, lease: 0, value });
}

/** Deletes what the session no longer needs: at most a window of results. */
function acknowledge(pending: PendingRows, { session, acknowledged }: PreparedRequest, record: LeaseRecord): void {
  if (acknowledged <= record.acknowledged) return;
  const last = Math.min(acknowledged, record.acknowledged + STORE_LIMITS.sessionWindowMax);
  for (let sequence = record.acknowledged + 1; sequence <= last; sequence++) {
    pending.delete(resultKey(session, sequence));
  }
  writeLease(pending, session, { ...record, acknowledged });
}
