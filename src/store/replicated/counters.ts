/**
 * What an engine has done since it was opened. Plain numbers that only it changes; metrics read them when they are
 * asked.
 */
export interface StoreCounters {
  commits: number;
  conflicts: number;
  /** Commits that were refused for too many in flight. */
  overloads: number;
  reads: number;
  rowsScanned: number;
  watchers: number;
  watchEvents: number;
  slowWatchers: number;
  leases: number;
  leasesExpired: number;
  checkpoints: number;
  checkpointFailures: number;
  checkpointRows: number;
  checkpointBytes: number;
  /** Rows whose checksum failed when they were read. */
  rowsDamaged: number;
  /** 1 where opening had to rebuild the index from a checkpoint or the log. */
  indexRebuilds: number;
  /** Checkpoints that could not be used when they were needed. */
  checkpointsDamaged: number;
}

export function newCounters(): StoreCounters {
  return {
    commits: 0,
    conflicts: 0,
    overloads: 0,
    reads: 0,
    rowsScanned: 0,
    watchers: 0,
    watchEvents: 0,
    slowWatchers: 0,
    leases: 0,
    leasesExpired: 0,
    checkpoints: 0,
    checkpointFailures: 0,
    checkpointRows: 0,
    checkpointBytes: 0,
    rowsDamaged: 0,
    indexRebuilds: 0,
    checkpointsDamaged: 0,
  };
}
