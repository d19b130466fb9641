import type { Configuration } from "./configuration.ts";
import type { Entry, HardState, Snapshot } from "./messages.ts";

/**
 * What the core reads of its node's stable storage. All calls answer at once. Entries that lie only on disk may be `pending`: the
 * storage then fetches them, and its owner calls the node's `entriesLoaded` when they are there.
 */
export interface Storage {
  readonly hardState: HardState | undefined;
  /**
   * The configuration as of the newest snapshot or, where the owner stores it, as of the applied index. Founders of a group begin with a
   * snapshot that has it, so that whoever comes later gets it the same way.
   */
  readonly configuration: Configuration;
  /** Of the oldest entry that is still there, or one behind the last where there is none. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** Entries from `low` to before `high`, at least the first of them, and no more than the bytes allow. */
  entries(low: number, high: number, bytesMax: number): readonly Entry[] | "compacted" | "pending";
  /** Also known for the index right before the first. Undefined: compacted, or not there yet. */
  term(index: number): number | undefined;
  /**
   * The newest one, for a follower that needs what the log no longer has. Undefined: one is being made, ask again later. Owners make one
   * soon after each change of membership: a new member takes none that is older than its membership.
   */
  snapshot(): Snapshot | undefined;
}
