import { type AshlarError, failures } from "../std/errors.ts";

/** What is wrong with a history, or with what is asked of it. Data names the `line`, counted from 1, where there is one. */
export const CHECK_ERRORS = {
  HISTORY_MALFORMED: {
    what: "A line of the history is not an event.",
    advice: "Each line is a JSON object, or a map of Jepsen's: docs/protocols/history.md describes it.",
  },
  HISTORY_UNPAIRED: {
    what: "An event does not fit what its process was doing.",
    advice: "A process invokes, then completes; after an info it is gone, and its client goes on under a new number.",
  },
  HISTORY_DISORDERED: {
    what: "The history's times go back.",
    advice: "Write events in the order in which they happened, by one monotonic clock.",
  },
  HISTORY_FUNCTION: {
    what: "The model does not know a function of the history.",
    advice: "Choose the model that the history was recorded for.",
  },
  HISTORY_VALUE: {
    what: "A value is not one that its function takes.",
    advice: "docs/protocols/history.md lists the values of each function.",
  },
  HISTORY_TOO_LARGE: {
    what: "The history is larger than can be checked at once.",
    advice: "Check it in parts: each key by itself, or less time.",
  },
  CHECK_UNSUPPORTED: {
    what: "The model can not be checked for this consistency.",
    advice: "`ashlar check --help` tells which go together.",
  },
} as const;

export type CheckErrorCode = keyof typeof CHECK_ERRORS;
export type CheckError = AshlarError<CheckErrorCode>;

export const checkFailure: ReturnType<typeof failures<typeof CHECK_ERRORS>> = failures(CHECK_ERRORS);
