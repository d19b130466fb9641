import type { Placeable } from "./demand.ts";
import type { State } from "./models/model.ts";

// Registers in which each value is written once are decided without a search, in n log n (Gibbons and Korach 1997). A write and the reads
// of its value are a cluster; they have to stand together in any order. Of each cluster only two places matter:
//
//   forward   |--w--|        |--r--|     the value holds from the first return (f) to the last call (s): it is there all the while
//                   f........s
//   backward  |-------w-------|          all of it can stand at any one instant from s to f
//               |----r----|
//               s.........f
//
// An order exists unless a read returns before its write begins, two forward zones overlap, or a forward zone holds a backward one.

/** `ok`, or a few operations that are a violation by themselves. Undefined where the rule does not apply. */
export function decideByZones<Item extends Placeable>(
  items: readonly Item[],
  initial: State,
): "ok" | Item[] | undefined {
  const clusters = clustersOf(items, initial);
  if (clusters === undefined) return undefined;
  for (const [value, { write, reads }] of clusters) {
    // A value out of nowhere.
    if (write === undefined && value !== initial) return reads.slice(0, 1);
    const early = reads.find(({ end }) => write !== undefined && end < write.start);
    if (early !== undefined) return [early, write!];
  }
  const zones = [...clusters.values()].filter(isCertain).map(zoneOf);
  const forward = zones.filter(({ isForward }) => isForward).sort((left, right) => left.low - right.low);
  for (let at = 1; at < forward.length; at++) {
    if (forward[at]!.low < forward[at - 1]!.high) return [...forward[at - 1]!.items, ...forward[at]!.items];
  }
  for (const zone of zones) {
    if (zone.isForward) continue;
    const around = lastBefore(forward, zone.low);
    if (around !== undefined && zone.high < around.high) return [...around.items, ...zone.items];
  }
  return "ok";
}

interface Cluster<Item> {
  /** Undefined for the initial value, and for one that nobody wrote. */
  write: Item | undefined;
  readonly reads: Item[];
}

/** Undefined where there is more than reads and writes, or a value that is written twice. */
function clustersOf<Item extends Placeable>(
  items: readonly Item[],
  initial: State,
): ReadonlyMap<State, Cluster<Item>> | undefined {
  const clusters = new Map<State, Cluster<Item>>([[initial, { write: undefined, reads: [] }]]);
  for (const item of items) {
    const { isRead, needs, makes } = item.transition;
    const value = isRead ? needs : makes;
    if (value === undefined || (!isRead && needs !== undefined)) return undefined;
    let cluster = clusters.get(value);
    if (cluster === undefined) clusters.set(value, (cluster = { write: undefined, reads: [] }));
    if (isRead) cluster.reads.push(item);
    else if (cluster.write !== undefined || value === initial) return undefined;
    else cluster.write = item;
  }
  return clusters;
}

/** A write of unknown outcome that nobody read need not have happened; nor need an initial value have been read. */
function isCertain<Item extends Placeable>({ write, reads }: Cluster<Item>): boolean {
  return reads.length > 0 || (write !== undefined && write.end !== Number.POSITIVE_INFINITY);
}

interface Zone<Item> {
  readonly isForward: boolean;
  readonly low: number;
  readonly high: number;
  /** Those that make it as wide as it is, and the write. */
  readonly items: readonly Item[];
}

function zoneOf<Item extends Placeable>({ write, reads }: Cluster<Item>): Zone<Item> {
  const items = write === undefined ? reads : [write, ...reads];
  const firstEnd = items.reduce((left, right) => (right.end < left.end ? right : left));
  const lastStart = items.reduce((left, right) => (right.start > left.start ? right : left));
  // The initial value is there before anything begins.
  const end = write === undefined ? -1 : firstEnd.end;
  const isForward = end < lastStart.start;
  const low = Math.min(end, lastStart.start);
  const high = Math.max(end, lastStart.start);
  const marks = write === undefined ? [lastStart] : [...new Set([write, firstEnd, lastStart])];
  return { isForward, low, high, items: marks };
}

/** The last of the sorted zones that begins before the place. */
function lastBefore<Item>(zones: readonly Zone<Item>[], place: number): Zone<Item> | undefined {
  let low = 0;
  let high = zones.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (zones[middle]!.low < place) low = middle + 1;
    else high = middle;
  }
  return zones[low - 1];
}
