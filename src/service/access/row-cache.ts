// Rows of one table, decoded and kept in memory, for callers that can not wait for the Store on every request.
//
// A cached row is right or a little old, never wrong for long:
//   - a watch lets go of a row when it changes. Changes of this node let go of it before they are acknowledged;
//   - a read that was under way while its row changed is handed out but not kept: it may have seen the old row;
//   - without a watch nothing is kept, and when a watch ends everything is let go of;
//   - a row is read again after `cachedMillisMax` in any case, so that a watch that stalls delays a revocation by
//     that at most; one that does not exist after `ABSENT_MILLIS_MAX`, because somebody who has just made it on
//     another node may be waiting for it.

import type { Clock, Timers } from "../../env/index.ts";
import { text, utf8 } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import type { Row, Store, Table } from "../../store/index.ts";
import { BoundedMap } from "./bounded-map.ts";
import { accessFailure } from "./errors.ts";
import { ACCESS_LIMITS } from "./limits.ts";

export interface CachedRow<Value> {
  /** Undefined: there is no such row. */
  readonly value: Value | undefined;
  readonly revision: number;
  readonly loadedMillis: number;
}

export interface RowCacheOptions<Value> {
  readonly store: Store;
  readonly clock: Clock;
  readonly table: Table;
  readonly entriesMax: number;
  /** The key is text; rows with a suffix are none of this cache's. */
  decode(row: Row, key: string): Value;
}

const ABSENT_MILLIS_MAX = 1000;

export class RowCache<Value> {
  readonly #options: RowCacheOptions<Value>;
  readonly #present: BoundedMap<CachedRow<Value>>;
  readonly #absent: BoundedMap<CachedRow<Value>>;
  readonly #loads: Set<Load> = new Set();
  #watched = false;

  constructor(options: RowCacheOptions<Value>) {
    this.#options = options;
    this.#present = new BoundedMap(options.entriesMax);
    this.#absent = new BoundedMap(ACCESS_LIMITS.cachedAbsentMax);
  }

  /** The row as it is known here; undefined where it has to be loaded. */
  peek(key: string): CachedRow<Value> | undefined {
    const row = this.#present.get(key) ?? this.#absent.get(key);
    if (row === undefined) return undefined;
    const ageMax = row.value === undefined ? ABSENT_MILLIS_MAX : ACCESS_LIMITS.cachedMillisMax;
    if (this.#options.clock.monotonic() - row.loadedMillis <= ageMax) return row;
    this.#drop(key);
    return undefined;
  }

  /** Reads the row now. Rejects with BUSY where too many are being read. */
  async load(key: string): Promise<CachedRow<Value>> {
    if (this.#loads.size >= ACCESS_LIMITS.loadsMax) throw accessFailure("BUSY");
    const { store, clock, table, decode } = this.#options;
    const load: Load = { key, changed: false };
    this.#loads.add(load);
    try {
      const loadedMillis = clock.monotonic();
      const { row } = await store.get({ table, key: utf8(key) });
      const value = row === undefined ? undefined : decode(row, key);
      const cached = { value, revision: row?.revision ?? 0, loadedMillis };
      if (this.#watched && !load.changed) (value === undefined ? this.#absent : this.#present).set(key, cached);
      return cached;
    } finally {
      this.#loads.delete(load);
    }
  }

  /** The row has changed: what is known of it, or is being read now, is old. */
  invalidate(key: string): void {
    this.#drop(key);
    for (const load of this.#loads) if (load.key === key) load.changed = true;
  }

  /** Follows the table's changes until the signal aborts, over any failure of the watch. */
  async watch(timers: Timers, signal: AbortSignal): Promise<void> {
    const { store, table } = this.#options;
    while (!signal.aborted) {
      try {
        // What changes behind this position is reported, so that rows read from here on can be kept.
        const { position } = await store.scan(table, {}, { limit: 1, signal });
        this.#watched = true;
        for await (const event of store.watch(table, {}, { since: position, signal })) {
          for (const change of event.changes) if (change.suffix.length === 0) this.invalidate(text(change.key));
        }
      } catch (error) {
        // A slow reader, lost history, a node that stops: start over on an empty cache. Anything else is a bug.
        if (!signal.aborted && !(error instanceof AshlarError)) throw error;
      }
      this.#forget();
      if (!signal.aborted) await pause(timers, ACCESS_LIMITS.watchRetryMillis, signal);
    }
  }

  #forget(): void {
    this.#watched = false;
    this.#present.clear();
    this.#absent.clear();
    for (const load of this.#loads) load.changed = true;
  }

  #drop(key: string): void {
    this.#present.delete(key);
    this.#absent.delete(key);
  }
}

interface Load {
  readonly key: string;
  changed: boolean;
}

function pause(timers: Timers, delayMillis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = timers.after(delayMillis, end);
    signal.addEventListener("abort", end);
  });
}
