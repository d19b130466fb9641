// On which nodes a group should be: on as many as make it as safe as the root group, in different zones where there are
// some, and on those first that have few groups.

import type { GroupRow } from "../../store/index.ts";
import { VOTERS_MAX } from "../next-change.ts";
import type { NodeRow } from "../node-row.ts";

/** One more would cost a copy and let no more nodes fail. */
export function groupSize(nodes: readonly NodeRow[]): number {
  const count = Math.min(VOTERS_MAX, nodes.filter(isActive).length);
  return count % 2 === 0 ? Math.max(count - 1, 0) : count;
}

/** For a group that is to be founded, first of those that are given. */
export function placeGroup(
  nodes: readonly NodeRow[],
  groups: readonly GroupRow[],
  preferred: readonly number[] = [],
): readonly number[] {
  const active = nodes.filter(isActive).map(({ id }) => id);
  const first = preferred.filter((id) => active.includes(id)).slice(0, groupSize(nodes));
  return filled(first, nodes, groups);
}

/** As the group's nodes should be: those that are to leave are replaced, those that are missing added. */
export function settledNodes(row: GroupRow, nodes: readonly NodeRow[], groups: readonly GroupRow[]): readonly number[] {
  const stateOf = new Map(nodes.map(({ id, state }) => [id, state]));
  const staying = row.nodes.filter((id) => stateOf.get(id) === "active");
  const wanted = filled(staying, nodes, groups);
  if (wanted.length > 0) return wanted;
  // Nobody could take over from those that are being drained.
  return row.nodes.filter((id) => stateOf.get(id) === "draining");
}

function filled(given: readonly number[], nodes: readonly NodeRow[], groups: readonly GroupRow[]): readonly number[] {
  const chosen = [...given];
  const zoneOf = new Map(nodes.map(({ id, zone }) => [id, zone]));
  const load = (id: number): number => groups.filter((group) => group.nodes.includes(id)).length;
  const crowd = (id: number): number => {
    const zone = zoneOf.get(id);
    // Nodes without a zone fail one by one.
    return zone === "" ? 0 : chosen.filter((other) => zoneOf.get(other) === zone).length;
  };
  while (chosen.length < groupSize(nodes)) {
    const free = nodes.filter((node) => isActive(node) && !chosen.includes(node.id)).map(({ id }) => id);
    free.sort((one, other) => crowd(one) - crowd(other) || load(one) - load(other) || one - other);
    chosen.push(free[0]!);
  }
  return chosen.sort((one, other) => one - other);
}

function isActive({ state }: NodeRow): boolean {
  return state === "active";
}
