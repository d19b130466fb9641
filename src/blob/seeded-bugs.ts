/**
 * Mistakes that tests switch on to prove that the simulation finds them. Production code never passes any.
 */
export type BlobBug =
  /** An append is acknowledged when it is written. */
  | "acknowledge-before-sync"
  /** A needle whose row was dropped is garbage without asking whether another row names it. */
  | "delete-without-asking"
  /** The collector asks first and marks afterwards. */
  | "ask-before-mark"
  /** A new generation becomes the current one before its file is synced. */
  | "switch-before-sync"
  /** Recovery goes on behind the last good needle and leaves what a crash left there. */
  | "keep-torn-tail"
  /**
   * Recovery takes what it can read for what is on disk, and syncs it once more: after a failed sync that writes nothing.
   */
  | "trust-the-page-cache"
  /** Readers trust what the disk returns. */
  | "serve-unverified"
  /** The collector takes needles of running appends for orphans. */
  | "ignore-in-flight"
  /** Only the owner's rows are asked. */
  | "ignore-shares"
  /** A share row goes although its holder names the needle. */
  | "forget-live-shares"
  /** A writer acknowledges what one of the row's members has not synced. */
  | "acknowledge-without-member"
  /** Of an extent that has moved, the slot in the volume that is lost stays in flight. */
  | "keep-lost-slot"
  /** A volume is sealed at what its row had recorded, not at what was acknowledged. */
  | "seal-short"
  /** A copy takes writes of a writer that has lost the volume. */
  | "take-any-epoch"
  /** Who takes a volume over takes all that its own copy holds for acknowledged. */
  | "take-over-without-judging"
  /** What one copy has lost is not looked for in the others before they are made equal to it. */
  | "recover-without-mending"
  /** A volume is sealed without comparing its copies. */
  | "leave-tails-unequal";

export type BlobBugs = ReadonlySet<BlobBug>;

export const NO_BUGS: BlobBugs = new Set();
