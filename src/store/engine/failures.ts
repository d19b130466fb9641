// What the drivers of outside engines say, as the Store's errors. Both drivers use the same codes for the same things.

import { type AshlarError, hasCode } from "../../std/errors.ts";
import { storeFailure } from "../errors.ts";

/** An error that no code here names goes through as it is. */
export function engineFailure(cause: unknown): unknown {
  if (hasCode(cause, "OUTCOME_UNKNOWN")) return storeFailure("OUTCOME_UNKNOWN", { cause });
  if (hasCode(cause, "OVERLOADED")) return storeFailure("OVERLOADED", { what: cause.message, cause });
  if (hasCode(cause, "TOO_LARGE")) return storeFailure("TOO_LARGE", { what: cause.message, cause });
  if (hasCode(cause, "LEASE_UNKNOWN")) return storeFailure("LEASE_UNKNOWN", { cause });
  if (hasCode(cause, "CLOSED")) return storeFailure("STOPPED", { cause });
  if (hasCode(cause, "UNAVAILABLE") || hasCode(cause, "DENIED")) {
    const { message: what, advice } = cause as AshlarError;
    return storeFailure("NO_LEADER", { what, advice, cause });
  }
  return cause;
}

export async function asStoreFailure<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw engineFailure(error);
  }
}
