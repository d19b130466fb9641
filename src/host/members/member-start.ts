import { canDecide } from "../../core/raft/index.ts";
import { type AshlarError, hasCode } from "../../std/errors.ts";
import { type HostErrorCode, hostFailure } from "../errors.ts";
import { appended } from "../snapshots/group-snapshots.ts";
import { type MachineRestore, restoreMachine } from "../snapshots/machine-restore.ts";
import type { StoredSnapshot } from "../snapshots/snapshot-folder.ts";
import type { RaftLog } from "../storage/raft-log.ts";
import { decodeMembers, type Members } from "./members.ts";

/** What a start does where machine and snapshots do not give the state that the log goes on from. */
export type OnStateLost = "refuse" | "rejoin";

export interface MemberStart extends Omit<MachineRestore, "members"> {
  readonly nodeId: number;
  readonly lostDisk: boolean;
  readonly onStateLost: OnStateLost;
  /** A number in [0, 1). */
  readonly random: () => number;
  readonly onForgotten: () => void;
}

export interface StartedMember {
  /** Undefined on a node that joins, or lost what it had. */
  readonly members: Members | undefined;
  readonly stored: readonly StoredSnapshot[];
  readonly lostDisk: boolean;
}

/**
 * Brings a member's machine to the state from which its log goes on. Where that state is gone the member can be one that
 * lost its disk, as long as the others can do without it: they bring it up to date. Rejects as `restoreMachine`.
 */
export async function startMember(start: MemberStart): Promise<StartedMember> {
  const { log, group, lostDisk } = start;
  const mark = log.group(group).configuration;
  const members = mark === undefined ? undefined : decodeMembers(mark);
  try {
    return { members, stored: await restoreMachine({ ...start, members }), lostDisk };
  } catch (error) {
    const isLost = hasCode(error, "COMPACTED") || hasCode(error, "SNAPSHOT_DAMAGED");
    if (!isLost || start.onStateLost === "refuse" || members === undefined) throw error;
    if (!canSpare(members, start.nodeId)) throw irreplaceable(error as AshlarError<HostErrorCode>, group);
    await forgetGroupState(log, group, start.random);
    start.onForgotten();
    return { members: undefined, stored: await restoreMachine({ ...start, members: undefined }), lostDisk: true };
  }
}

/**
 * Gives up all that the log holds of a group, in one record of the log: from then on this node is a member that lost its
 * disk, also after a crash.
 */
export function forgetGroupState(log: RaftLog, group: number, random: () => number): Promise<void> {
  const { hardState, lastTerm } = log.group(group);
  const term = Math.max(hardState?.term ?? 0, lastTerm);
  const incarnation = 1 + Math.floor(random() * 0xffff_fffe);
  return appended(log, [
    { kind: "removed", group },
    { kind: "hardState", group, term, vote: 0, commit: 0, incarnation, isLost: true },
  ]);
}

/** Whether the other members can elect a leader that has the group's data. */
function canSpare({ configuration }: Members, nodeId: number): boolean {
  return canDecide(configuration, (id) => id !== nodeId);
}

function irreplaceable(cause: AshlarError<HostErrorCode>, group: number): Error {
  const what =
    "The state that the group's log goes on from is missing or damaged here, and the other members are no quorum without this one.";
  return hostFailure(cause.code, { what, data: { ...cause.data, group }, cause });
}
