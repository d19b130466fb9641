import type { DataSafety } from "../blob/index.ts";
import { allMembers, allVoters } from "../core/raft/index.ts";
import { type LeaderView, spareVoters } from "./leader-view.ts";
import type { NodeRow, NodeState } from "./node-row.ts";
import { type RangesStatus, servingGroups } from "./ranges/ranges-status.ts";

export interface NodeStatus {
  readonly id: number;
  readonly state: NodeState;
  readonly zone: string;
  readonly peer: string;
  readonly endpoints: Readonly<Record<string, string>>;
  readonly role: "leader" | "voter" | "learner" | "none";
  /** Whether it has answered the leader lately. */
  readonly isAlive: boolean;
  /** Groups beside the cluster's own that are on it, or are to be. */
  readonly groups: number;
  /** Entries of the cluster's log that it does not hold yet; undefined where it is not known. */
  readonly entriesBehind: number | undefined;
  readonly joinedMillis: number;
  /** 0: it has none. */
  readonly certificateEndMillis: number;
}

export interface ClusterStatus {
  readonly name: string;
  readonly id: string;
  /** The node that answers. */
  readonly self: number;
  /** 0: nobody. */
  readonly leader: number;
  readonly nodes: readonly NodeStatus[];
  /** How many more nodes may fail, whichever they are, with everything still there and served; -1: too many have. */
  readonly canLose: number;
  /** How the cluster is, in a few sentences. */
  readonly summary: string;
  /** Of its volumes, where that is known. */
  readonly data: DataSafety | undefined;
}

export function clusterStatus(
  cluster: { readonly name: string; readonly id: string; readonly self: number },
  rows: readonly NodeRow[],
  view: LeaderView,
): ClusterStatus {
  const { leader, configuration, progress, lastIndex } = view;
  const voters = allVoters(configuration);
  const members = allMembers(configuration);
  const nodes = rows.map((row): NodeStatus => {
    const { id, state, zone, peer, endpoints, joinedMillis, certificateEndMillis } = row;
    const known = progress.find((one) => one.id === id);
    const isAlive = id === leader || known?.isAlive === true;
    const role = id === leader ? "leader" : voters.includes(id) ? "voter" : members.includes(id) ? "learner" : "none";
    const entriesBehind = id === leader ? 0 : known && Math.max(0, lastIndex - known.match);
    return {
      id,
      state,
      zone,
      peer,
      endpoints,
      role,
      isAlive,
      entriesBehind,
      joinedMillis,
      certificateEndMillis,
      groups: 0,
    };
  });
  const canLose =
    leader === 0 ? -1 : spareVoters(configuration, (id) => nodes.some((node) => node.id === id && node.isAlive));
  return { ...cluster, leader, nodes, canLose, summary: summaryOf(nodes, canLose), data: undefined };
}

/** The cluster is as safe as the least safe of the groups that serve its rows. */
export function withGroups(status: ClusterStatus, ranges: RangesStatus): ClusterStatus {
  const nodes = status.nodes.map((node) => {
    const groups = ranges.groups.filter((group) => [...group.nodes, ...group.members].includes(node.id)).length;
    return { ...node, groups };
  });
  const serving = servingGroups(ranges);
  const canLose = Math.min(status.canLose, ...serving.map((group) => group.canLose));
  if (canLose === status.canLose) return { ...status, nodes };
  const stopped = serving.filter((group) => group.canLose < 0).length;
  const note = stopped === 1 ? "1 group of ranges is" : `${stopped} groups of ranges are`;
  const summary = stopped > 0 ? `Too few nodes answer: ${note} not served.` : summaryOf(nodes, canLose);
  return { ...status, nodes, canLose, summary };
}

/** The cluster is as safe as the less safe of its rows and its volumes. */
export function withData(status: ClusterStatus, data: DataSafety | undefined): ClusterStatus {
  if (data === undefined || status.canLose < 0) return { ...status, data };
  const canLose = Math.min(status.canLose, data.canLose);
  const loss = canLose < 0 ? [] : [summaryOf(status.nodes, canLose)];
  return { ...status, data, canLose, summary: [...loss, ...dataNotes(data)].join(" ") };
}

function dataNotes({ atRisk, unreadable }: DataSafety): string[] {
  const short = atRisk.filter(({ missing }) => missing > 0).length;
  const notes: string[] = [];
  if (unreadable > 0) notes.push(`No node that answers has a copy of ${counted(unreadable)}.`);
  if (short > 0) notes.push(`${counted(short)} ${short === 1 ? "has" : "have"} too few copies.`);
  return notes;
}

function counted(volumes: number): string {
  return volumes === 1 ? "1 volume" : `${volumes} volumes`;
}

function summaryOf(nodes: readonly NodeStatus[], canLose: number): string {
  if (canLose < 0) return "Too few nodes answer: nothing can be written.";
  const expected = nodes.filter(({ state }) => state === "active" || state === "draining");
  const missing = expected.filter(({ isAlive }) => !isAlive).map(({ id }) => id);
  const lagging = expected.filter(({ isAlive, role }) => isAlive && role === "none").map(({ id }) => id);
  const loss = canLose === 1 ? "Can lose 1 more node." : `Can lose ${canLose} more nodes.`;
  const named = (ids: readonly number[]): string => `${ids.length === 1 ? "Node" : "Nodes"} ${ids.join(", ")}`;
  const notes = [
    missing.length > 0 && `${named(missing)} ${missing.length === 1 ? "does" : "do"} not answer.`,
    lagging.length > 0 && `${named(lagging)} ${lagging.length === 1 ? "is" : "are"} being taken in.`,
  ].filter((note) => note !== false);
  return [loss, ...notes].join(" ");
}
