import type { Blobs } from "../../blob/index.ts";
import type { Clock, Compute, Random } from "../../env/index.ts";
import { hasCode } from "../../std/errors.ts";
import type { Check, Commit, Store } from "../../store/index.ts";
import { objectFailure } from "./errors.ts";
import { RefusedBody } from "./receive.ts";
import type { ObjectBugs } from "./seeded-bugs.ts";

/** What every part of the objects service works with. */
export interface Context {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly clock: Clock;
  readonly random: Random;
  readonly compute: Compute;
  readonly cleaner: Cleaner;
  readonly bugs: ObjectBugs;
}

/** Takes apart what commits leave behind: tombstones of uploads and of manifests. */
export interface Cleaner {
  /** Looks through a commit that went through for tombstones. */
  notice(commit: Commit): void;
}

const ATTEMPTS_MAX = 100;

/**
 * Reads, decides and commits, again and again while others change the same rows in between: some request always gets through.
 * `attempt` gives the commit and the result that it will have; conditions are checked anew each time. Where the fence no
 * longer holds, what the request began with is out of date: CONFLICT.
 */
export async function commitChange<T>(
  context: Context,
  fence: Check | undefined,
  attempt: () => Promise<{ commit: Commit; result: T }>,
): Promise<T> {
  for (let tries = 0; tries < ATTEMPTS_MAX; tries++) {
    const { commit, result } = await attempt();
    const checked = context.bugs.has("judge-before-commit") ? { ...commit, checks: [] } : commit;
    const outcome = await context.store.commit(fenced(checked, fence));
    if (outcome.committed) {
      context.cleaner.notice(commit);
      return result;
    }
    if (fence !== undefined && outcome.failedChecks.includes(commit.checks?.length ?? 0)) break;
  }
  throw objectFailure("CONFLICT");
}

/** The fence is the last of the checks. */
export function fenced(commit: Commit, fence: Check | undefined): Commit {
  return fence === undefined ? commit : { ...commit, checks: [...(commit.checks ?? []), fence] };
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
