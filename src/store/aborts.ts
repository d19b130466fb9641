import { storeFailure } from "./errors.ts";

/** The result, unless the caller gives up first: then the commit is on its way all the same. */
export function orAborted<T>(result: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return unlessAborted(result, signal, (cause) => storeFailure("OUTCOME_UNKNOWN", { cause }));
}

/** The result of a read, unless the caller gives up first. */
export async function unlessAborted<T>(
  result: Promise<T>,
  signal: AbortSignal | undefined,
  errorOf: (reason: unknown) => unknown = (reason) => reason,
): Promise<T> {
  if (signal === undefined) return result;
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(errorOf(signal.reason));
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
