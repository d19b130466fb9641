export interface TransactionOptions {
  /** A commit over more groups is refused with TOO_LARGE. */
  readonly participantsMax: number;
  /** Commits over several groups under way on this node, their ends included; more are refused with OVERLOADED. */
  readonly commitsMax: number;
  readonly commitsBytesMax: number;
  /** How long a commit over several groups may take where its caller does not say. */
  readonly commitMillisMax: number;
  /** A pause before the second try; it doubles with each further one, and is cut by chance. */
  readonly pauseMillisMin: number;
  readonly pauseMillisMax: number;
  /** A transaction that stays undecided so long after it was first seen in the way is aborted by who waits for it. */
  readonly resolveAfterMillis: number;
  /** How often a waiter asks for the decision. */
  readonly askMillis: number;
  /** A read or a commit in one group that waits for locks longer than this is refused with DEADLINE_PASSED. */
  readonly lockMillisMax: number;
  /** Reads and commits that wait for locks at once; more are refused with OVERLOADED. */
  readonly waitersMax: number;
  /** How often who leads a group looks for locks and decisions that were left behind. */
  readonly sweepMillis: number;
  /** An abort is kept so long, for the coordinator that has not heard of it. */
  readonly abortsKeptMillis: number;
}

export const TRANSACTION_DEFAULTS: TransactionOptions = {
  participantsMax: 16,
  commitsMax: 4096,
  commitsBytesMax: 33_554_432,
  commitMillisMax: 10_000,
  pauseMillisMin: 4,
  pauseMillisMax: 250,
  resolveAfterMillis: 1000,
  askMillis: 50,
  lockMillisMax: 10_000,
  waitersMax: 10_000,
  sweepMillis: 1000,
  abortsKeptMillis: 10_000,
};
