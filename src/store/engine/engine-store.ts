import type { StoreCounters } from "../replicated/counters.ts";
import type { RowAddress, Store } from "../store.ts";

/** A Store in a database that runs outside of this process, and that others may reach as well. */
export interface EngineStore extends Store {
  readonly counters: StoreCounters;
  /**
   * From now on a commit happens only while this row has this revision, and rejects with STOPPED otherwise: so whoever
   * lost the row to another process changes nothing any more, however late its commits arrive.
   */
  guard(row: RowAddress, revision: number): void;
}

export interface Guard {
  /** The encoded address. */
  readonly key: Uint8Array;
  readonly revision: number;
}
