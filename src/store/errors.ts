import { type AshlarError, failures, hasCode } from "../std/errors.ts";

export const STORE_ERRORS = {
  TOO_LARGE: {
    what: "The commit or a row in it exceeds a limit of the Store.",
    advice: "Stage it in smaller commits.",
  },
  REQUEST_INVALID: {
    what: "The request breaks a rule of the Store, such as writing one row twice in a commit.",
    advice: "Correct the caller: this request can never succeed.",
  },
  OVERLOADED: { what: "Too many commits wait already.", advice: "Try again later, with back-off." },
  NO_LEADER: {
    what: "The cluster had no leader for as long as a call may wait; nothing was written.",
    advice: "Try again; a majority of the nodes must run and reach each other.",
  },
  NOT_LEADER: {
    what: "Only the node that leads can do this, and another one leads.",
    advice: "Ask the leader.",
  },
  OUTCOME_UNKNOWN: {
    what: "The commit was sent but its reply was lost.",
    advice: "Repeat it under the same request name, or read the rows.",
  },
  DEADLINE_PASSED: {
    what: "Other commits were in the way for as long as the call may wait; nothing was written.",
    advice: "Try again; where many commits write the same rows, let one after the other write them.",
  },
  LEASE_UNKNOWN: { what: "The lease does not exist or has ended.", advice: "Grant a new lease." },
  SESSION_UNKNOWN: {
    what: "The session does not exist or has ended.",
    advice: "Open a new session; do not repeat blindly.",
  },
  SESSION_WINDOW: {
    what: "The session has too many unacknowledged requests, or the request is older than what it keeps.",
    advice: "Acknowledge earlier requests.",
  },
  HISTORY_LOST: {
    what: "The position is older than the kept history.",
    advice: "Scan the range, then watch from now on.",
  },
  SLOW_WATCHER: {
    what: "The watcher fell behind the limit.",
    advice: "Scan the range again and watch with a faster reader.",
  },
  RANGE_MISMATCH: {
    what: "The group that was asked does not serve these keys.",
    advice: "Ask the group that does: the range map says which.",
  },
  RANGE_MOVING: {
    what: "The keys are on their way from one group to another.",
    advice: "Try again: it takes a moment.",
  },
  TRANSFER_SUPERSEDED: {
    what: "Somebody else drives this transfer of keys by now, or it has ended.",
    advice: "Nothing to do.",
  },
  RANGES_CUT: {
    what: "The keys are cut into ranges of several groups, and a copy of one would lack the rows of the others.",
    advice: "Take the backup of the whole cluster: `ashlar backup create`.",
  },
  POSITION_INVALID: {
    what: "The position is not one of this Store.",
    advice: "Use a position that this Store returned.",
  },
  CHECKPOINT_DAMAGED: {
    what: "No checkpoint of the Store can be read.",
    advice: "Restore the data directory from a backup.",
  },
  FORMAT_NEWER: {
    what: "The data was written by a newer version of Ashlar.",
    advice: "Start that version or a later one; this one would lose what it does not know.",
  },
  ROW_DAMAGED: {
    what: "A row failed its checksum.",
    advice: "Restart the node: it rebuilds the index from the checkpoint and the log.",
  },
  STOPPED: { what: "The node is stopping.", advice: "Try again on another node or after the restart." },
} as const;

export type StoreErrorCode = keyof typeof STORE_ERRORS;
export type StoreError = AshlarError<StoreErrorCode>;

export const storeFailure: ReturnType<typeof failures<typeof STORE_ERRORS>> = failures(STORE_ERRORS);

const PASSING = ["OUTCOME_UNKNOWN", "OVERLOADED", "NO_LEADER", "DEADLINE_PASSED", "RANGE_MOVING"] as const;

/** A further attempt may go through. Unless the code is OUTCOME_UNKNOWN nothing was written. */
export function isPassing(error: unknown): boolean {
  return PASSING.some((code) => hasCode(error, code));
}
