// The rows of an interval of keys: those of callers in all tables, and those of the machine's own that belong to a key.
// Both travel with their keys. They stand in sections of the Index, table by table; tables that are empty cost nothing.

import { compareBytes, concatBytes, EMPTY } from "../../std/bytes.ts";
import { type IndexBounds, successor } from "../key-codec.ts";
import type { StoredRow } from "../row-codec.ts";
import { ROOT_TABLES } from "../tables.ts";
import { isResultKey } from "./keys.ts";
import { CARRIED_PREFIXES } from "./prepared-keys.ts";
import { covers, type KeyInterval } from "./range-state.ts";
import { keyOfOutcome } from "./result.ts";

/** The first keys of the Index within bounds, in order, at most `limit`. */
export type KeySource = (bounds: IndexBounds, limit: number) => readonly Uint8Array[];

export interface KeyPage {
  readonly keys: readonly Uint8Array[];
  /** Where the next page begins; undefined behind the last one. */
  readonly next: Uint8Array | undefined;
}

/** The keys of an interval's rows, from the first or from where an earlier page ended. Results are not among them. */
export function intervalKeys(keysOf: KeySource, interval: KeyInterval, from: Uint8Array, limit: number): KeyPage {
  const keys: Uint8Array[] = [];
  for (const base of SECTIONS) {
    const end = concatBytes([base, Uint8Array.of(TABLE_END)]);
    let at = later(from, concatBytes([base, Uint8Array.of(1)]));
    while (compareBytes(at, end) < 0) {
      const [next] = keysOf({ from: at, to: end }, 1);
      if (next === undefined) break;
      const table = next[base.length]!;
      const following = concatBytes([base, Uint8Array.of(table + 1)]);
      if (!ROOT_TABLES.has(table)) {
        const found = keysOf(within(interval, concatBytes([base, Uint8Array.of(table)]), at), limit - keys.length);
        for (const key of found) keys.push(key);
        if (keys.length === limit) return { keys, next: successor(keys.at(-1)!) };
      }
      at = following;
    }
  }
  return { keys, next: undefined };
}

/** Whether a row of the Index belongs to an interval. Of a result its value says so, and one of old to all. */
export function belongsTo(interval: KeyInterval, key: Uint8Array, row: StoredRow | undefined): boolean {
  if (key[0] !== 0) return !ROOT_TABLES.has(key[0]!) && covers(interval, key.subarray(1));
  const prefix = CARRIED_PREFIXES.find((one) => one[1] === key[1] && one[2] === key[2]);
  if (prefix !== undefined) return belongsTo(interval, key.subarray(prefix.length), row);
  if (!isResultKey(key) || row === undefined) return false;
  const owner = keyOfOutcome(row.value);
  return owner === undefined || belongsTo(interval, owner, undefined);
}

const TABLE_END = 255;

/** What stands before the table's byte; in the order of the Index. */
const SECTIONS: readonly Uint8Array[] = [...CARRIED_PREFIXES, EMPTY];

function within({ from, to }: KeyInterval, prefix: Uint8Array, at: Uint8Array): IndexBounds {
  const end =
    to.length === 0 ? Uint8Array.of(...prefix.subarray(0, -1), prefix.at(-1)! + 1) : concatBytes([prefix, to]);
  const begin = later(at, concatBytes([prefix, from]));
  return { from: begin, to: later(end, begin) };
}

function later(one: Uint8Array, other: Uint8Array): Uint8Array {
  return compareBytes(one, other) >= 0 ? one : other;
}
