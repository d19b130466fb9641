import { type AshlarError, failures } from "../std/errors.ts";

export const LOG_ERRORS = {
  LOG_DAMAGED: {
    what: "A record of the log that had been synced can not be read.",
    advice:
      "Restore the data directory from a backup or a replica; `ashlar log inspect` shows the place. Nothing was cut off.",
  },
  LOG_FORMAT_NEWER: {
    what: "The log was written by a newer version of Ashlar.",
    advice: "Start that version or a later one.",
  },
  LOG_FAILED: {
    what: "The log can not be written any more.",
    advice: "The node stops, because what reached the disk is unknown; look at the disk's health, then start it again.",
  },
  LOG_FULL: {
    what: "The disk has no room for the log to go on.",
    advice: "Free space on the disk or add a larger one. Nothing of this was written; what was acknowledged is safe.",
  },
  LOG_CLOSED: { what: "The log is closed.", advice: "Nothing to do: the node is stopping." },
} as const;

export type LogErrorCode = keyof typeof LOG_ERRORS;
export type LogError = AshlarError<LogErrorCode>;

export const logFailure: ReturnType<typeof failures<typeof LOG_ERRORS>> = failures(LOG_ERRORS);
