import {
  allMembers,
  type Configuration,
  canDecide,
  configurationOf,
  isMember,
  isVoter,
} from "../../core/raft/index.ts";
import type { Clock } from "../../env/index.ts";
import { utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { type HostError, hostFailure } from "../errors.ts";
import { appended } from "../snapshots/group-snapshots.ts";
import type { RaftLog } from "../storage/raft-log.ts";
import type { SnapshotDisk } from "../storage/raft-storage.ts";
import { decodeMembers, encodeMembers, type Members } from "./members.ts";

export interface QuorumLoss {
  readonly env: { readonly clock: Clock; readonly disk: SnapshotDisk };
  /** Of the node that goes on, with the group closed. */
  readonly log: RaftLog;
  readonly nodeId: number;
  readonly group: number;
  /** Default: `raft`. */
  readonly folder?: string;
  /** Members whose disks are gone for good. */
  readonly lost?: readonly number[];
  /** Who decided this, and why: it stays in the audit file. */
  readonly by: string;
  readonly reason: string;
}

export interface QuorumLossRepair {
  readonly timeMillis: number;
  readonly nodeId: number;
  readonly group: number;
  readonly by: string;
  readonly reason: string;
  /** Of the log that became the group's, whatever of it had been acknowledged. */
  readonly lastIndex: number;
  readonly term: number;
  readonly votersBefore: readonly number[];
  /** Members whose disks are gone, where it was said who they are. */
  readonly lost?: readonly number[];
}

/** What a member holds of its group, and what a repair would make of that. */
export interface QuorumLossFindings {
  readonly nodeId: number;
  readonly group: number;
  readonly lastIndex: number;
  /** Of the entry at the last index: of two survivors the one with the larger term, then the larger index, lacks less. */
  readonly lastTerm: number;
  /** Entries up to here were decided. Those behind may have been, or not: they would count all the same. */
  readonly commit: number;
  /** That the group would go on in. */
  readonly term: number;
  readonly members: Configuration;
  /** That the group would go on with. */
  readonly membersAfter: Configuration;
}

/**
 * For a group whose quorum is gone for good: makes this node its only voter, with all that its log holds. What only the
 * lost members had acknowledged is lost; and should they ever come back with their old disks, there could be two groups
 * that both think they are the one: whoever calls this promises that they do not. With `lost` all other members stay as
 * learners that vote again once they have caught up, the lost ones with empty disks; without it they are gone and may
 * join under new ids. Written to the audit file before it is done. Rejects as `examineLostQuorum`.
 */
export async function repairLostQuorum(loss: QuorumLoss): Promise<QuorumLossRepair> {
  const { env, log, nodeId, group, by, reason, lost } = loss;
  const { lastIndex, term, members: before, membersAfter: configuration } = examineLostQuorum(loss);
  const { hardState, configuration: mark } = log.group(group);
  const repair: QuorumLossRepair = {
    ...{ timeMillis: env.clock.now(), nodeId, group, by, reason, lastIndex, term },
    votersBefore: before.voters,
    ...(lost !== undefined && { lost }),
  };
  await audit(env.disk, loss.folder ?? "raft", repair);
  const members: Members = { index: lastIndex, foundedAt: decodeMembers(mark!).foundedAt, configuration };
  const incarnation = hardState?.incarnation ?? 0;
  await appended(log, [
    { kind: "configuration", group, index: lastIndex, bytes: encodeMembers(members) },
    { kind: "hardState", group, term, vote: 0, commit: lastIndex, incarnation, isLost: false },
  ]);
  return repair;
}

/**
 * Says what a repair would do, and changes nothing. Throws CHANGE_REFUSED where this node does not hold the group, or
 * holds it as one that lost its disk, and where the members that are not lost are a quorum.
 */
export function examineLostQuorum({ log, nodeId, group, lost }: Omit<QuorumLoss, "by" | "reason">): QuorumLossFindings {
  const { configuration: mark, hardState, lastIndex, lastTerm, damage } = log.group(group);
  if (mark === undefined) throw refused("this node holds nothing of the group", group);
  if (hardState?.isLost === true) throw refused("this node lost its own disk and knows nothing for certain", group);
  const members = decodeMembers(mark).configuration;
  const { voters, witnesses } = members;
  if (!voters.includes(nodeId)) throw refused("this node is no voter of the group", group);
  if (witnesses.includes(nodeId)) throw refused("this node is a witness and holds none of the group's data", group);
  if (damage !== undefined) throw refused("part of this node's own log can not be read", group);
  if (lost !== undefined) checkLost(members, nodeId, lost, group);
  const term = Math.max(hardState?.term ?? 0, lastTerm) + 1;
  const membersAfter = configurationOf({ voters: [nodeId], ...(lost !== undefined && comingBack(members, nodeId)) });
  return { nodeId, group, lastIndex, lastTerm, commit: hardState?.commit ?? 0, term, members, membersAfter };
}

/** Of the groups that a log knows the members of; this node need not be one any more. */
export function membersInLog(log: Pick<RaftLog, "group">, group: number): Configuration | undefined {
  const { configuration: mark } = log.group(group);
  return mark && decodeMembers(mark).configuration;
}

/** Of an error of `examineLostQuorum`: the group needs no repair. */
export function goesOnByItself(error: unknown): boolean {
  return hasCode(error, "CHANGE_REFUSED") && (error as HostError).data["isQuorumThere"] === true;
}

function checkLost(members: Configuration, nodeId: number, lost: readonly number[], group: number): void {
  const stranger = lost.find((id) => !isMember(members, id));
  if (stranger !== undefined) throw refused(`node ${stranger} is no member of the group`, group);
  if (lost.includes(nodeId)) throw refused("the node that is to go on is called lost", group);
  if (canDecide(members, (id) => !lost.includes(id))) {
    const why = "the members that are not lost are a quorum: start them, and the group goes on by itself";
    throw refused(why, group, { isQuorumThere: true });
  }
}

/** All but a witness, which can not come back. */
function comingBack(members: Configuration, nodeId: number): Partial<Configuration> {
  const others = allMembers(members).filter((id) => id !== nodeId && !members.witnesses.includes(id));
  return { learners: others, joining: others.filter((id) => isVoter(members, id) || members.joining.includes(id)) };
}

async function audit(disk: SnapshotDisk, folder: string, repair: QuorumLossRepair): Promise<void> {
  await disk.makeDirectory(folder);
  const name = `${folder}/repairs.jsonl`;
  const file = await disk.open(name, "write").catch((error) => {
    if (hasCode(error, "FILE_MISSING")) return disk.open(name, "create");
    throw error;
  });
  try {
    await file.write(await file.length(), [utf8(`${JSON.stringify(repair)}\n`)]);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.syncDirectory(folder);
}

function refused(why: string, group: number, more: { readonly isQuorumThere?: boolean } = {}): Error {
  const what = `Group ${group} can not be repaired here: ${why}.`;
  return hostFailure("CHANGE_REFUSED", { what, data: { group, ...more } });
}
