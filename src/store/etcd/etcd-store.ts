// The Store in an etcd that a user already runs. etcd's revision is the Store's: one counter for all its keys, one step a
// transaction, so a key's revisions grow over deletions too. A commit is one transaction, a lease is a lease of etcd,
// and a linearizable read is one of etcd's.
//
// Strictly serializable, because each commit's checks and writes are one entry of etcd's log, and each read of a page is
// of one revision that is at least as new as all that was answered before.

import type { EtcdClient, KeyValue, RangeResponse, TxnRequest, TxnResponse } from "../../drivers/etcd/index.ts";
import { EMPTY } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { orAborted, unlessAborted } from "../aborts.ts";
import { type PreparedCommit, prepareCommit } from "../commit-rules.ts";
import { BatchedGets, type FoundRows } from "../engine/batched-gets.ts";
import type { EngineStore, Guard } from "../engine/engine-store.ts";
import { asStoreFailure } from "../engine/failures.ts";
import type { FollowedHistory } from "../engine/followed-history.ts";
import { readInChunks } from "../engine/get-many.ts";
import { InFlight } from "../engine/in-flight.ts";
import type { EngineOptions } from "../engine/options.ts";
import { storeFailure } from "../errors.ts";
import { encodeAddress } from "../key-codec.ts";
import { checkRowsAsked, checkScanLimit } from "../read-rules.ts";
import type { StoreCounters } from "../replicated/counters.ts";
import type { Positions } from "../replicated/position.ts";
import { Slots } from "../replicated/slots.ts";
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
import type { EtcdKeys } from "./keys.ts";
import type { EtcdLeases } from "./leases.ts";
import { rowOf, scanEtcd } from "./scan.ts";
import { commitTxn, conflictTxn, hasChanged, type Judged, judge } from "./transaction.ts";

export interface EtcdStoreParts {
  readonly client: EtcdClient;
  readonly keys: EtcdKeys;
  readonly positions: Positions;
  readonly history: FollowedHistory;
  readonly leases: EtcdLeases;
  readonly counters: StoreCounters;
  readonly options: EngineOptions;
}

export class EtcdStore implements EngineStore {
  readonly counters: StoreCounters;
  readonly #parts: EtcdStoreParts;
  readonly #commits: InFlight;
  readonly #scans: Slots;
  readonly #gets: { readonly newest: BatchedGets<KeyValue>; readonly near: BatchedGets<KeyValue> };
  #guard: Guard | undefined;
  #closing: Promise<void> | undefined;

  constructor(parts: EtcdStoreParts) {
    const { commitsRunningMax, commitsWaitingMax, scansRunningMax, scansWaitingMax } = parts.options;
    this.#parts = parts;
    this.counters = parts.counters;
    this.#gets = { newest: batchedGets(parts.client, false), near: batchedGets(parts.client, true) };
    this.#commits = new InFlight({ runningMax: commitsRunningMax, waitingMax: commitsWaitingMax });
    this.#scans = new Slots({ runningMax: scansRunningMax, waitingMax: scansWaitingMax });
  }

  async get(address: RowAddress, options: ReadOptions = {}): Promise<Found> {
    const { keys, positions } = this.#parts;
    const key = keys.of(encodeAddress(address));
    const { found, revision } = await this.#get([key], options);
    const { table, key: name, suffix = EMPTY } = address;
    const row = found[0] && rowOf({ table, key: name, suffix }, found[0]);
    return { row, position: positions.encode(revision) };
  }

  async getMany(addresses: readonly RowAddress[], options: ReadOptions = {}): Promise<readonly (Row | undefined)[]> {
    checkRowsAsked(addresses.length);
    this.#checkOpen(options.signal);
    const asked = addresses.map((address) => this.#parts.keys.of(encodeAddress(address)));
    return readInChunks(asked, async (next, from) => {
      const { found } = await this.#get(next, options);
      return found.map((row, at) => {
        const { table, key, suffix = EMPTY } = addresses[from + at]!;
        return row && rowOf({ table, key, suffix }, row);
      });
    });
  }

  async scan(table: Table, range: ScanRange, options: ScanOptions): Promise<ScanPage> {
    checkScanLimit(options);
    this.#checkOpen(options.signal);
    await this.#scans.enter();
    try {
      const { client, keys, positions } = this.#parts;
      const first = async (read: (serializable: boolean) => Promise<RangeResponse>): Promise<RangeResponse> => {
        const ask = async (serializable: boolean) => {
          const answer = await read(serializable);
          return { answer, revision: answer.header.revision };
        };
        return (await this.#read(options, ask)).answer;
      };
      const { rows, more, revision } = await scanEtcd({ client, keys, first }, table, range, options);
      this.counters.rowsScanned += rows.length;
      return { rows, more, position: positions.encode(revision) };
    } finally {
      this.#scans.leave();
    }
  }

  async commit(commit: Commit, { signal }: { readonly signal?: AbortSignal } = {}): Promise<CommitResult> {
    this.#checkOpen(signal);
    const prepared = prepareCommit(commit);
    const outcome = await orAborted(
      this.#inFlight(() => this.#decide(prepared)),
      signal,
    );
    if (outcome.kind === "refused") throw storeFailure(outcome.code);
    const position = this.#parts.positions.encode(outcome.revision);
    if (outcome.kind === "conflict") {
      this.counters.conflicts++;
      return { committed: false, failedChecks: outcome.failedChecks, position };
    }
    this.counters.commits++;
    return { committed: true, revision: outcome.revision, position };
  }

  watch(table: Table, range: ScanRange, options: WatchOptions = {}): AsyncIterable<WatchEvent> {
    const { client, keys, history } = this.#parts;
    const newest = async (): Promise<number> => {
      this.#checkOpen();
      return (await asStoreFailure(client.range({ key: keys.format, keysOnly: true }))).header.revision;
    };
    return history.watch(table, range, options, newest);
  }

  guard(row: RowAddress, revision: number): void {
    this.#guard = { key: encodeAddress(row), revision };
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
    const revision = await this.#inFlight(() => this.#parts.leases.revoke(id));
    this.#parts.history.acknowledge(revision);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** New calls are refused from here on; commits that are on their way are answered. */
  async #close(): Promise<void> {
    const { history, client } = this.#parts;
    history.close();
    await this.#commits.idle();
    await client[Symbol.asyncDispose]();
  }

  #checkOpen(signal?: AbortSignal): void {
    if (this.#closing) throw storeFailure("STOPPED");
    signal?.throwIfAborted();
  }

  #inFlight<T>(work: () => Promise<T>): Promise<T> {
    return this.#commits
      .run(() => asStoreFailure(work()))
      .catch((error) => {
        if (hasCode(error, "OVERLOADED")) this.counters.overloads++;
        throw error;
      });
  }

  async #decide(commit: PreparedCommit): Promise<Judged> {
    const { keys } = this.#parts;
    const guard = this.#guard;
    const outcome = await this.#try(commitTxn(keys, commit, guard), commit, guard);
    const { request } = commit;
    if (outcome.kind !== "conflict" || request === undefined) return outcome;
    // The same request may have been answered otherwise meanwhile: then that is its answer.
    const record = { ...commit, lease: 0, checks: [], puts: [], deletes: [] };
    const recorded = await this.#try(conflictTxn(keys, request, outcome), record);
    return recorded.kind === "committed" ? { ...outcome, revision: recorded.revision } : recorded;
  }

  async #try(txn: TxnRequest, commit: PreparedCommit, guard?: Guard): Promise<Judged> {
    const { client, history } = this.#parts;
    const response: TxnResponse = await client.txn(txn);
    if (!response.succeeded) return judge(commit, response, guard);
    const { revision } = response.header;
    if (hasChanged(response, commit)) history.acknowledge(revision);
    return { kind: "committed", revision };
  }

  #get(keys: readonly Uint8Array[], options: ReadOptions): Promise<FoundRows<KeyValue>> {
    return this.#read(options, (serializable) => this.#gets[serializable ? "near" : "newest"].get(keys));
  }

  /** Throws POSITION_INVALID where even a linearizable read does not reach the position. */
  async #read<Answer extends { readonly revision: number }>(
    { level = "linearizable", signal }: ReadOptions,
    read: (serializable: boolean) => Promise<Answer>,
  ): Promise<Answer> {
    this.#checkOpen(signal);
    this.counters.reads++;
    const ask = (serializable: boolean): Promise<Answer> => unlessAborted(asStoreFailure(read(serializable)), signal);
    if (typeof level === "string") return ask(level === "stale");
    const wanted = this.#parts.positions.decode(level.atLeast);
    const near = await ask(true);
    if (near.revision >= wanted) return near;
    const newest = await ask(false);
    if (newest.revision >= wanted) return newest;
    throw storeFailure("POSITION_INVALID", { data: { position: level.atLeast.slice(0, 64) } });
  }
}

const GET_REQUESTS_MAX = 4;
/** Fewer than the operations that etcd takes in one transaction. */
const GET_KEYS_MAX = 100;

function batchedGets(client: EtcdClient, serializable: boolean): BatchedGets<KeyValue> {
  return new BatchedGets({
    requestsMax: GET_REQUESTS_MAX,
    keysMax: GET_KEYS_MAX,
    async read(keys) {
      const success = keys.map((key) => ({ range: { key, serializable } }));
      const { header, responses } = await client.readTxn({ compare: [], success, failure: [] });
      return { found: responses.map(({ range }) => range?.kvs[0]), revision: header.revision };
    },
  });
}
