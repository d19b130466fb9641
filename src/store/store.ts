// The Store holds small facts: an ordered map of rows under optimistic check-and-commit. Services use this interface
// and never know which engine is behind it; every engine passes store/conformance.ts.

/** A number from store/tables.ts: it is part of the disk format. */
export type Table = number;

/** Opaque: which commits of which ranges a reader has seen. Comparable only by the Store. */
export type Position = string;

/**
 * Rows of one table sort by key, then suffix, both as unsigned bytes. Ranges are cut on the key alone: rows of one key
 * stay together.
 */
export interface RowKey {
  readonly key: Uint8Array;
  /** Empty where left out. */
  readonly suffix?: Uint8Array;
}

export interface RowAddress extends RowKey {
  readonly table: Table;
}

export interface Row extends RowAddress {
  readonly suffix: Uint8Array;
  readonly value: Uint8Array;
  /**
   * Of the commit that wrote the row. For one key it only grows, over deletions too: (key, revision) is a fencing
   * token.
   */
  readonly revision: number;
  readonly lease?: LeaseId;
}

export type LeaseId = number;

export type ReadLevel = "linearizable" | "stale" | { readonly atLeast: Position };

export interface ReadOptions {
  /** Linearizable where left out. A position that this Store never gave out is refused with POSITION_INVALID. */
  readonly level?: ReadLevel;
  /** The call rejects with its reason. */
  readonly signal?: AbortSignal;
}

export interface Found {
  readonly row: Row | undefined;
  readonly position: Position;
}

/**
 * from <= row < to, row > after, in either direction of a scan. A missing bound is open; one may be longer than a key.
 */
export interface ScanRange {
  readonly from?: RowKey;
  readonly after?: RowKey;
  readonly to?: RowKey;
}

export interface ScanOptions extends ReadOptions {
  /** At most 10,000 rows. */
  readonly limit: number;
  readonly reverse?: boolean;
}

export interface ScanPage {
  readonly rows: readonly Row[];
  /**
   * True where the range holds rows behind the last one returned; a page may end early by bytes (4 MiB), or before a row
   * that a commit over several ranges is about to write.
   */
  readonly more: boolean;
  readonly position: Position;
}

export type Check = RowAddress & ({ readonly revision: number } | { readonly absent: true });

export interface Put extends RowAddress {
  readonly value: Uint8Array;
}

/** Writes each row at most once: which of two writes should win is not for the Store to guess. */
export interface Commit {
  /** All must hold, or nothing happens. Judged against the state before the commit's own writes. */
  readonly checks?: readonly Check[];
  readonly puts?: readonly Put[];
  /** A row that is absent already is no error. */
  readonly deletes?: readonly RowAddress[];
  /** The rows that are put live as long as this lease. Without it a put row belongs to no lease. */
  readonly lease?: LeaseId;
  /** Applied at most once under this name, and answered again with the first result. */
  readonly request?: RequestName;
}

export interface RequestName {
  readonly session: LeaseId;
  /** From 1. Requests may come in any order; at most 1,000 behind the last acknowledged one may be open. */
  readonly sequence: number;
  /** Results up to this sequence are no longer needed: such a request is refused if it comes again. */
  readonly acknowledged?: number;
}

export type CommitResult = Committed | Conflict;

export interface Committed {
  readonly committed: true;
  readonly revision: number;
  readonly position: Position;
}

export interface Conflict {
  readonly committed: false;
  /** Positions in `checks` of those that did not hold. */
  readonly failedChecks: readonly number[];
  readonly position: Position;
}

export interface Change extends RowAddress {
  readonly suffix: Uint8Array;
  /** Undefined: the row was deleted. */
  readonly value: Uint8Array | undefined;
  readonly revision: number;
}

export interface WatchEvent {
  /** One commit's changes of the watched range, together; none in an event that only tells of progress. */
  readonly changes: readonly Change[];
  readonly position: Position;
}

export interface WatchOptions {
  /** Only what came after; from now on where left out. Rejects with HISTORY_LOST where that is no longer kept. */
  readonly since?: Position;
  /**
   * Also events without changes: at once one that tells where the watch begins, then others now and then while others'
   * commits go on, so that whoever resumes there finds it in the history though its own rows have long been quiet.
   */
  readonly progress?: boolean;
  readonly signal?: AbortSignal;
}

export interface Lease {
  readonly id: LeaseId;
  readonly ttlMillis: number;
}

export interface Store extends AsyncDisposable {
  get(address: RowAddress, options?: ReadOptions): Promise<Found>;
  /** In the order asked for; at most 1,000, which together hold at most 16 MiB. */
  getMany(addresses: readonly RowAddress[], options?: ReadOptions): Promise<readonly (Row | undefined)[]>;
  scan(table: Table, range: ScanRange, options: ScanOptions): Promise<ScanPage>;
  /**
   * Rejects with TOO_LARGE, REQUEST_INVALID, OVERLOADED, DEADLINE_PASSED, LEASE_UNKNOWN, SESSION_UNKNOWN or SESSION_WINDOW when nothing
   * happened, and with OUTCOME_UNKNOWN where the reply was lost or the signal was aborted on the way: repeat it under
   * the same request name, or read. The caller leaves keys and values as they are until it is answered.
   */
  commit(commit: Commit, options?: { readonly signal?: AbortSignal }): Promise<CommitResult>;
  /**
   * The least key of the range that holds this one, as far as this node knows: a commit within one range takes fewer
   * steps than one over several. Left out by an engine that has one range for all.
   */
  rangeStart?(key: Uint8Array): Uint8Array;
  /**
   * Begins with the call. The first read tells why a watch can not be; later ones reject with SLOW_WATCHER where the
   * reader falls behind the limit, with the signal's reason, or with STOPPED. One read at a time.
   */
  watch(table: Table, range: ScanRange, options?: WatchOptions): AsyncIterable<WatchEvent>;
  /** A lease is also a session: its id names the session of `request`. It never ends early by the server's clock. */
  grant(ttlMillis: number): Promise<Lease>;
  /** Gives it its full ttl again. Rejects with LEASE_UNKNOWN once it has ended. */
  keepAlive(id: LeaseId): Promise<void>;
  /** Deletes the rows of the lease: of many, in several commits, during which it takes no row any more. */
  revoke(id: LeaseId): Promise<void>;
}

export const STORE_LIMITS = {
  checksMax: 100,
  writesMax: 100,
  /** Of the encoded addresses of checks, puts and deletes, and of the values that are put. */
  commitBytesMax: 1_048_576,
  /** Of an encoded address: key and suffix, a zero byte of the key twice, and 3 bytes for table and end mark. */
  keyBytesMax: 1800,
  valueBytesMax: 262_144,
  scanRowsMax: 10_000,
  scanBytesMax: 4_194_304,
  getManyMax: 1000,
  getManyBytesMax: 16_777_216,
  sessionWindowMax: 1000,
  leaseTtlMillisMin: 1000,
  leaseTtlMillisMax: 86_400_000,
  /** Commits of history kept for `watch({ since })`, and that a slow watcher may lag behind. */
  watchHistoryEventsMax: 10_000,
} as const;
