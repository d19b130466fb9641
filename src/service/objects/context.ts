import type { Blobs } from "../../blob/index.ts";
import type { Clock, Compute, Random } from "../../env/index.ts";
import { hasCode } from "../../std/errors.ts";
import type { Commit, Store } from "../../store/index.ts";
import { objectFailure } from "./errors.ts";
import { RefusedBody } from "./receive.ts";

/** What every part of the objects service works with. */
export interface Context {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly random: Random;
  readonly compute: Compute;
  readonly cleaner: Cleaner;
}

/** Takes apart what commits leave behind: tombstones of uploads and of manifests. */
export interface Cleaner {
  /** Looks through a commit that went through for tombstones. */
  notice(commit: Commit): void;
}

const ATTEMPTS_MAX = 100;

/**
 * Reads, decides and commits, again and again while others change the same rows in between: some request always gets through.
 * `attempt` gives the commit and the result that it will have; conditions are checked anew each time.
 */
export async function commitChange<T>(
  context: Context,
  attempt: () => Promise<{ commit: Commit; result: T }>,
): Promise<T> {
  for (let tries = 0; tries < ATTEMPTS_MAX; tries++) {
    const { commit, result } = await attempt();
    if (!(await context.store.commit(commit)).committed) continue;
    context.cleaner.notice(commit);
    return result;
  }
  throw objectFailure("CONFLICT");
}

/** Lets go of what a refused body left in Blobs, then throws what was wrong with it. */
export async function droppingRefused<T>(
  { store, blobs }: Context,
  key: Uint8Array,
  receive: () => Promise<T>,
): Promise<T> {
  try {
    return await receive();
  } catch (error) {
    if (!(error instanceof RefusedBody)) throw bodyError(error);
    await store.commit({ puts: blobs.dropRows(key, error.append.refs.slice(0, DROP_ROWS_MAX)) });
    throw error.cause;
  }
}

/** The rest of a very large refused body is left to the collector's sweep for orphans. */
const DROP_ROWS_MAX = 100;

function bodyError(error: unknown): unknown {
  return hasCode(error, "SOURCE_LENGTH") ? objectFailure("BODY_INCOMPLETE", { cause: error }) : error;
}
