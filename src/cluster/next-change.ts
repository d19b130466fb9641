// Which members a group should have. The cluster's own has all nodes that hold data, and up to five of them vote; any other
// one has the nodes that its row names. One step at a time; each is safe on its own, and where nothing is to be done there
// is none.

import { type Change, ChangeType, type Configuration, change, isJoint, isMember } from "../core/raft/index.ts";
import type { NodeRow } from "./node-row.ts";

export const VOTERS_MAX = 5;

/**
 * The next change of membership; undefined where the members are as they should be, or a change is under way. Votes are
 * spread over the zones. No vote is meant for a member that does not answer.
 */
export function nextChange(
  rows: readonly NodeRow[],
  configuration: Configuration,
  answers: (id: number) => boolean = () => true,
): readonly Change[] | undefined {
  if (isJoint(configuration)) return undefined;
  const { voters, joining } = configuration;
  const rowOf = new Map(rows.map((row) => [row.id, row]));
  const isGone = (id: number): boolean => rowOf.get(id)?.state === "removed";
  const gone = [...voters, ...configuration.learners].filter(isGone);
  if (gone.length > 0) return [change(ChangeType.removeNode, gone[0]!)];

  const electorate = voters.length + joining.length;
  const present = rows.filter(({ state }) => state === "active" || state === "draining");
  const newcomer = present.find(({ id }) => !isMember(configuration, id));
  if (newcomer !== undefined) {
    // One too many votes until the node that it replaces is gone; of one that did not vote, no vote becomes free.
    const takesVote = voters.includes(newcomer.replaces) && !isGone(newcomer.replaces);
    const mayVote = newcomer.state === "active" && (electorate < VOTERS_MAX || takesVote);
    return [change(mayVote ? ChangeType.addJoining : ChangeType.addLearner, newcomer.id)];
  }
  return spare(rowOf, configuration, answers) ?? surplus(rowOf, configuration);
}

/**
 * Of a group that is to have these nodes, as far as they are in use. The others go once all of these have come, one by
 * one; at once those that were removed from the cluster.
 */
export function nextGroupChange(
  wanted: readonly number[],
  nodes: readonly NodeRow[],
  configuration: Configuration,
  answers?: (id: number) => boolean,
): readonly Change[] | undefined {
  const isWanted = ({ id }: NodeRow): boolean => wanted.includes(id);
  const rows = nodes
    .filter((row) => isWanted(row) || isMember(configuration, row.id))
    .map((row) => (isWanted(row) || row.state === "removed" ? row : { ...row, state: "draining" as const }));
  const next = nextChange(rows, configuration, answers);
  if (next !== undefined || isJoint(configuration) || configuration.joining.length > 0) return next;
  const leaving = rows.find((row) => !isWanted(row) && isMember(configuration, row.id));
  if (leaving === undefined) return undefined;
  const staying = rows.filter((row) => isWanted(row) && row.state === "active");
  const votes = staying.filter(({ id }) => configuration.voters.includes(id)).length;
  // Without a member that can lead alone nobody goes.
  if (votes === 0 || votes < Math.min(staying.length, VOTERS_MAX)) return undefined;
  return [change(ChangeType.removeNode, leaving.id)];
}

type Rows = ReadonlyMap<number, NodeRow>;

/** A learner takes the place that is free, that a draining voter gives up, or that another zone has too many of. */
function spare(
  rowOf: Rows,
  configuration: Configuration,
  answers: (id: number) => boolean,
): readonly Change[] | undefined {
  const { voters, learners, joining } = configuration;
  const votesOf = votesInZones(rowOf, configuration);
  const [candidate] = learners
    .filter((id) => rowOf.get(id)?.state === "active" && !joining.includes(id) && answers(id))
    .sort((one, other) => votesOf(one) - votesOf(other) || one - other);
  const draining = voters.find((id) => rowOf.get(id)?.state === "draining");
  const isSkewed = candidate !== undefined && voters.some((id) => votesOf(id) > votesOf(candidate) + 1);
  // One more for a moment, in the place of another one; not for each learner that there is.
  const electorate = voters.length + joining.length;
  const isFree = electorate < VOTERS_MAX || (electorate === VOTERS_MAX && (draining !== undefined || isSkewed));
  if (candidate !== undefined && isFree && joining.length === 0) {
    return [change(ChangeType.addJoining, candidate)];
  }
  // Its place was taken: it goes on holding the data until it is removed.
  if (draining !== undefined && voters.length > VOTERS_MAX) return [change(ChangeType.addLearner, draining)];
  return undefined;
}

/** One too many may vote, as behind a spreading over zones, or where a draining was ended after its vote was given away. */
function surplus(rowOf: Rows, configuration: Configuration): readonly Change[] | undefined {
  const replaced = replacedNodes([...rowOf.values()], configuration);
  const votesOf = votesInZones(rowOf, configuration);
  const staying = configuration.voters
    .filter((id) => !replaced.includes(id))
    .sort((one, other) => votesOf(other) - votesOf(one) || other - one);
  if (staying.length <= VOTERS_MAX || configuration.joining.length > 0) return undefined;
  return [change(ChangeType.addLearner, staying[0]!)];
}

/** How many vote, or are about to, in the zone of a node. Nodes without a zone fail one by one. */
function votesInZones(rowOf: Rows, { voters, joining }: Configuration): (id: number) => number {
  const zoneOf = (id: number): string | number => rowOf.get(id)?.zone || id;
  const votes = new Map<string | number, number>();
  for (const id of [...voters, ...joining]) votes.set(zoneOf(id), (votes.get(zoneOf(id)) ?? 0) + 1);
  return (id) => votes.get(zoneOf(id)) ?? 0;
}

/**
 * Nodes that the ones which replace them have made superfluous: these vote, or hold the data where the others did no more.
 * One that was itself replaced before it did counts too.
 */
export function replacedNodes(rows: readonly NodeRow[], { voters, learners }: Configuration): readonly number[] {
  const rowOf = new Map(rows.map((row) => [row.id, row]));
  const replaced: number[] = [];
  for (const { id, state, replaces } of rows) {
    if (state !== "active") continue;
    for (let row = rowOf.get(replaces); row !== undefined; row = rowOf.get(row.replaces)) {
      const isInPlace = voters.includes(id) || (learners.includes(id) && !voters.includes(row.id));
      if (isInPlace && row.state !== "removed") replaced.push(row.id);
    }
  }
  return replaced;
}
