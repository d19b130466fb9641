// A Store in memory for the tests of this folder: true check-and-commit, order, paging and watches; one range, no
// leases. Every call waits for `pause` first, so that a test can interleave callers, and watches can be held back or
// cut.

import { compareBytes, EMPTY } from "../../../std/bytes.ts";
import {
  type Change,
  type Check,
  type Commit,
  type CommitResult,
  type Found,
  type Lease,
  type Row,
  type RowAddress,
  type RowKey,
  type ScanOptions,
  type ScanPage,
  type ScanRange,
  STORE_LIMITS,
  type Store,
  storeFailure,
  type Table,
  type WatchEvent,
  type WatchOptions,
} from "../../../store/index.ts";

export class MemoryStore implements Store {
  /** Awaited before each call. */
  pause: () => Promise<void> = async () => {};
  /** Commits to come that fail without effect (refuse) or with it (lose). */
  refuseCommits = 0;
  loseReplies = 0;
  commits = 0;
  reads = 0;
  #rows: Row[] = [];
  #revision = 0;
  readonly #watchers: Set<Watcher> = new Set();
  #history: WatchEvent[] = [];
  #holding = false;

  async get(address: RowAddress): Promise<Found> {
    await this.pause();
    this.reads++;
    return { row: this.#find(address), position: String(this.#revision) };
  }

  async getMany(addresses: readonly RowAddress[]): Promise<readonly (Row | undefined)[]> {
    await this.pause();
    if (addresses.length > STORE_LIMITS.getManyMax) throw storeFailure("TOO_LARGE");
    this.reads++;
    return addresses.map((address) => this.#find(address));
  }

  async scan(table: Table, range: ScanRange, { limit, reverse = false }: ScanOptions): Promise<ScanPage> {
    await this.pause();
    if (limit < 1 || limit > STORE_LIMITS.scanRowsMax) throw storeFailure("TOO_LARGE");
    this.reads++;
    const all = this.#rows.filter((row) => row.table === table && isIn(range, row));
    if (reverse) all.reverse();
    return { rows: all.slice(0, limit), more: all.length > limit, position: String(this.#revision) };
  }

  async commit(commit: Commit): Promise<CommitResult> {
    await this.pause();
    const { checks = [], puts = [], deletes = [] } = commit;
    if (checks.length > STORE_LIMITS.checksMax || puts.length + deletes.length > STORE_LIMITS.writesMax) {
      throw storeFailure("TOO_LARGE");
    }
    if (this.refuseCommits > 0) {
      this.refuseCommits--;
      throw storeFailure("OVERLOADED");
    }
    const failedChecks = checks.flatMap((check, at) => (this.#holds(check) ? [] : [at]));
    if (failedChecks.length > 0) return { committed: false, failedChecks, position: String(this.#revision) };
    this.commits++;
    const revision = ++this.#revision;
    const changes: Change[] = [];
    for (const address of deletes) {
      if (this.#remove(address))
        changes.push({ ...address, suffix: address.suffix ?? EMPTY, value: undefined, revision });
    }
    for (const put of puts) {
      this.#remove(put);
      const row: Row = { ...put, suffix: put.suffix ?? EMPTY, value: put.value.slice(), revision };
      this.#rows.push(row);
      changes.push(row);
    }
    this.#rows.sort((left, right) => left.table - right.table || compareRows(left, right));
    this.#history.push({ changes, position: String(revision) });
    for (const watcher of this.#watchers) watcher.wake();
    if (this.loseReplies > 0) {
      this.loseReplies--;
      throw storeFailure("OUTCOME_UNKNOWN");
    }
    return { committed: true, revision, position: String(revision) };
  }

  watch(table: Table, _range: ScanRange, options: WatchOptions = {}): AsyncIterable<WatchEvent> {
    const from = options.since === undefined ? this.#revision : Number(options.since);
    const watcher = new Watcher(table, from, () => (this.#holding ? [] : this.#history));
    this.#watchers.add(watcher);
    options.signal?.addEventListener("abort", () => watcher.end(undefined));
    return watcher;
  }

  /** Watches see nothing until this is called with false. */
  holdWatches(hold: boolean): void {
    this.#holding = hold;
    for (const watcher of this.#watchers) watcher.wake();
  }

  /** Ends every watch with SLOW_WATCHER. */
  cutWatches(): void {
    for (const watcher of this.#watchers) watcher.end(storeFailure("SLOW_WATCHER"));
    this.#watchers.clear();
  }

  rowsOf(table: Table): readonly Row[] {
    return this.#rows.filter((row) => row.table === table);
  }

  grant(): Promise<Lease> {
    throw storeFailure("LEASE_UNKNOWN");
  }

  keepAlive(): Promise<void> {
    throw storeFailure("LEASE_UNKNOWN");
  }

  revoke(): Promise<void> {
    throw storeFailure("LEASE_UNKNOWN");
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #find(address: RowAddress): Row | undefined {
    return this.#rows.find((row) => row.table === address.table && compareRows(row, address) === 0);
  }

  #holds(check: Check): boolean {
    const row = this.#find(check);
    return "absent" in check ? row === undefined : row?.revision === check.revision;
  }

  #remove(address: RowAddress): boolean {
    const row = this.#find(address);
    if (row !== undefined) this.#rows = this.#rows.filter((each) => each !== row);
    return row !== undefined;
  }
}

function compareRows(left: RowKey, right: RowKey): number {
  return compareBytes(left.key, right.key) || compareBytes(left.suffix ?? EMPTY, right.suffix ?? EMPTY);
}

function isIn(range: ScanRange, row: Row): boolean {
  if (range.from !== undefined && compareRows(row, range.from) < 0) return false;
  if (range.after !== undefined && compareRows(row, range.after) <= 0) return false;
  return range.to === undefined || compareRows(row, range.to) < 0;
}

class Watcher implements AsyncIterable<WatchEvent> {
  readonly #table: Table;
  readonly #history: () => readonly WatchEvent[];
  #seen: number;
  #wake: () => void = () => {};
  #ended = false;
  #error: Error | undefined;

  constructor(table: Table, from: number, history: () => readonly WatchEvent[]) {
    this.#table = table;
    this.#seen = from;
    this.#history = history;
  }

  wake(): void {
    this.#wake();
  }

  end(error: Error | undefined): void {
    this.#ended = true;
    this.#error = error;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent, void, void> {
    for (;;) {
      for (const event of this.#history()) {
        if (Number(event.position) <= this.#seen) continue;
        this.#seen = Number(event.position);
        const changes = event.changes.filter((change) => change.table === this.#table);
        if (changes.length > 0) yield { ...event, changes };
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
