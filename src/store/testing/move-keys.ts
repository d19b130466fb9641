import type { Clock, Timers } from "../../env/index.ts";
import { assert } from "../../std/assert.ts";
import { compareBytes, equalBytes } from "../../std/bytes.ts";
import { storeFailure } from "../errors.ts";
import type { KeyInterval } from "../machine/range-state.ts";
import type { GroupRouter } from "../ranges/group-router.ts";
import { RangeMap } from "../ranges/range-map.ts";
import { decodeRangeRow, encodeRangeRow, type RangeRow, rangeAddress } from "../ranges/range-rows.ts";
import { bringKeys, PAGE_LIMITS, releaseKeys, type TransferName, type TransferRun } from "../ranges/transfer.ts";
import { transferGroup } from "../ranges/transfer-group.ts";
import type { Row, Store } from "../store.ts";
import { TABLES } from "../tables.ts";

/** What drives a transfer: a node that is open. */
export interface Mover {
  readonly router: GroupRouter;
  readonly root: Pick<Store, "scan" | "commit">;
  readonly env: { readonly clock: Clock; readonly timers: Timers };
}

export type MoveOptions = Partial<Pick<TransferRun, "limits" | "pace">>;

/** One attempt at a transfer of keys with the map's change, as whoever leads the root group makes them. */
export async function moveKeys(mover: Mover, name: TransferName, options: MoveOptions = {}): Promise<void> {
  const run = runOf(mover, name, options);
  await bringKeys(run);
  await changeMap(mover.root, name, name.target);
  await releaseKeys(run);
}

export function runOf({ router, env }: Mover, name: TransferName, options: MoveOptions = {}): TransferRun {
  const groupOf = (group: number) => {
    return transferGroup({ ...env, group: router.group(group), pauseMillis: 20, millisMax: 20_000 });
  };
  const groups = { sourceGroup: groupOf(name.source), targetGroup: groupOf(name.target) };
  const lend = (leases: ReadonlySet<number>) => router.lendMoved(leases, name.target);
  return { limits: PAGE_LIMITS, lend, ...name, ...groups, ...options };
}

/** Rejects with OUTCOME_UNKNOWN where it may have happened, and where the map changed meanwhile. */
export async function changeMap(root: Mover["root"], moved: KeyInterval, group: number): Promise<void> {
  const { rows } = await root.scan(TABLES.range, {}, { limit: 1000 });
  const before = rows.map((row) => decodeRangeRow(row.key, row.value));
  const after = withRange(before, { from: moved.from, to: moved.to, group });
  const kept = (row: Row): boolean => after.some(({ from }) => equalBytes(from, row.key));
  const result = await root.commit({
    checks: rows.map((row) => ({ ...row, revision: row.revision })),
    puts: after
      .filter((range) => !before.some((old) => isSame(old, range)))
      .map((range) => ({ ...rangeAddress(range), value: encodeRangeRow(range) })),
    deletes: rows.filter((row) => !kept(row)),
  });
  if (!result.committed) throw storeFailure("OUTCOME_UNKNOWN", { what: "The map has changed meanwhile." });
}

/** A map in which one interval is a group's; neighbours of one group become one range. */
export function withRange(ranges: readonly RangeRow[], added: RangeRow): RangeRow[] {
  const old = new RangeMap(
    ranges.map((range) => ({ ...range, revision: 0 })),
    0,
  ).ranges;
  const rest = old.flatMap(({ from, to, group }) => {
    const left = { from, to: lesser(to, added.from), group };
    const right = { from: added.to.length === 0 ? from : later(from, added.to), to, group };
    return [
      ...(compareBytes(from, added.from) < 0 ? [left] : []),
      ...(added.to.length > 0 && (to.length === 0 || compareBytes(added.to, to) < 0) ? [right] : []),
    ];
  });
  const all = [...rest, added].sort((one, other) => compareBytes(one.from, other.from));
  const merged: RangeRow[] = [];
  for (const range of all) {
    const last = merged.at(-1);
    if (last?.group === range.group) merged[merged.length - 1] = { ...last, to: range.to };
    else merged.push(range);
  }
  assert(merged.at(-1)!.to.length === 0, "a map has no end");
  return merged;
}

function lesser(to: Uint8Array, bound: Uint8Array): Uint8Array {
  return to.length === 0 || compareBytes(to, bound) > 0 ? bound : to;
}

function later(from: Uint8Array, bound: Uint8Array): Uint8Array {
  return compareBytes(from, bound) > 0 ? from : bound;
}

function isSame(one: RangeRow, other: RangeRow): boolean {
  return one.group === other.group && equalBytes(one.from, other.from) && equalBytes(one.to, other.to);
}
