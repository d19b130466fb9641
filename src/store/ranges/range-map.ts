// Which group serves which keys, as the root group had it at one revision. Immutable. It may be out of date: a group that
// is asked for keys which it does not serve says so.

import { assert } from "../../std/assert.ts";
import { compareBytes, EMPTY, equalBytes } from "../../std/bytes.ts";
import type { IndexBounds } from "../key-codec.ts";
import { KEYS_FROM, type KeyInterval, keysWithin } from "../machine/range-state.ts";
import { ROOT_GROUP, ROOT_TABLES } from "../tables.ts";
import type { MappedRange } from "./range-rows.ts";

/** The range of what stays with the root group whatever its key is. */
export const ROOT_RANGE: MappedRange = { from: KEYS_FROM, to: EMPTY, group: ROOT_GROUP, revision: 0 };

export class RangeMap {
  /** Of the root group, when it was read. */
  readonly revision: number;
  readonly ranges: readonly MappedRange[];
  /** One range of the root group's: nothing was ever cut, or all of it is whole again. */
  readonly isWhole: boolean;
  /** Each group that has a range, once. */
  readonly groups: ReadonlySet<number>;

  /** Ranges in order that follow each other without a gap; none at all: one, of the root group. */
  constructor(ranges: readonly MappedRange[], revision: number) {
    assert(isMap(ranges), "the ranges of a map cover every key once");
    this.ranges = ranges.length === 0 ? [ROOT_RANGE] : ranges;
    this.revision = revision;
    this.groups = new Set(this.ranges.map(({ group }) => group));
    this.isWhole = this.ranges.length === 1 && this.ranges[0]!.group === ROOT_GROUP;
  }

  /** The range of the row under an encoded address. */
  of(row: Uint8Array): MappedRange {
    if (this.isWhole || ROOT_TABLES.has(row[0]!)) return ROOT_RANGE;
    return this.ranges[this.#placeOf(row.subarray(1))]!;
  }

  /** Those of the rows of one table between two encoded bounds, in order. */
  within(bounds: IndexBounds): readonly MappedRange[] {
    if (this.isWhole || ROOT_TABLES.has(bounds.from[0]!)) return [ROOT_RANGE];
    return this.among(keysWithin(bounds));
  }

  /** Those that have keys of an interval, in order; of an empty one, that of where it would be. */
  among({ from, to }: KeyInterval): readonly MappedRange[] {
    const first = this.#placeOf(from);
    let end = first + 1;
    while (end < this.ranges.length && (to.length === 0 || compareBytes(this.ranges[end]!.from, to) < 0)) end++;
    return this.ranges.slice(first, end);
  }

  /** Of the last range that begins at the key or before it. */
  #placeOf(key: Uint8Array): number {
    let [low, high] = [0, this.ranges.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (compareBytes(this.ranges[middle]!.from, key) <= 0) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** Whether ranges in order cover every key once. Rows that were read in several steps may not. */
export function isMap(ranges: readonly KeyInterval[]): boolean {
  let at: Uint8Array = KEYS_FROM;
  for (const [place, { from, to }] of ranges.entries()) {
    if (!equalBytes(from, at)) return false;
    const isLast = place === ranges.length - 1;
    if (to.length === 0 ? !isLast : isLast || compareBytes(to, from) <= 0) return false;
    at = to;
  }
  return true;
}
