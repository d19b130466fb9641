export const IDS_LIMITS = {
  /** Ids of one call. */
  countMax: 100_000,
  /** Callers that wait at one generator or tag of a node. */
  waitersMax: 10_000,
  /** How long a call may wait for time to pass: a unit that is full, a clock that is behind. */
  waitMillisMax: 2000,

  generatorsMax: 1000,
  /** Of a generator that has no row, and where nothing is said. */
  windowMillisDefault: 1000,
  windowMillisMin: 200,
  windowMillisMax: 60_000,
  /** Whatever the layout has room for: so many rows are looked through for a free number. */
  workersMax: 65_536,
  /** Tries to get a worker number, or to change a row, that others change at the same time. */
  attemptsMax: 10,
  /** A number that was given back is taken where ids can be made with it after so long at most. */
  takeUpWaitMillis: 100,
  /** A node that stops does not wait longer for the Store to take its number back. */
  releaseMillisMax: 1000,
  /** Between two tries to move a window on in the background. */
  renewalPauseMillis: 50,

  tagsMax: 100_000,
  /** Tags whose blocks a node holds. One more lets go of one that was not used for longest, with what is left of it. */
  countersMax: 10_000,
  stepDefault: 1000,
  stepMax: 1_000_000,
  descriptionCharactersMax: 256,
  /** Tries of a strictly ordered tag's count, with a growing pause in between: every node counts in the same row. */
  orderedAttemptsMax: 60,
  orderedPauseMillisMax: 20,

  /** How often a table of tags outside of the Store is looked through for new and removed ones: as in Leaf. */
  tableReadMillis: 60_000,
  /** For a tag that is not known it is looked through at once, but no more often than this. */
  tableReadAgainMillis: 1000,

  pageRowsMax: 1000,
  watchRetryMillis: 1000,
} as const;

/** Beyond the last number of a tag: one more would be negative in a signed column. */
export const NUMBER_END: bigint = 2n ** 63n;
