// Where a watch of keys may begin in a group that was given them, or has given them away.

import { compareBytes, concatBytes } from "../../std/bytes.ts";
import { storeFailure } from "../errors.ts";
import type { IndexBounds } from "../key-codec.ts";
import { keysWithin, overlap, type RangeState, type ServedInterval, serves } from "../machine/range-state.ts";
import type { ScanRange, WatchEvent } from "../store.ts";
import { ROOT_GROUP, ROOT_TABLES } from "../tables.ts";

/** One of the ranges that are watched together. Neither `since` nor `befores`: from now on. */
export interface WatchPart {
  readonly range: ScanRange;
  /** All of it was seen up to this revision of the group. */
  readonly since?: number;
  /** It was another group's when it was watched last: of what came from there, what came since. */
  readonly befores?: readonly WatchBefore[];
}

/** A group that had keys before, of which all up to this revision was seen. */
export interface WatchBefore {
  readonly group: number;
  readonly revision: number;
}

/** A watch in the process of its group. */
export interface GroupWatch extends AsyncIterableIterator<WatchEvent> {
  /** The revision behind which all of its parts have begun. */
  readonly beginsAt: number;
  /** Takes the read that waits back, if none was answered: its promise stays open, and nothing is lost. */
  withdraw(): boolean;
}

export interface BegunPart {
  readonly bounds: IndexBounds;
  /** Undefined: now. */
  readonly after: number | undefined;
}

export interface WatchedGroup {
  readonly state: RangeState | undefined;
  readonly group: number;
  readonly revision: number;
}

/**
 * What a part comes to by the intervals that the group serves of it. Throws RANGE_MISMATCH where that is not all, and
 * HISTORY_LOST where the group has not all that came since.
 */
export function watchBegin(
  { state, group, revision }: WatchedGroup,
  bounds: IndexBounds,
  { since, befores = [] }: Omit<WatchPart, "range">,
): readonly BegunPart[] {
  if (state === undefined || (group === ROOT_GROUP && ROOT_TABLES.has(bounds.from[0]!))) {
    if (since === undefined && befores.length > 0) throw storeFailure("HISTORY_LOST", { data: { group } });
    return [{ bounds, after: since }];
  }
  if (!serves(state, group, bounds)) {
    // Who comes without a place has seen all that the group ever had of it.
    const isNow = since === undefined && befores.length === 0;
    throw storeFailure("RANGE_MISMATCH", { data: { group, ...(isNow && { revision }) } });
  }
  const keys = keysWithin(bounds);
  const served = state.serves.filter((interval) => overlap(interval, keys));
  if (since === undefined && befores.length === 0) return [{ bounds, after: undefined }];
  return served.map((interval) => ({ bounds: clipped(bounds, interval), after: beginIn(interval, since, befores) }));
}

function beginIn(
  { since: servedSince, origin, originRevision }: ServedInterval,
  since: number | undefined,
  befores: readonly WatchBefore[],
): number {
  if (since !== undefined && servedSince <= since) return since;
  const isNext = befores.some(({ group, revision }) => group === origin && revision >= originRevision);
  if (isNext) return servedSince;
  throw storeFailure("HISTORY_LOST", { data: { since: since ?? 0, servedSince } });
}

function clipped({ from, to }: IndexBounds, interval: ServedInterval): IndexBounds {
  const table = from.subarray(0, 1);
  const begin = concatBytes([table, interval.from]);
  const end = concatBytes([table, interval.to]);
  return {
    from: compareBytes(begin, from) > 0 ? begin : from,
    to: interval.to.length > 0 && compareBytes(end, to) < 0 ? end : to,
  };
}
