// The Store in a PostgreSQL that a user already runs. The rules are the replicated machine's, and its rows stand in a table
// instead of an Index; why that is serializable stands in writer.ts.

import type { PostgresClient } from "../../drivers/postgres/index.ts";
import { AssertionError } from "../../std/assert.ts";
import { EMPTY } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { orAborted, unlessAborted } from "../aborts.ts";
import { prepareCommit } from "../commit-rules.ts";
import type { EngineStore } from "../engine/engine-store.ts";
import { asStoreFailure } from "../engine/failures.ts";
import type { FollowedHistory } from "../engine/followed-history.ts";
import { readInChunks } from "../engine/get-many.ts";
import { InFlight } from "../engine/in-flight.ts";
import type { EngineOptions } from "../engine/options.ts";
import { storeFailure } from "../errors.ts";
import { decodeAddress, encodeAddress, encodeRange } from "../key-codec.ts";
import { checkRowsAsked, checkScanLimit } from "../read-rules.ts";
import type { StoreCounters } from "../replicated/counters.ts";
import type { Positions } from "../replicated/position.ts";
import { Slots } from "../replicated/slots.ts";
import { asRow, decodeRow } from "../row-codec.ts";
import type {
  Commit,
  CommitResult,
  Found,
  Lease,
  LeaseId,
  ReadOptions,
  Row,
  RowAddress,
  ScanOptions,
  ScanPage,
  ScanRange,
  Table,
  WatchEvent,
  WatchOptions,
} from "../store.ts";
import type { HistoryFollower } from "./follower.ts";
import type { PostgresLeases } from "./leases.ts";
import type { PostgresReader } from "./reader.ts";
import type { PostgresWriter } from "./writer.ts";

export interface PostgresStoreParts {
  readonly client: PostgresClient;
  readonly reader: PostgresReader;
  readonly writer: PostgresWriter;
  readonly leases: PostgresLeases;
  readonly history: FollowedHistory;
  readonly follower: HistoryFollower;
  readonly positions: Positions;
  readonly counters: StoreCounters;
  readonly options: EngineOptions;
}

export class PostgresStore implements EngineStore {
  readonly counters: StoreCounters;
  readonly #parts: PostgresStoreParts;
  readonly #writes: InFlight;
  readonly #scans: Slots;
  #closing: Promise<void> | undefined;

  constructor(parts: PostgresStoreParts) {
    const { commitsRunningMax, commitsWaitingMax, scansRunningMax, scansWaitingMax } = parts.options;
    this.#parts = parts;
    this.counters = parts.counters;
    this.#writes = new InFlight({ runningMax: commitsRunningMax, waitingMax: commitsWaitingMax });
    this.#scans = new Slots({ runningMax: scansRunningMax, waitingMax: scansWaitingMax });
  }

  async get(address: RowAddress, options: ReadOptions = {}): Promise<Found> {
    const key = encodeAddress(address);
    const { found, revision } = await this.#read(options, () => this.#parts.reader.get([key]));
    const row = found[0] && rowOf(address, key, found[0]);
    return { row, position: this.#parts.positions.encode(revision) };
  }

  async getMany(addresses: readonly RowAddress[], options: ReadOptions = {}): Promise<readonly (Row | undefined)[]> {
    checkRowsAsked(addresses.length);
    this.#checkOpen(options.signal);
    const keys = addresses.map(encodeAddress);
    return readInChunks(keys, async (asked, from) => {
      const { found } = await this.#read(options, () => this.#parts.reader.get(asked));
      return found.map((value, at) => value && rowOf(addresses[from + at]!, asked[at]!, value));
    });
  }

  async scan(table: Table, range: ScanRange, options: ScanOptions): Promise<ScanPage> {
    checkScanLimit(options);
    this.#checkOpen(options.signal);
    const bounds = encodeRange(table, range);
    await this.#scans.enter();
    try {
      const { limit, reverse = false } = options;
      const page = await this.#read(options, () => this.#parts.reader.page(bounds, limit, reverse));
      const rows = page.rows.map(({ key, value }) => {
        const encoded = new Uint8Array(key);
        return rowOf(decodeAddress(encoded), encoded, value);
      });
      this.counters.rowsScanned += rows.length;
      return { rows, more: page.more, position: this.#parts.positions.encode(page.revision) };
    } finally {
      this.#scans.leave();
    }
  }

  async commit(commit: Commit, { signal }: { readonly signal?: AbortSignal } = {}): Promise<CommitResult> {
    this.#checkOpen(signal);
    const { writer, positions } = this.#parts;
    const prepared = prepareCommit(commit);
    const result = await orAborted(
      this.#inFlight(() => writer.submit({ kind: "commit", ...prepared })),
      signal,
    );
    switch (result.kind) {
      case "committed":
        this.counters.commits++;
        return { committed: true, revision: result.revision, position: positions.encode(result.revision) };
      case "conflict":
        this.counters.conflicts++;
        return {
          committed: false,
          failedChecks: result.failedChecks,
          position: positions.encode(result.revision),
        };
      case "refused":
        throw storeFailure(result.code);
      case "stopped":
        throw storeFailure("STOPPED", { what: "Another process holds this Store now." });
      default:
        throw new AssertionError("a commit is answered with a commit's result");
    }
  }

  watch(table: Table, range: ScanRange, options: WatchOptions = {}): AsyncIterable<WatchEvent> {
    const newest = async (): Promise<number> => (await this.#read({}, () => this.#parts.reader.get([]))).revision;
    return this.#parts.history.watch(table, range, options, newest);
  }

  guard(row: RowAddress, revision: number): void {
    this.#parts.writer.guard({ key: encodeAddress(row), revision });
  }

  async grant(ttlMillis: number): Promise<Lease> {
    this.#checkOpen();
    return this.#inFlight(() => this.#parts.leases.grant(ttlMillis));
  }

  async keepAlive(id: LeaseId): Promise<void> {
    this.#checkOpen();
    await this.#inFlight(() => this.#parts.leases.keepAlive(id));
  }

  async revoke(id: LeaseId): Promise<void> {
    this.#checkOpen();
    await this.#inFlight(() => this.#parts.leases.revoke(id));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** New calls are refused from here on; what is on its way is answered. */
  async #close(): Promise<void> {
    const { history, follower, leases, client } = this.#parts;
    history.close();
    await this.#writes.idle();
    await leases.close();
    await follower.close();
    await client[Symbol.asyncDispose]();
  }

  #checkOpen(signal?: AbortSignal): void {
    if (this.#closing) throw storeFailure("STOPPED");
    signal?.throwIfAborted();
  }

  #inFlight<T>(work: () => Promise<T>): Promise<T> {
    return this.#writes
      .run(() => asStoreFailure(work()))
      .catch((error) => {
        if (hasCode(error, "OVERLOADED")) this.counters.overloads++;
        throw error;
      });
  }

  /** There is one primary, so that all levels read the same. Throws POSITION_INVALID for a position ahead of it. */
  async #read<Answer extends { readonly revision: number }>(
    { level = "linearizable", signal }: ReadOptions,
    read: () => Promise<Answer>,
  ): Promise<Answer> {
    this.#checkOpen(signal);
    const wanted = typeof level === "string" ? 0 : this.#parts.positions.decode(level.atLeast);
    this.counters.reads++;
    const answer = await unlessAborted(asStoreFailure(read()), signal);
    if (answer.revision >= wanted) return answer;
    throw storeFailure("POSITION_INVALID", { data: { revision: answer.revision } });
  }
}

/** The stored bytes are a part of a whole answer: what callers get is a copy, which they may keep. */
function rowOf({ table, key, suffix = EMPTY }: RowAddress, encoded: Uint8Array, stored: Uint8Array): Row {
  const row = decodeRow(encoded, stored);
  return asRow({ table, key, suffix }, { ...row, value: new Uint8Array(row.value) });
}
