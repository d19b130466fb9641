// What became of a question to another node, in the Store's own terms: either nothing happened, or the other side
// refused it for a reason of the Store, or nobody knows.

import { remoteCode } from "../../peer/index.ts";
import { type AshlarError, hasCode } from "../../std/errors.ts";
import { STORE_ERRORS, type StoreErrorCode, storeFailure } from "../errors.ts";

/** The error of the Store that the other side answered with, if that is why a call failed. */
export function refusalOf(error: unknown): AshlarError<StoreErrorCode> | undefined {
  const code = remoteCode(error);
  if (code === undefined || !isStoreCode(code)) return undefined;
  const { message, data } = error as AshlarError;
  return storeFailure(code, { what: message, data, cause: error });
}

/** True where the other side has not begun to do what it was asked. */
export function wasNotAsked(error: unknown): boolean {
  return (
    hasCode(error, "PEER_UNREACHABLE") || hasCode(error, "CALLS_OVERLOADED") || remoteCode(error) === "METHOD_UNKNOWN"
  );
}

/** Operating errors of the way between two nodes. All else is a bug, or the caller's own reason to give up. */
export function isPeerFailure(error: unknown): boolean {
  return PEER_FAILURES.some((code) => hasCode(error, code));
}

const PEER_FAILURES = ["PEER_UNREACHABLE", "CALLS_OVERLOADED", "CALL_BROKEN", "CALL_TIMED_OUT", "CALL_FAILED"];

function isStoreCode(code: string): code is StoreErrorCode {
  return Object.hasOwn(STORE_ERRORS, code);
}
