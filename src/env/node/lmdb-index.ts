import { assert } from "../../std/assert.ts";
import { Copier } from "../../std/copier.ts";
import type { Index, IndexChanges, IndexRange, IndexRow, IndexSnapshot } from "../env.ts";
import { type EnvError, envFailure } from "../errors.ts";
import { checkIndexKey, checkIndexValue } from "../index-limits.ts";

const SNAPSHOTS_MAX = 100;
/** The smallest key that LMDB can hold. */
const FIRST_KEY = new Uint8Array(1);

const EIO = 5;
/** ENOSPC, and EDQUOT of Linux and of macOS. */
const DISK_FULL_CODES = new Set([28, 122, 69]);
/** MDB_PAGE_NOTFOUND, MDB_CORRUPTED, MDB_VERSION_MISMATCH, MDB_INVALID. */
const DAMAGE_CODES = new Set([-30797, -30796, -30794, -30793]);

/** The part of lmdb-js that is used. Its own caches are off; keys and values pass as bytes. */
export interface LmdbDatabase {
  getBinaryFast(key: Uint8Array): Uint8Array | undefined;
  putSync(key: Uint8Array, value: Uint8Array): boolean;
  removeSync(key: Uint8Array): boolean;
  transactionSync(run: () => void): void;
  getRange(options: LmdbRange): Iterable<IndexRow>;
  useReadTransaction(): LmdbTransaction;
  getStats(): { readonly entryCount: number };
  resetReadTxn(): void;
  close(): Promise<void>;
}

export interface LmdbTransaction {
  done(): void;
}

interface LmdbRange {
  readonly start: Uint8Array | undefined;
  readonly end: Uint8Array | undefined;
  readonly exclusiveStart: boolean;
  readonly inclusiveEnd: boolean;
  readonly reverse: boolean;
  readonly limit: number;
  readonly transaction?: LmdbTransaction;
}

/** What happens at the edges of an index's life; the owner of its files does it. */
export interface LmdbFiles {
  /** Called before each write: allocates ahead what it may need. */
  prepare(rows: number, bytes: number): void;
  sync(): Promise<void>;
  /** Whether the file system has no room left. */
  isDiskFull(): boolean;
  /** The data can no longer be trusted: the next open must say so, even if this process ends here. */
  distrust(): void;
  /** The database is closed; `isTrusted` if all was synced. */
  closed(isTrusted: boolean): Promise<void>;
}

/** How keys and values leave lmdb-js: both arrive in buffers that the next call overwrites. */
export function lmdbEncoding(): {
  keyEncoder: { writeKey(key: Uint8Array, target: Uint8Array, start: number): number; readKey: LmdbReadKey };
  encoder: { encode(value: Uint8Array): Uint8Array; decode(bytes: Uint8Array): Uint8Array };
} {
  const keys = new Copier();
  const values = new Copier();
  return {
    keyEncoder: {
      writeKey(key, target, start) {
        target.set(key, start);
        return start + key.length;
      },
      readKey: (bytes, start, end) => keys.copy(bytes, start, end - start),
    },
    encoder: { encode: (value) => value, decode: (bytes) => values.copy(bytes, 0, bytes.length) },
  };
}

type LmdbReadKey = (bytes: Uint8Array, start: number, end: number) => Uint8Array;

/**
 * An LMDB environment without any sync of its own: a write is one transaction into the page cache. `flush` syncs the
 * file, which makes restarts quick; it does not make a power cut safe, since LMDB may have overwritten pages of the
 * flushed state by then. So the files are trusted only under the rules of LmdbIndexes.
 */
export class LmdbIndex implements Index {
  readonly #database: LmdbDatabase;
  readonly #files: LmdbFiles;
  readonly #values = new Copier();
  readonly #snapshots = new Set<LmdbSnapshot>();
  #broken: EnvError | undefined;
  #closing: Promise<void> | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(database: LmdbDatabase, files: LmdbFiles) {
    this.#database = database;
    this.#files = files;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#checkUsable();
    checkIndexKey(key);
    const bytes = this.#attempt(() => this.#database.getBinaryFast(key));
    return bytes === undefined ? undefined : this.#values.copy(bytes, 0, bytes.length);
  }

  scan(range: IndexRange): IndexRow[] {
    this.#checkUsable();
    return this.#attempt(() => scanRows(this.#database, range));
  }

  write(changes: IndexChanges): void {
    this.#checkUsable();
    for (const key of changes.deletes) checkIndexKey(key);
    let bytes = 0;
    for (const { key, value } of changes.puts) {
      checkIndexKey(key);
      checkIndexValue(value);
      bytes += key.length + value.length;
    }
    this.#files.prepare(changes.deletes.length + changes.puts.length, bytes);
    const database = this.#database;
    try {
      database.transactionSync(() => {
        for (const key of changes.deletes) database.removeSync(key);
        for (const { key, value } of changes.puts) database.putSync(key, value);
      });
    } catch (error) {
      throw this.#writeFailed(error);
    }
  }

  snapshot(): IndexSnapshot {
    this.#checkUsable();
    assert(this.#snapshots.size < SNAPSHOTS_MAX, "an index has a limited number of open snapshots");
    const database = this.#database;
    const transaction = this.#attempt(() => database.useReadTransaction());
    // Of the same state: nothing is written between the two calls.
    const { entryCount } = this.#attempt(() => database.getStats());
    const snapshot = new LmdbSnapshot(database, transaction, entryCount, () => this.#snapshots.delete(snapshot));
    this.#snapshots.add(snapshot);
    return snapshot;
  }

  async flush(): Promise<void> {
    this.#checkUsable();
    await this.#sync();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const snapshot of [...this.#snapshots]) snapshot.close();
    let failure: unknown;
    try {
      if (this.#broken === undefined) await this.#sync();
    } catch (error) {
      failure = error;
    }
    await this.#database.close();
    await this.#files.closed(this.#broken === undefined);
    if (failure !== undefined) throw failure;
  }

  /** One sync at a time. A failed one can not be repeated: the kernel has dropped what it could not write. */
  #sync(): Promise<void> {
    const before = this.#flushing;
    this.#flushing = (async () => {
      await before.catch(() => {});
      try {
        await this.#files.sync();
      } catch (error) {
        throw this.#break(envFailure("DISK_FAILED", { what: "The index could not be flushed.", cause: error }));
      }
    })();
    return this.#flushing;
  }

  #checkUsable(): void {
    assert(this.#closing === undefined, "a closed index is not used");
    if (this.#broken !== undefined) throw this.#broken;
  }

  #attempt<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw this.#break(lmdbFailure(error));
    }
  }

  #break(failure: EnvError): EnvError {
    this.#broken ??= failure;
    this.#files.distrust();
    return failure;
  }

  /**
   * The transaction was dropped as a whole. After a full disk the index goes on, unless the failure hit LMDB's meta
   * page: then LMDB refuses reads too, and another write would end the process.
   */
  #writeFailed(error: unknown): EnvError {
    let failure = lmdbFailure(error);
    // A write that the kernel cut short for want of space is an input/output error to LMDB.
    const { code } = failure.data;
    if (code === EIO && this.#files.isDiskFull()) failure = envFailure("DISK_FULL", { cause: error });
    if (failure.code !== "DISK_FULL") return this.#break(failure);
    try {
      this.#database.resetReadTxn();
      this.#database.getBinaryFast(FIRST_KEY);
      return failure;
    } catch {
      return this.#break(failure);
    }
  }
}

class LmdbSnapshot implements IndexSnapshot {
  readonly #database: LmdbDatabase;
  readonly #closed: () => void;
  readonly rowCount: number;
  #transaction: LmdbTransaction | undefined;

  constructor(database: LmdbDatabase, transaction: LmdbTransaction, rowCount: number, closed: () => void) {
    this.#database = database;
    this.rowCount = rowCount;
    this.#transaction = transaction;
    this.#closed = closed;
  }

  scan(range: IndexRange): IndexRow[] {
    assert(this.#transaction !== undefined, "a closed snapshot is not used");
    try {
      return scanRows(this.#database, range, this.#transaction);
    } catch (error) {
      throw lmdbFailure(error);
    }
  }

  close(): void {
    this.#transaction?.done();
    this.#transaction = undefined;
    this.#closed();
  }
}

export function lmdbFailure(error: unknown): EnvError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const details = { data: { code }, cause: error };
  if (typeof code === "number" && DISK_FULL_CODES.has(code)) return envFailure("DISK_FULL", details);
  if (typeof code === "number" && DAMAGE_CODES.has(code)) return envFailure("INDEX_DAMAGED", details);
  return envFailure("DISK_FAILED", { what: `The index failed: ${error}.`, ...details });
}

/** LMDB walks from `start` to `end`, so that both are the other way round in a reverse scan. */
function scanRows(database: LmdbDatabase, range: IndexRange, transaction?: LmdbTransaction): IndexRow[] {
  const { to, limit, reverse = false } = range;
  const from = range.from === undefined || range.from.length === 0 ? FIRST_KEY : range.from;
  if (limit <= 0) return [];
  if (to !== undefined && (to.length === 0 || Buffer.compare(from, to) >= 0)) return [];
  const rows: IndexRow[] = [];
  const found = database.getRange({
    start: reverse ? to : from,
    end: reverse ? from : to,
    exclusiveStart: reverse && to !== undefined,
    inclusiveEnd: reverse,
    reverse,
    limit,
    ...(transaction === undefined ? {} : { transaction }),
  });
  for (const row of found) rows.push(row);
  return rows;
}
