// What the source of a transfer hands out: first all rows of the interval, page by page, then those that were written
// meanwhile. A page says the rows as they are now; whoever brings them over keeps the order of the pages.

import type { IndexRange, IndexRow } from "../../env/index.ts";
import { compareBytes } from "../../std/bytes.ts";
import { successor } from "../key-codec.ts";
import { decodeRow, type StoredRow } from "../row-codec.ts";
import { belongsTo, intervalKeys } from "./interval-rows.ts";
import { isResultKey, RESULT_KEYS, rowOfWrittenKey, writtenRowKeys } from "./keys.ts";
import type { MovedRow, WrittenRow } from "./range-commands.ts";
import type { KeyInterval } from "./range-state.ts";

export interface IndexSource {
  get(key: Uint8Array): Uint8Array | undefined;
  scan(range: IndexRange): IndexRow[];
}

export interface PageLimits {
  readonly rowsMax: number;
  /** A page ends with the row that brings it to this. */
  readonly bytesMax: number;
}

export interface ExportPage {
  readonly rows: readonly MovedRow[];
  /** Where the next one begins; undefined behind the last one. */
  readonly next: Uint8Array | undefined;
}

/** From the first row, or from where an earlier page ended. Throws ROW_DAMAGED. */
export function exportPage(
  index: IndexSource,
  interval: KeyInterval,
  from: Uint8Array = RESULT_KEYS.from,
  limits: PageLimits,
): ExportPage {
  if (compareBytes(from, RESULT_KEYS.to) < 0) return resultPage(index, interval, from, limits);
  const keysOf = (bounds: { from: Uint8Array; to: Uint8Array }, limit: number): Uint8Array[] =>
    index.scan({ ...bounds, limit }).map(({ key }) => key);
  const { keys, next } = intervalKeys(keysOf, interval, from, limits.rowsMax);
  const rows: MovedRow[] = [];
  let bytes = 0;
  for (const key of keys) {
    if (bytes >= limits.bytesMax) return { rows, next: key };
    const row = moved(key, storedRow(index, key));
    rows.push(row);
    bytes += rowBytes(row);
  }
  return { rows, next };
}

export interface WrittenPage {
  /** Those that were written since the transfer began and have not been cleaned, as they are now. */
  readonly rows: readonly MovedRow[];
  /** What to clean once the rows have been brought over. */
  readonly written: readonly WrittenRow[];
  readonly more: boolean;
}

/** Throws ROW_DAMAGED. */
export function writtenPage(index: IndexSource, transfer: number, { rowsMax, bytesMax }: PageLimits): WrittenPage {
  const { from, to } = writtenRowKeys(transfer);
  const marks = index.scan({ from, to, limit: rowsMax });
  const rows: MovedRow[] = [];
  const written: WrittenRow[] = [];
  let bytes = 0;
  for (const { key: mark, value } of marks) {
    if (bytes >= bytesMax) return { rows, written, more: true };
    const key = rowOfWrittenKey(mark);
    const row = moved(key, storedRow(index, key));
    written.push({ key, entry: decodeRow(mark, value).revision });
    // A result that its session has acknowledged meanwhile is of no use elsewhere.
    if (row.value === undefined && isResultKey(key)) continue;
    rows.push(row);
    bytes += rowBytes(row);
  }
  return { rows, written, more: marks.length === rowsMax };
}

/** Results stand by session, not by key: all are looked through. */
function resultPage(index: IndexSource, interval: KeyInterval, from: Uint8Array, limits: PageLimits): ExportPage {
  const found = index.scan({ from, to: RESULT_KEYS.to, limit: limits.rowsMax });
  const rows: MovedRow[] = [];
  for (const { key, value } of found) {
    const row = decodeRow(key, value);
    if (belongsTo(interval, key, row)) rows.push(moved(key, row));
  }
  return { rows, next: found.length < limits.rowsMax ? RESULT_KEYS.to : successor(found.at(-1)!.key) };
}

function storedRow(index: IndexSource, key: Uint8Array): StoredRow | undefined {
  const stored = index.get(key);
  return stored === undefined ? undefined : decodeRow(key, stored);
}

function moved(key: Uint8Array, row: StoredRow | undefined): MovedRow {
  return { key, revision: row?.revision ?? 0, lease: row?.lease ?? 0, value: row?.value };
}

function rowBytes({ key, value }: MovedRow): number {
  return key.length + (value?.length ?? 0);
}
