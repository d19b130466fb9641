// The Index as it will be after the batch that is being applied: its rows, and over them what the batch has written so
// far. Nothing reaches the Index before `changes` is written to it in one piece.

import type { Index, IndexRow } from "../../env/index.ts";
import { compareBytes, equalBytes } from "../../std/bytes.ts";
import { crc32c } from "../../std/checksums/index.ts";
import { type IndexBounds, successor } from "../key-codec.ts";
import { decodeRow, encodedRowBytes, encodeRowInto, type StoredRow } from "../row-codec.ts";

/** Told of each row that is put or deleted, as it is then. */
export type WriteObserver = (key: Uint8Array, row: StoredRow | undefined) => void;

export class PendingRows {
  readonly #index: Index;
  /** Every row that the batch has read or written, by the checksum of its key; few share one. */
  readonly #entries = new Map<number, PendingRow>();
  #onWrite: WriteObserver | undefined;

  constructor(index: Index) {
    this.#index = index;
  }

  /** Tells of every row that is written from now on. */
  observe(onWrite: WriteObserver): void {
    this.#onWrite = onWrite;
  }

  get(key: Uint8Array): StoredRow | undefined {
    return this.#entry(key).row;
  }

  put(key: Uint8Array, row: StoredRow): void {
    const entry = this.#entry(key);
    entry.row = row;
    entry.written = true;
    this.#onWrite?.(key, row);
  }

  delete(key: Uint8Array): void {
    const entry = this.#entry(key);
    if (entry.row === undefined) return;
    entry.written = true;
    entry.row = undefined;
    this.#onWrite?.(key, undefined);
  }

  /** The first keys of a range, at most `limit`, in order. */
  keys(bounds: IndexBounds, limit: number): Uint8Array[] {
    const added = this.#addedIn(bounds);
    const keys: Uint8Array[] = [];
    let from = bounds.from;
    while (keys.length < limit) {
      const wanted = limit - keys.length;
      const rows = this.#index.scan({ from, to: bounds.to, limit: wanted });
      for (const { key } of rows) if (!this.#isDeleted(key)) keys.push(key);
      if (rows.length < wanted) break;
      from = successor(rows.at(-1)!.key);
    }
    if (added.length === 0) return keys;
    return [...keys, ...added].sort(compareBytes).slice(0, limit);
  }

  /** All that the batch wrote: what `Index.write` takes. The values share one piece of memory. */
  changes(): { puts: IndexRow[]; deletes: Uint8Array[] } {
    const puts: { readonly key: Uint8Array; readonly row: StoredRow }[] = [];
    const deletes: Uint8Array[] = [];
    for (const first of this.#entries.values()) {
      for (let entry: PendingRow | undefined = first; entry; entry = entry.next) {
        if (!entry.written) continue;
        if (entry.row) puts.push({ key: entry.key, row: entry.row });
        else deletes.push(entry.key);
      }
    }
    const memory = new Uint8Array(puts.reduce((sum, { row }) => sum + encodedRowBytes(row), 0));
    let at = 0;
    const encoded = puts.map(({ key, row }) => {
      const value = memory.subarray(at, (at += encodedRowBytes(row)));
      return { key, value: encodeRowInto(value, key, row) };
    });
    return { puts: encoded, deletes };
  }

  #entry(key: Uint8Array): PendingRow {
    const hash = crc32c(key);
    const first = this.#entries.get(hash);
    for (let entry = first; entry; entry = entry.next) if (equalBytes(entry.key, key)) return entry;
    const stored = this.#index.get(key);
    const row = stored === undefined ? undefined : decodeRow(key, stored);
    const entry: PendingRow = { key, row, absentBefore: row === undefined, written: false, next: first };
    this.#entries.set(hash, entry);
    return entry;
  }

  #find(key: Uint8Array): PendingRow | undefined {
    let entry = this.#entries.get(crc32c(key));
    while (entry && !equalBytes(entry.key, key)) entry = entry.next;
    return entry;
  }

  #isDeleted(key: Uint8Array): boolean {
    const entry = this.#find(key);
    return entry !== undefined && entry.row === undefined;
  }

  /** Keys of the range that the Index does not hold yet. */
  #addedIn({ from, to }: IndexBounds): Uint8Array[] {
    const added: Uint8Array[] = [];
    for (const first of this.#entries.values()) {
      for (let entry: PendingRow | undefined = first; entry; entry = entry.next) {
        if (!entry.absentBefore || entry.row === undefined) continue;
        if (compareBytes(entry.key, from) >= 0 && compareBytes(entry.key, to) < 0) added.push(entry.key);
      }
    }
    return added;
  }
}

interface PendingRow {
  readonly key: Uint8Array;
  /** As the batch leaves it so far. */
  row: StoredRow | undefined;
  readonly absentBefore: boolean;
  written: boolean;
  readonly next: PendingRow | undefined;
}
