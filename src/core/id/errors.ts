import { type AshlarError, failures } from "../../std/errors.ts";

export const ID_ERRORS = {
  LAYOUT_INVALID: {
    what: "The layout of the ids can not be: its fields do not fit into its width, or not into each other.",
    advice: "Correct the layout's bits; time, worker and sequence together fill the width.",
  },
  WORKER_INVALID: {
    what: "The worker's number does not fit into the layout's worker bits.",
    advice: "Take a number from 0 up to what the layout has room for, one that nobody else uses.",
  },
  UNIT_FULL: {
    what: "All ids of the time that may be used now have been given out.",
    advice: "Ask again after the wait that is told.",
  },
  CLOCK_BEHIND: {
    what: "The clock is behind the time of ids that exist already by more than the bound: it was set back, or the worker changed hands.",
    advice: "Wait until the clock has caught up, or go on with another worker number.",
  },
  CLOCK_BEFORE_EPOCH: {
    what: "The clock is before the layout's epoch.",
    advice: "Set the clock, or choose an earlier epoch.",
  },
  WINDOW_SPENT: {
    what: "The reserved window of time is over: an id from beyond it could be another holder's too.",
    advice: "Reserve a later window, then ask again.",
  },
  TIME_EXHAUSTED: {
    what: "The layout's time bits are used up: it has no ids for this time any more.",
    advice: "Change to a layout with more time bits or a later epoch.",
  },
  BATCH_TOO_LARGE: {
    what: "The batch has more ids than can ever be given out at once.",
    advice: "Ask for fewer at a time.",
  },
  BLOCK_SPENT: {
    what: "The block of numbers is used up and the next one is not there yet.",
    advice: "Ask again once the next block has been added.",
  },
  BLOCK_STALE: {
    what: "A block of numbers came that does not lie above those before it.",
    advice: "Drop it and fetch another one; if it happens again, the counter behind the blocks has been set back.",
  },
  MALFORMED: {
    what: "That is not an id of the form that was expected.",
    advice: "Give the id exactly as it was printed.",
  },
  OUT_OF_RANGE: {
    what: "The number does not fit into the width.",
    advice: "Take a number that is not negative and has no more bits than the width.",
  },
  KEY_INVALID: {
    what: "The key does not have 16 bytes.",
    advice: "Take 16 bytes from a source that is fit for secrets.",
  },
} as const;

export type IdErrorCode = keyof typeof ID_ERRORS;
export type IdError = AshlarError<IdErrorCode>;

export const idFailure: ReturnType<typeof failures<typeof ID_ERRORS>> = failures(ID_ERRORS);
