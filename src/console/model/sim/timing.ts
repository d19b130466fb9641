// How quick the simulated world is. Links and disks are some hundred times slower than a machine room's, so that one can watch them; what
// depends on their proportions (an election timeout is several round trips) is as it should be. All times are whole milliseconds: a moment
// in a link to a run then names exactly one moment of the run.

export const TIMING = {
  tickMillis: 100,
  /** A follower waits for 2 to 4 seconds; a leader asks itself every 2 seconds whether a quorum still answers. */
  electionTicks: 20,
  heartbeatTicks: 5,
  delayMillisMin: 250,
  delayMillisMax: 450,
  syncMillisMin: 60,
  syncMillisMax: 140,
  applyMillis: 20,
  /** A sender's transport notices that what it sent got lost. */
  noticeMillis: 700,
} as const;

/** A log longer than this is compacted by its node, which keeps the newest entries for followers that lag a little. */
export const LOG_ENTRIES_MAX = 40;
export const LOG_ENTRIES_KEPT = 12;
/** Of a node that stands still: what more comes is lost. */
export const INBOX_MAX = 64;
/** Messages on their way; what is sent beyond them is lost. */
export const FLIGHTS_MAX = 1_000;
/** About a hundred values that no quorum has; a leader refuses what comes beyond them. */
export const UNCOMMITTED_BYTES_MAX = 400;
