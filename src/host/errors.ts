import { type AshlarError, failures } from "../std/errors.ts";

export const HOST_ERRORS = {
  OVERLOADED: { what: "Too many commands wait already.", advice: "Try again later, with back-off." },
  STOPPED: {
    what: "The group stopped before the command's outcome was known.",
    advice: "Repeat it under the same request name, or read what it would have changed.",
  },
  COMPACTED: {
    what: "The state machine lacks entries that the log has given up.",
    advice: "Restore its newest checkpoint, then open the group again.",
  },
  LOG_BEHIND: {
    what: "The state machine holds entries that the log does not have: part of the log is missing.",
    advice: "Restore the data directory as a whole from a backup.",
  },
  ENTRY_MALFORMED: {
    what: "An entry of the log is not in a form that this version knows.",
    advice: "Start the version of Ashlar that wrote it, or a later one.",
  },
} as const;

export type HostErrorCode = keyof typeof HOST_ERRORS;
export type HostError = AshlarError<HostErrorCode>;

export const hostFailure: ReturnType<typeof failures<typeof HOST_ERRORS>> = failures(HOST_ERRORS);
