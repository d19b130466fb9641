// Which group serves which keys, on which nodes, how busy it is, what is on its way, and how many nodes may fail with all
// of it still served.

import { commitQuorumOf } from "../../core/raft/index.ts";
import { equalBytes } from "../../std/bytes.ts";
import { type GroupRow, type KeyInterval, ROOT_GROUP, type TransferRow } from "../../store/index.ts";
import { spareVoters } from "../leader-view.ts";
import type { GroupView } from "./group-views.ts";
import type { Layout } from "./layout.ts";

export interface RangesStatus {
  /** In order of keys. Bounds are encoded key bounds. */
  readonly ranges: readonly RangeStatus[];
  /** All but the root group. */
  readonly groups: readonly GroupStatus[];
  readonly transfers: readonly TransferStatus[];
}

export interface RangeStatus extends KeyInterval {
  readonly group: number;
  /** Undefined until it was looked at; never where ranges are not split by themselves. */
  readonly bytes: number | undefined;
  /** Of the whole group. */
  readonly commitsPerSecond: number | undefined;
}

export interface GroupStatus {
  readonly id: number;
  readonly state: "founding" | "open" | "retiring";
  /** Where it is to be. */
  readonly nodes: readonly number[];
  /** Where it is. */
  readonly members: readonly number[];
  /** 0: nobody. */
  readonly leader: number;
  /** How many more nodes may fail, whichever they are, with the group still served; -1: too many have. */
  readonly canLose: number;
}

export interface TransferStatus extends TransferRow {
  /** What the attempt that is under way has brought, where one is. */
  readonly bytesBrought: number | undefined;
}

export function rangesStatus({ map, groups, transfers }: Layout, views: readonly GroupView[]): RangesStatus {
  const viewOf = (id: number): GroupView | undefined => views.find(({ group }) => group === id);
  const moving = viewOf(ROOT_GROUP)?.moving;
  return {
    ranges: map.ranges.map(({ from, to, group }) => {
      const load = viewOf(group)?.load;
      const own = load?.ranges.find((range) => equalBytes(range.from, from) && equalBytes(range.to, to));
      return { from, to, group, bytes: own?.bytes, commitsPerSecond: load?.commitsPerSecond };
    }),
    groups: groups.map(({ id, state, nodes, members }) => {
      const view = viewOf(id);
      return { id, state, nodes, members, leader: view?.leader ?? 0, canLose: view ? canLoseOf(view) : -1 };
    }),
    transfers: transfers.map((row) => {
      const bytesBrought = moving?.transfer === row.id && moving.attempt === row.attempt ? moving.bytes : undefined;
      return { ...row, bytesBrought };
    }),
  };
}

/** Groups that serve something, or are about to. */
export function servingGroups({ ranges, groups }: RangesStatus): readonly GroupStatus[] {
  return groups.filter(({ id }) => ranges.some(({ group }) => group === id));
}

/**
 * Groups beside the root one that would stop without this node, as their leaders see the others. Of one that nobody leads
 * it is not known who is left: it may be this node that it waits for. One that is being founded is given up without it.
 */
export function stoppedWithout(
  groups: readonly GroupRow[],
  views: readonly GroupView[],
  node: number,
): readonly number[] {
  const isStopped = ({ id, nodes, members }: GroupRow): boolean => {
    const view = views.find(({ group }) => group === id);
    if (view === undefined) return [...nodes, ...members].includes(node);
    const { voters, commitQuorum } = view.configuration;
    const others = voters.filter((voter) => voter !== node && isAliveIn(view, voter)).length;
    return voters.includes(node) && others < commitQuorumOf(voters.length, commitQuorum);
  };
  return groups.filter((row) => row.state === "open" && isStopped(row)).map(({ id }) => id);
}

function canLoseOf(view: GroupView): number {
  return spareVoters(view.configuration, (id) => isAliveIn(view, id));
}

function isAliveIn({ leader, progress }: GroupView, id: number): boolean {
  return id === leader || progress.some((one) => one.id === id && one.isAlive);
}
