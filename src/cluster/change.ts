import type { Check, Commit, Row, RowAddress, Store } from "../store/index.ts";
import { clusterFailure } from "./errors.ts";

const ATTEMPTS_MAX = 50;

/** What a change wants committed, and what it comes to; without a commit it is done already. */
export interface Change<Result> {
  readonly commit?: Commit;
  readonly result: Result;
}

/**
 * Decides on rows read anew until the commit goes through. Rejects with what `decide` throws where nothing was changed,
 * with CONTENDED, or as the Store does.
 */
export async function change<Result>(store: Store, decide: () => Promise<Change<Result>>): Promise<Result> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const { commit, result } = await decide();
    if (commit === undefined || (await store.commit(commit)).committed) return result;
  }
  throw clusterFailure("CONTENDED");
}

/** The row is still as it was read. */
export function unchanged(address: RowAddress, row: Row | undefined): Check {
  return row === undefined ? { ...address, absent: true } : { ...address, revision: row.revision };
}
