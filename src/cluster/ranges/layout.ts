// The rows that say which group serves which keys, on which nodes, and what is on its way, read and changed as a whole.
// Every change of ranges and transfers, and of which groups there are, writes the counter of ids: so of two at once one
// decides anew, whatever rows the two of them touch.

import { compareBytes, equalBytes } from "../../std/bytes.ts";
import {
  type Check,
  decodeGroupRow,
  decodeIdCounter,
  decodeRangeRow,
  decodeTransferRow,
  encodeGroupRow,
  encodeIdCounter,
  encodeRangeRow,
  encodeTransferRow,
  FIRST_ID,
  type GroupRow,
  groupAddress,
  ID_COUNTER,
  idOfKey,
  type KeyInterval,
  type Put,
  RangeMap,
  type RangeRow,
  type Row,
  type RowAddress,
  rangeAddress,
  type Store,
  TABLES,
  type TransferRow,
  transferAddress,
} from "../../store/index.ts";
import { change, unchanged } from "../change.ts";
import { readTable } from "../follow-table.ts";

export interface Layout {
  readonly nextId: number;
  readonly map: RangeMap;
  readonly groups: readonly GroupRow[];
  readonly transfers: readonly TransferRow[];
}

/** What becomes of a layout; left out: as it is. */
export interface LayoutChange<Result> {
  readonly nextId?: number;
  /** The whole map as it is to be. */
  readonly ranges?: readonly RangeRow[];
  /** Rows to be written, and ids of those to be removed. */
  readonly groups?: readonly GroupRow[];
  readonly groupsGone?: readonly number[];
  readonly transfers?: readonly TransferRow[];
  readonly transfersGone?: readonly number[];
  readonly result: Result;
}

interface LayoutRows {
  readonly counter: Row | undefined;
  readonly ranges: readonly Row[];
  readonly groups: readonly Row[];
  readonly layout: Layout;
}

/** Linearizable. */
export async function readLayout(store: Store): Promise<Layout> {
  for (;;) {
    const rows = await readRows(store);
    if (rows !== undefined) return rows.layout;
  }
}

/** Undefined from `decide`: nothing is to be changed. Rejects with what it throws, with CONTENDED, or as the Store does. */
export function changeLayout<Result>(
  store: Store,
  decide: (layout: Layout) => LayoutChange<Result> | undefined,
): Promise<Result | undefined> {
  return change<Result | undefined>(store, async () => {
    for (;;) {
      const rows = await readRows(store);
      if (rows === undefined) continue;
      const changed = decide(rows.layout);
      if (changed === undefined) return { result: undefined };
      return { commit: commitOf(rows, changed), result: changed.result };
    }
  });
}

/** The map in which a group serves an interval of another one. Neighbours of one group are one range. */
export function assigned(map: Pick<RangeMap, "ranges">, { from, to }: KeyInterval, group: number): readonly RangeRow[] {
  const pieces: RangeRow[] = [];
  const add = (range: RangeRow): void => {
    const last = pieces.at(-1);
    if (last?.group === range.group) pieces[pieces.length - 1] = { ...last, to: range.to };
    else pieces.push(range);
  };
  for (const range of map.ranges) {
    const begin = later(range.from, from);
    const end = earlier(range.to, to);
    if (end.length > 0 && compareBytes(begin, end) >= 0) {
      add(range);
      continue;
    }
    if (compareBytes(range.from, begin) < 0) add({ ...range, to: begin });
    add({ from: begin, to: end, group });
    if (end.length > 0 && !equalBytes(end, range.to)) add({ ...range, from: end });
  }
  return pieces;
}

/** Undefined where the rows changed while they were read. */
async function readRows(store: Store): Promise<LayoutRows | undefined> {
  const { row: counter } = await store.get(ID_COUNTER);
  const [ranges, groups, transfers] = [
    await readTable(store, TABLES.range),
    await readTable(store, TABLES.group),
    await readTable(store, TABLES.transfer),
  ];
  const { row: again } = await store.get(ID_COUNTER);
  if (counter?.revision !== again?.revision) return undefined;
  const layout: Layout = {
    nextId: counter === undefined ? FIRST_ID : decodeIdCounter(counter.value),
    map: new RangeMap(
      ranges.map(({ key, value, revision }) => ({ ...decodeRangeRow(key, value), revision })),
      counter?.revision ?? 0,
    ),
    groups: groups.flatMap(({ key, value }) => (idOfKey(key) === 0 ? [] : [decodeGroupRow(key, value)])),
    transfers: transfers.map(({ key, value }) => decodeTransferRow(key, value)),
  };
  return { counter, ranges, groups, layout };
}

function commitOf({ counter, ranges, groups, layout }: LayoutRows, changed: LayoutChange<unknown>) {
  const { nextId = layout.nextId, groupsGone = [], transfers = [], transfersGone = [] } = changed;
  const checks: Check[] = [unchanged(ID_COUNTER, counter)];
  const puts: Put[] = [{ ...ID_COUNTER, value: encodeIdCounter(nextId) }];
  const deletes: RowAddress[] = [];
  if (changed.ranges !== undefined) {
    for (const range of changed.ranges) {
      const address = rangeAddress(range);
      const before = ranges.find(({ key }) => equalBytes(key, range.from));
      const value = encodeRangeRow(range);
      if (before !== undefined && equalBytes(before.value, value)) continue;
      checks.push(unchanged(address, before));
      puts.push({ ...address, value });
    }
    for (const row of ranges) {
      if (changed.ranges.some(({ from }) => equalBytes(from, row.key))) continue;
      const address = { table: TABLES.range, key: row.key };
      checks.push(unchanged(address, row));
      deletes.push(address);
    }
  }
  // These are changed elsewhere too: by who leads the group, and where nodes come and go.
  const groupCheck = (id: number): Check =>
    unchanged(
      groupAddress(id),
      groups.find(({ key }) => idOfKey(key) === id),
    );
  for (const row of changed.groups ?? []) {
    checks.push(groupCheck(row.id));
    puts.push({ ...groupAddress(row.id), value: encodeGroupRow(row) });
  }
  for (const id of groupsGone) {
    checks.push(groupCheck(id));
    deletes.push(groupAddress(id));
  }
  for (const row of transfers) puts.push({ ...transferAddress(row.id), value: encodeTransferRow(row) });
  for (const id of transfersGone) deletes.push(transferAddress(id));
  return { checks, puts, deletes };
}

function later(one: Uint8Array, other: Uint8Array): Uint8Array {
  return compareBytes(one, other) >= 0 ? one : other;
}

/** Of two ends, of which an empty one is none. */
function earlier(one: Uint8Array, other: Uint8Array): Uint8Array {
  if (one.length === 0) return other;
  if (other.length === 0) return one;
  return compareBytes(one, other) <= 0 ? one : other;
}
