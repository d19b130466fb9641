import { type AshlarError, failures } from "../../std/errors.ts";

export const COMPUTE_ERRORS = {
  HASH_THREAD_LOST: {
    what: "The thread that hashed this stream ended.",
    advice: "Send the stream again: another thread takes it.",
  },
  HASHER_DISPOSED: {
    what: "The hasher was disposed of while it waited for room.",
    advice: "Nothing to do where the stream was given up; else dispose of a hasher only after its last update.",
  },
  COMPUTE_CLOSED: {
    what: "The hashing threads are closed.",
    advice: "Close them only after everything that hashes has ended.",
  },
} as const;

export type ComputeErrorCode = keyof typeof COMPUTE_ERRORS;
export type ComputeError = AshlarError<ComputeErrorCode>;

export const computeFailure: ReturnType<typeof failures<typeof COMPUTE_ERRORS>> = failures(COMPUTE_ERRORS);
