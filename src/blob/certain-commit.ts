import { equalBytes } from "../std/bytes.ts";
import { type Commit, isPassing, type RowAddress, type Store } from "../store/index.ts";
import type { Health } from "./health.ts";
import type { Sleeper } from "./sleeper.ts";

const DELAY_MILLIS_MIN = 50;
const DELAY_MILLIS_MAX = 2000;

export interface CertainCommit {
  readonly store: Store;
  readonly sleeper: Sleeper;
  /** When the node stops, the last error is thrown, and the outcome may be unknown. */
  readonly health: Health;
}

/**
 * Commits until the outcome is known. The commit must check what makes a second application impossible. `proof` is a
 * row that it puts, with a value that no other commit writes, or that it deletes (then without a value). Returns the
 * proof's revision (0 for a deleted row), or undefined where the checks failed and the proof is not there.
 */
export async function commitCertainly(
  { store, sleeper, health }: CertainCommit,
  commit: Commit,
  proof: { readonly address: RowAddress; readonly value?: Uint8Array },
): Promise<number | undefined> {
  for (let delayMillis = DELAY_MILLIS_MIN; ; delayMillis = Math.min(delayMillis * 2, DELAY_MILLIS_MAX)) {
    try {
      const result = await store.commit(commit);
      if (result.committed) return result.revision;
      const { row } = await store.get(proof.address);
      if (proof.value === undefined) return row === undefined ? 0 : undefined;
      return row !== undefined && equalBytes(row.value, proof.value) ? row.revision : undefined;
    } catch (error) {
      if (health.stopping || !isPassing(error)) throw error;
    }
    await sleeper.sleep(delayMillis);
  }
}
