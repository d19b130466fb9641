import type { Timers } from "../env/index.ts";
import { compareBytes, EMPTY } from "../std/bytes.ts";
import type { Prng } from "../std/prng.ts";
import {
  type Change,
  type Check,
  type Commit,
  type CommitResult,
  type Found,
  type Lease,
  type LeaseId,
  type Position,
  type ReadOptions,
  type Row,
  type RowAddress,
  type RowKey,
  type ScanOptions,
  type ScanPage,
  type ScanRange,
  STORE_LIMITS,
  type Store,
  storeFailure,
  type WatchEvent,
  type WatchOptions,
} from "../store/index.ts";

/** Rows that outlive the processes that use them. One counter gives all revisions. */
export class MemoryRows {
  readonly #rows: Row[] = [];
  readonly #history: WatchEvent[] = [];
  #revision = 0;
  #leases = 0;
  #onCommit: (() => void)[] = [];

  get revision(): number {
    return this.#revision;
  }

  get position(): Position {
    return String(this.#revision);
  }

  /** All rows of a table, in order. */
  rowsOf(table: number): Row[] {
    return this.#rows.filter((row) => row.table === table);
  }

  get(address: RowAddress): Row | undefined {
    const at = this.#firstFrom(address);
    const row = this.#rows[at];
    return row !== undefined && compareAddresses(row, address) === 0 ? row : undefined;
  }

  scan(table: number, range: ScanRange, { limit, reverse }: ScanOptions): ScanPage {
    const inside = this.#rows.filter((row) => row.table === table && isInside(row, range));
    if (reverse) inside.reverse();
    const rows = inside.slice(0, limit);
    return { rows, more: inside.length > rows.length, position: this.position };
  }

  commit(commit: Commit): CommitResult {
    checkCommit(commit);
    const { checks = [], puts = [], deletes = [], lease } = commit;
    const failedChecks = checks.flatMap((check, at) => (this.#holds(check) ? [] : [at]));
    if (failedChecks.length > 0) return { committed: false, failedChecks, position: this.position };
    const revision = ++this.#revision;
    const changes: Change[] = [];
    for (const address of deletes) {
      if (this.#remove(address))
        changes.push({ ...address, suffix: address.suffix ?? EMPTY, value: undefined, revision });
    }
    for (const { table, key, suffix = EMPTY, value } of puts) {
      const row = { table, key: key.slice(), suffix: suffix.slice(), value: value.slice(), revision };
      this.#remove(row);
      this.#rows.splice(this.#firstFrom(row), 0, lease === undefined ? row : { ...row, lease });
      changes.push(row);
    }
    this.#history.push({ changes, position: this.position });
    for (const wake of this.#onCommit.splice(0)) wake();
    return { committed: true, revision, position: this.position };
  }

  grant(): LeaseId {
    return ++this.#leases;
  }

  revoke(id: LeaseId): void {
    const deletes = this.#rows.filter((row) => row.lease === id);
    if (deletes.length > 0) this.commit({ deletes });
  }

  /** Commits after the position, oldest first: each has taken the next revision. */
  since(position: Position): readonly WatchEvent[] {
    return this.#history.slice(Number(position));
  }

  nextCommit(): Promise<void> {
    return new Promise((resolve) => this.#onCommit.push(resolve));
  }

  #holds(check: Check): boolean {
    const row = this.get(check);
    return "absent" in check ? row === undefined : row?.revision === check.revision;
  }

  #remove(address: RowAddress): boolean {
    const at = this.#firstFrom(address);
    const row = this.#rows[at];
    if (row === undefined || compareAddresses(row, address) !== 0) return false;
    this.#rows.splice(at, 1);
    return true;
  }

  #firstFrom(address: RowAddress): number {
    let low = 0;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareAddresses(this.#rows[middle]!, address) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export interface StoreFaults {
  /** A dead process hears nothing of what it asked. */
  readonly timers: Timers;
  readonly prng: Prng;
  readonly delayMillis: readonly [number, number];
  /** That a commit's reply is lost, whether it was applied or not. */
  readonly unknownChance: number;
  /** Whether the Store can not be reached now. */
  readonly isCut?: () => boolean;
}

/** A Store in memory with the semantics of commit, check and watch; leases end only when they are revoked. */
export class MemoryStore implements Store {
  readonly rows: MemoryRows;
  readonly #faults: StoreFaults | undefined;

  constructor(rows: MemoryRows = new MemoryRows(), faults?: StoreFaults) {
    this.rows = rows;
    this.#faults = faults;
  }

  async get(address: RowAddress, _options?: ReadOptions): Promise<Found> {
    return this.#soon(() => ({ row: this.rows.get(address), position: this.rows.position }));
  }

  async getMany(addresses: readonly RowAddress[], _options?: ReadOptions): Promise<readonly (Row | undefined)[]> {
    if (addresses.length > STORE_LIMITS.getManyMax) throw storeFailure("TOO_LARGE");
    return this.#soon(() => addresses.map((address) => this.rows.get(address)));
  }

  async scan(table: number, range: ScanRange, options: ScanOptions): Promise<ScanPage> {
    if (options.limit > STORE_LIMITS.scanRowsMax) throw storeFailure("TOO_LARGE");
    return this.#soon(() => this.rows.scan(table, range, options));
  }

  async commit(commit: Commit): Promise<CommitResult> {
    const faults = this.#faults;
    if (faults?.prng.chance(faults.unknownChance)) {
      const applied = faults.prng.chance(0.5);
      return this.#soon(() => {
        if (applied) this.rows.commit(commit);
        throw storeFailure("OUTCOME_UNKNOWN");
      });
    }
    return this.#soon(() => this.rows.commit(commit));
  }

  async *watch(table: number, range: ScanRange, options: WatchOptions = {}): AsyncGenerator<WatchEvent, void, void> {
    let position = options.since ?? this.rows.position;
    const aborted = new Promise<void>((resolve) => {
      options.signal?.addEventListener("abort", () => resolve(), { once: true });
    });
    if (options.progress) yield { changes: [], position };
    while (!options.signal?.aborted) {
      const next = this.rows.nextCommit();
      await this.#reachable();
      for (const event of this.rows.since(position)) {
        position = event.position;
        const changes = event.changes.filter((change) => change.table === table && isInside(change, range));
        if (changes.length > 0) yield { changes, position };
      }
      await Promise.race([next, aborted]);
    }
  }

  async grant(ttlMillis: number): Promise<Lease> {
    return this.#soon(() => ({ id: this.rows.grant(), ttlMillis }));
  }

  async keepAlive(_id: LeaseId): Promise<void> {}

  async revoke(id: LeaseId): Promise<void> {
    return this.#soon(() => this.rows.revoke(id));
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Of a watcher: its news come late, and none to a process that is dead. */
  async #reachable(): Promise<void> {
    if (this.#faults === undefined) return;
    do await this.#soon(() => {}, true);
    while (this.#faults.isCut?.());
  }

  /** The request takes effect in the middle of its way: replies may be lost that way, and orders change. */
  #soon<T>(run: () => T, isWatch = false): Promise<T> {
    if (this.#faults === undefined) return Promise.try(run);
    const { timers, prng, delayMillis, isCut = () => false } = this.#faults;
    const delay = (): number => (delayMillis[0] + prng.unit() * (delayMillis[1] - delayMillis[0])) / 2;
    return new Promise((resolve, reject) => {
      timers.after(delay(), () => {
        const isLost = !isWatch && isCut();
        const outcome = isLost ? Promise.reject(storeFailure("NO_LEADER")) : Promise.try(run);
        outcome.catch(() => {});
        timers.after(delay(), () => {
          if (!isLost && !isWatch && isCut()) reject(storeFailure("OUTCOME_UNKNOWN"));
          else outcome.then(resolve, reject);
        });
      });
    });
  }
}

function compareAddresses(left: RowAddress, right: RowAddress): number {
  return left.table - right.table || compareRowKeys(left, right);
}

function compareRowKeys(left: RowKey, right: RowKey): number {
  return compareBytes(left.key, right.key) || compareBytes(left.suffix ?? EMPTY, right.suffix ?? EMPTY);
}

function isInside(row: RowKey, { from, after, to }: ScanRange): boolean {
  if (from !== undefined && compareRowKeys(row, from) < 0) return false;
  if (after !== undefined && compareRowKeys(row, after) <= 0) return false;
  return to === undefined || compareRowKeys(row, to) < 0;
}

function checkCommit({ checks = [], puts = [], deletes = [] }: Commit): void {
  if (checks.length > STORE_LIMITS.checksMax) throw storeFailure("TOO_LARGE");
  if (puts.length + deletes.length > STORE_LIMITS.writesMax) throw storeFailure("TOO_LARGE");
  if (puts.some(({ value }) => value.length > STORE_LIMITS.valueBytesMax)) throw storeFailure("TOO_LARGE");
  const written = [...puts, ...deletes].sort(compareAddresses);
  for (let at = 1; at < written.length; at++) {
    if (compareAddresses(written[at - 1]!, written[at]!) === 0) throw storeFailure("REQUEST_INVALID");
  }
}
