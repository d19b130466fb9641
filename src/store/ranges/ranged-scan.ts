// A page of a scan that may go over several ranges. Each range is read linearizably, one after the other, until the page
// is full or nothing is left.

import { addressBytes, decodeKeyBound, encodeRange } from "../key-codec.ts";
import { ROW_HEADER_BYTES_MAX } from "../row-codec.ts";
import { type Row, type ScanOptions, type ScanPage, type ScanRange, STORE_LIMITS, type Table } from "../store.ts";
import type { RangeMap } from "./range-map.ts";
import type { MappedRange } from "./range-rows.ts";

export interface RangedScan {
  readonly table: Table;
  readonly range: ScanRange;
  readonly options: Pick<ScanOptions, "limit" | "reverse">;
  /** As far as is known now. */
  readonly map: () => RangeMap;
  /** Reads in one group, until that is the one to ask: where to look may be asked for several times. */
  readonly page: (
    where: () => ScanStep,
    limit: number,
  ) => Promise<{ readonly step: ScanStep; readonly page: ScanPage }>;
}

export interface ScanStep {
  readonly group: number;
  readonly range: ScanRange;
  /** What is left behind it; undefined behind the last. */
  readonly rest: ScanRange | undefined;
}

export interface ScannedRanges {
  readonly rows: readonly Row[];
  readonly more: boolean;
  /** With the groups that they are of, in order. */
  readonly positions: readonly (readonly [group: number, position: string])[];
}

export async function scanRanges(scan: RangedScan): Promise<ScannedRanges> {
  const { limit } = scan.options;
  const rows: Row[] = [];
  const positions: [number, string][] = [];
  let bytes = 0;
  for (let rest: ScanRange | undefined = scan.range; rest !== undefined; ) {
    const left: ScanRange = rest;
    // A full page still says whether anything is left.
    const { step, page } = await scan.page(() => stepOf(scan, left), Math.max(1, limit - rows.length));
    if (rows.length < limit) positions.push([step.group, page.position]);
    for (const row of page.rows) {
      const rowBytes = addressBytes(row) + row.value.length + ROW_HEADER_BYTES_MAX;
      const isFull = rows.length === limit || (positions.length > 1 && bytes + rowBytes > STORE_LIMITS.scanBytesMax);
      if (isFull) return { rows, more: true, positions };
      rows.push(row);
      bytes += rowBytes;
    }
    if (page.more) return { rows, more: true, positions };
    rest = step.rest;
  }
  return { rows, more: false, positions };
}

/** The first range that a scan has to read, or the last one of a scan in reverse. */
function stepOf({ table, options: { reverse = false }, map }: RangedScan, range: ScanRange): ScanStep {
  const ranges = map().within(encodeRange(table, range));
  const one = (reverse ? ranges.at(-1) : ranges[0])!;
  if (ranges.length === 1) return { group: one.group, range, rest: undefined };
  return reverse ? lastStep(range, one) : firstStep(range, one);
}

function firstStep(range: ScanRange, { group, to }: MappedRange): ScanStep {
  const end = { key: decodeKeyBound(to) };
  return { group, range: { ...range, to: end }, rest: { from: end, ...(range.to && { to: range.to }) } };
}

function lastStep(range: ScanRange, { group, from }: MappedRange): ScanStep {
  const begin = { key: decodeKeyBound(from) };
  return { group, range: { from: begin, ...(range.to && { to: range.to }) }, rest: { ...range, to: begin } };
}
