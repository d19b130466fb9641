// The Store holds small facts: an ordered map of rows under optimistic check-and-commit. Services use this interface and never know
// which engine is behind it; every engine passes store/conformance.ts.

/** A number from store/tables.ts: it is part of the disk format. */
export type Table = number;

/** Opaque: which commits of which ranges a reader has seen. Comparable only by the Store. */
export type Position = string;

/** Rows of one table sort by key, then suffix, both as unsigned bytes. Ranges are cut on the key alone: rows of one key stay together. */
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
  /** Of the commit that wrote the row. For one key it only grows, over deletions too: (key, revision) is a fencing token. */
  readonly revision: number;
  readonly lease?: LeaseId;
}

export type LeaseId = number;

export type ReadLevel = "linearizable" | "stale" | { readonly atLeast: Position };

export interface ReadOptions {
  /** Linearizable where left out. */
  readonly level?: ReadLevel;
  readonly signal?: AbortSignal;
}

export interface Found {
  readonly row: Row | undefined;
  readonly position: Position;
}

/** from <= row < to, row > after. A missing bound is open. */
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
  /** True where the range holds rows behind the last one returned; a page may end early by bytes (4 MiB). */
  readonly more: boolean;
  readonly position: Position;
}

export type Check = RowAddress & ({ readonly revision: number } | { readonly absent: true });

export interface Put extends RowAddress {
  readonly value: Uint8Array;
}

export interface Commit {
  /** All must hold, or nothing happens. */
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
  /** Grows by the session's count of requests; at most 1,000 may be unacknowledged. */
  readonly sequence: number;
  /** Results up to this sequence are no longer needed. */
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
  /** One commit's changes of the watched range, together. */
  readonly changes: readonly Change[];
  readonly position: Position;
}

export interface WatchOptions {
  /** Only what came after; from now on where left out. Rejects with HISTORY_LOST where that is no longer kept. */
  readonly since?: Position;
  readonly signal?: AbortSignal;
}

export interface Lease {
  readonly id: LeaseId;
  readonly ttlMillis: number;
}

export interface Store extends AsyncDisposable {
  get(address: RowAddress, options?: ReadOptions): Promise<Found>;
  /** In the order asked for; at most 1,000. */
  getMany(addresses: readonly RowAddress[], options?: ReadOptions): Promise<readonly (Row | undefined)[]>;
  scan(table: Table, range: ScanRange, options: ScanOptions): Promise<ScanPage>;
  /**
   * Rejects with TOO_LARGE, OVERLOADED, LEASE_UNKNOWN, SESSION_UNKNOWN or SESSION_WINDOW when nothing happened, and with
   * OUTCOME_UNKNOWN where the reply was lost: repeat it under the same request name, or read.
   */
  commit(commit: Commit, options?: { readonly signal?: AbortSignal }): Promise<CommitResult>;
  /** Ends with SLOW_WATCHER where its reader falls behind the limit. */
  watch(table: Table, range: ScanRange, options?: WatchOptions): AsyncIterable<WatchEvent>;
  /** A lease is also a session: its id names the session of `request`. It never ends early by the server's clock. */
  grant(ttlMillis: number): Promise<Lease>;
  keepAlive(id: LeaseId): Promise<void>;
  /** Deletes the rows of the lease. */
  revoke(id: LeaseId): Promise<void>;
}

export const STORE_LIMITS = {
  checksMax: 100,
  writesMax: 100,
  commitBytesMax: 1_048_576,
  /** Of table, key and suffix together in their encoded form, in which a zero byte of the key counts twice. */
  keyBytesMax: 1800,
  valueBytesMax: 262_144,
  scanRowsMax: 10_000,
  scanBytesMax: 4_194_304,
  getManyMax: 1000,
  getManyBytesMax: 16_777_216,
  sessionWindowMax: 1000,
  leaseTtlMillisMin: 1000,
  leaseTtlMillisMax: 86_400_000,
  /** Entries of history kept for `watch({ since })`, and that a slow watcher may lag behind. */
  watchHistoryEventsMax: 10_000,
} as const;
