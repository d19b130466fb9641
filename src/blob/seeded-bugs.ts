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
  /** Readers trust what the disk returns. */
  | "serve-unverified"
  /** The collector takes needles of running appends for orphans. */
  | "ignore-in-flight"
  /** Only the owner's rows are asked. */
  | "ignore-shares"
  /** A share row goes although its holder names the needle. */
  | "forget-live-shares";

export type BlobBugs = ReadonlySet<BlobBug>;

export const NO_BUGS: BlobBugs = new Set();
