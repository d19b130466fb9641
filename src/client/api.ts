// What a program sees of a server or a cluster.

import type { SecretCredentials } from "../codec/sigv4/index.ts";
import type { CallOptions } from "./call-options.ts";
import type { Ids } from "./ids-api.ts";
import type { BytesLike, Change, KeyRange, Position, Row, RowName } from "./rows.ts";
import type { Fetch } from "./transport.ts";

/** A connection to a server or a cluster. */
export interface Ashlar extends AsyncDisposable {
  readonly ids: Ids;
  readonly kv: Kv;
  /** Calls that wait reject with CLOSED, watches end with it, and leases are lost: dispose of those before. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** Where left out: ASHLAR_ACCESS_KEY and ASHLAR_SECRET_KEY, else the root key in ./data; in a browser its cookie. */
  readonly credentials?: SecretCredentials;
  /** In place of the platform's, for a certificate's authority or a proxy of your own. */
  readonly fetch?: Fetch;
  /** After this time without an answer another server is asked; 5 seconds where left out. */
  readonly attemptMillisMax?: number;
  /** Requests under way at once, 64 where left out; up to 10,000 more wait. */
  readonly requestsMax?: number;
}

/** Rows under optimistic check-and-commit. */
export interface Kv {
  /** Undefined where there is no such row. */
  get(name: RowName, options?: ReadOptions): Promise<Row | undefined>;
  /** In the order asked for; at most 100, which together hold at most 4 MiB. */
  getMany(names: readonly RowName[], options?: ReadOptions): Promise<readonly (Row | undefined)[]>;
  /** Page by page, in byte order of key, then suffix. A page is read when it is asked for; they are no snapshot together. */
  scan(range?: KeyRange, options?: ScanOptions): AsyncGenerator<ScanPage, void, void>;
  /** A conflict is a result; everything else that keeps it from happening rejects. */
  commit(commit: Commit, options?: CommitOptions): Promise<CommitResult>;
  /** Writes a row whatever is there. */
  put(name: RowName, value: BytesLike, options?: WriteOptions): Promise<Committed>;
  /** Deletes a row; one that is absent is no error. */
  delete(name: RowName, options?: CommitOptions): Promise<Committed>;
  /** Writes a row only if it still has the revision that was read; undefined: if it is absent. */
  compareAndSet(
    name: RowName,
    revision: number | undefined,
    value: BytesLike,
    options?: WriteOptions,
  ): Promise<CommitResult>;
  /** Begins with this call. It goes on over lost connections and servers until it is ended or its signal is aborted. */
  watch(range?: KeyRange, options?: WatchOptions): Watch;
  /** From 1,000 to 86,400,000 milliseconds, which it is kept alive over until it is disposed or lost. */
  lease(ttlMillis: number, options?: CallOptions): Promise<Lease>;
}

export type ReadLevel = "linearizable" | "stale" | { readonly atLeast: Position };

export interface ReadOptions extends CallOptions {
  /** Linearizable where left out; `stale` reads what one server has. */
  readonly level?: ReadLevel | undefined;
}

export interface ScanOptions extends ReadOptions {
  /** 1,000 at most, and where left out. A page may end early by bytes. */
  readonly pageRows?: number | undefined;
  readonly reverse?: boolean | undefined;
}

export interface ScanPage {
  readonly rows: readonly Row[];
  /** Of this page: to watch from a scan on, take the first one's. */
  readonly position: Position;
}

/** `revision` undefined: the row must be absent. */
export type Check = RowCheck & { readonly revision: number | undefined };

interface RowCheck {
  readonly key: BytesLike;
  readonly suffix?: BytesLike;
}

export interface Put extends RowCheck {
  readonly value: BytesLike;
}

export interface Commit {
  /** All must hold, or nothing happens. */
  readonly checks?: readonly Check[];
  /** Each row is written once. */
  readonly puts?: readonly Put[];
  readonly deletes?: readonly RowName[];
  /** What is put lives as long as this lease. */
  readonly lease?: Lease | undefined;
}

export interface CommitOptions extends CallOptions {
  /**
   * True where left out: the commit has a name in a session, and is repeated under it, at any server, until its result is
   * here. With false it needs no session; if its reply is lost, it rejects with OUTCOME_UNKNOWN.
   */
  readonly exactlyOnce?: boolean | undefined;
}

export interface WriteOptions extends CommitOptions {
  readonly lease?: Lease | undefined;
}

export type CommitResult = Committed | Conflict;

export interface Committed {
  readonly committed: true;
  /** Of the rows that were put. */
  readonly revision: number;
  readonly position: Position;
}

export interface Conflict {
  readonly committed: false;
  /** Places in `checks` of those that did not hold. */
  readonly failedChecks: readonly number[];
  readonly position: Position;
}

export interface WatchOptions {
  /** Only what came behind it; from now on where left out. */
  readonly since?: Position | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WatchEvent {
  /** One commit's changes of the watched range, together. */
  readonly changes: readonly Change[];
  readonly position: Position;
}

/** One read at a time. It rejects with HISTORY_LOST or SLOW_WATCHER where it can not go on without missing something. */
export interface Watch extends AsyncIterableIterator<WatchEvent, undefined>, AsyncDisposable {
  /** Resolves once a server watches: what is committed from then on will be given out. */
  readonly opened: Promise<Position>;
  return(): Promise<IteratorResult<WatchEvent, undefined>>;
}

/** Keeps itself alive until it is disposed: then its rows are deleted. */
export interface Lease extends AsyncDisposable {
  /** What the server calls it; of use to this user only. */
  readonly id: string;
  readonly ttlMillis: number;
  /** Aborted with LEASE_LOST when the lease may have ended, or when it is given back. */
  readonly signal: AbortSignal;
  /** Whether the server can not have ended it yet, as far as clocks tell. */
  readonly isHeld: boolean;
}
