import { isMember } from "../core/raft/index.ts";
import type { Env } from "../env/index.ts";
import { createNodeEnv } from "../env/node/index.ts";
import {
  examineLostQuorum,
  goesOnByItself,
  membersInLog,
  type QuorumLossFindings,
  type QuorumLossRepair,
  repairLostQuorum,
} from "../host/index.ts";
import { Log } from "../log/index.ts";
import { hasCode } from "../std/errors.ts";
import { type GroupRow, groupsInIndex, REPLICATED_DEFAULTS, ROOT_GROUP } from "../store/index.ts";
import { readClusterFile } from "./cluster-file.ts";
import { serverFailure } from "./errors.ts";
import { SERVER_OPTIONS } from "./options.ts";

export interface QuorumRepair {
  /** Of a node that is stopped. */
  readonly dataDirectory: string;
  /** Nodes whose data directories are gone for good. */
  readonly lost: readonly number[];
  /** Of all that the node holds, only these; 1 is the root group. */
  readonly groups?: readonly number[];
  /** Who decided it, and why; without it nothing is changed. */
  readonly decision?: { readonly by: string; readonly reason: string };
}

export interface QuorumRepairResult {
  readonly cluster: string;
  readonly nodeId: number;
  /** That the node holds, the root group first. */
  readonly groups: readonly GroupRepair[];
  /** That it does not hold, as far as it knew, and that do not go on by themselves; undefined: it can not say. */
  readonly elsewhere: readonly LostElsewhere[] | undefined;
}

export type GroupRepair =
  /** It has no quorum, and goes on with what this node has, once there is a `repair`. */
  | {
      readonly state: "lost";
      readonly group: number;
      readonly findings: QuorumLossFindings;
      readonly repair: QuorumLossRepair | undefined;
    }
  /** Enough of its members are left. */
  | { readonly state: "goes-on"; readonly group: number }
  /** It has no quorum, and this node can not make it go on. */
  | { readonly state: "refused"; readonly group: number; readonly why: string };

export interface LostElsewhere {
  readonly group: number;
  /** On which of them it can be repaired; none: its rows are gone. */
  readonly survivors: readonly number[];
}

/**
 * For a cluster that lost the disks of a majority: makes the node whose data directory this is go on with what it holds,
 * in each group whose quorum is gone. Groups that have one, or whose repair was done before, are left as they are.
 * Rejects with CLUSTER_CHANGED where it is no node of a cluster, with CHANGE_REFUSED where none of the groups can be
 * repaired here, with DISK_LOCKED where the node runs, and as the log does; then nothing was changed.
 */
export async function repairQuorum(asked: QuorumRepair): Promise<QuorumRepairResult> {
  const { dataDirectory, lost, decision } = asked;
  await using env: Env = await createNodeEnv({ dataDirectory });
  await using _ = await env.disk.lock();
  const node = await readClusterFile(env.disk);
  if (node === undefined)
    throw serverFailure("CLUSTER_CHANGED", { what: "The data directory is of no cluster's node." });
  const segmentBytes = SERVER_OPTIONS.segmentBytes.default;
  const log = await Log.open(env, { options: { segmentBytes }, onFatal: () => {} });
  try {
    const held = groupsHeld(log);
    const parts = { env, log, nodeId: node.nodeId };
    const wanted = asked.groups ?? held;
    let refusal: unknown;
    const groups = wanted.map((group): GroupRepair => {
      try {
        return { state: "lost", group, findings: examineLostQuorum(lossOf(parts, group, lost)), repair: undefined };
      } catch (error) {
        if (!hasCode(error, "CHANGE_REFUSED")) throw error;
        refusal ??= error;
        return goesOnByItself(error) ? { state: "goes-on", group } : { state: "refused", group, why: error.message };
      }
    });
    if (!groups.some(({ state }) => state === "lost")) throw refusal;
    const elsewhere = await lostElsewhere(env, new Set(held), lost);
    if (decision === undefined) return { cluster: node.name, nodeId: node.nodeId, groups, elsewhere };
    const repaired: GroupRepair[] = [];
    // The root group last: without it no other one serves anything.
    for (const one of groups.toReversed()) {
      if (one.state !== "lost") repaired.unshift(one);
      else {
        const repair = await repairLostQuorum({ ...lossOf(parts, one.group, lost), ...decision });
        repaired.unshift({ ...one, repair });
      }
    }
    return { cluster: node.name, nodeId: node.nodeId, groups: repaired, elsewhere };
  } finally {
    await log.close();
  }
}

interface RepairParts {
  readonly env: Env;
  readonly log: Log;
  readonly nodeId: number;
}

/** Every lost node was a member of the root group, and some are members of another one. */
function lossOf(parts: RepairParts, group: number, lost: readonly number[]) {
  const members = group === ROOT_GROUP ? undefined : membersInLog(parts.log, group);
  return { ...parts, group, lost: members === undefined ? lost : lost.filter((id) => isMember(members, id)) };
}

function groupsHeld(log: Log): readonly number[] {
  const known = [...log.groups()].flatMap(({ group }) => (membersInLog(log, group) === undefined ? [] : [group]));
  return [ROOT_GROUP, ...known.filter((group) => group !== ROOT_GROUP).sort((one, other) => one - other)];
}

async function lostElsewhere(
  env: Env,
  held: ReadonlySet<number>,
  lost: readonly number[],
): Promise<readonly LostElsewhere[] | undefined> {
  const rows = await groupsKnown(env);
  return rows?.flatMap(({ id, state, members }) => {
    const survivors = members.filter((node) => !lost.includes(node));
    if (held.has(id) || state === "retiring" || survivors.length * 2 > members.length) return [];
    return [{ group: id, survivors }];
  });
}

async function groupsKnown({ indexes }: Env): Promise<readonly GroupRow[] | undefined> {
  try {
    const index = await indexes.open(REPLICATED_DEFAULTS.index);
    try {
      return groupsInIndex(index);
    } finally {
      await index.close();
    }
  } catch (error) {
    if (!hasCode(error, "INDEX_DAMAGED") && !hasCode(error, "ROW_DAMAGED")) throw error;
    return undefined;
  }
}
