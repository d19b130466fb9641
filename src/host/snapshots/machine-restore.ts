import { hasCode } from "../../std/errors.ts";
import { hostFailure } from "../errors.ts";
import { FOUNDING_TERM, type Members } from "../members/members.ts";
import type { StateMachine } from "../state-machine.ts";
import type { RaftLog } from "../storage/raft-log.ts";
import { openSnapshotFile } from "./snapshot-file.ts";
import type { SnapshotFolder, StoredSnapshot } from "./snapshot-folder.ts";

export interface MachineRestore {
  readonly log: RaftLog;
  readonly group: number;
  readonly folder: SnapshotFolder;
  readonly machine: StateMachine<unknown>;
  /** Undefined on a node that joins, or lost what it had. */
  readonly members: Members | undefined;
}

/**
 * At the start: brings the machine to a state from which the log goes on. A machine in memory takes the newest
 * snapshot; one on disk needs one only where an installation had broken off. Gives the snapshots to keep, newest
 * first. Rejects with COMPACTED, LOG_BEHIND or SNAPSHOT_DAMAGED, and as the machine does.
 */
export async function restoreMachine(restore: MachineRestore): Promise<readonly StoredSnapshot[]> {
  const { log, group, folder, machine, members } = restore;
  const { compaction, lastIndex } = log.group(group);
  if (members === undefined) {
    // What a machine on disk still holds counts no more than its log: the group's leader sends a snapshot.
    await folder.removeOthers(() => ({ kept: [] }));
    return [];
  }
  if (machine.appliedIndex > lastIndex) {
    throw hostFailure("LOG_BEHIND", { data: { group, applied: machine.appliedIndex, last: lastIndex } });
  }
  if (compaction.index === members.foundedAt) feedFounding(machine, members.foundedAt);
  const stored: StoredSnapshot[] = [];
  let damage: unknown;
  for (const found of machine.restore === undefined ? [] : await folder.list()) {
    if (found.index < compaction.index || found.index > lastIndex) continue;
    // One that was to replace a log which others had overwritten, and whose installation broke off: the log goes on from
    // another state.
    if (log.group(group).termOf(found.index) !== found.term) continue;
    if (machine.isDurable === true && machine.appliedIndex >= compaction.index) break;
    try {
      stored.push(await restoreFrom(restore, found.name));
    } catch (error) {
      if (!hasCode(error, "SNAPSHOT_DAMAGED")) throw error;
      damage = error;
    }
  }
  if (machine.appliedIndex < compaction.index) {
    const data = { group, applied: machine.appliedIndex, compacted: compaction.index };
    throw damage ?? hostFailure("COMPACTED", { data });
  }
  const kept = machine.isDurable === true ? [] : stored;
  await folder.removeOthers(() => ({ kept }));
  return kept;
}

/** An older one than the machine's state is only opened: it may be needed if the newer one rots. */
async function restoreFrom({ folder, machine }: MachineRestore, name: string): Promise<StoredSnapshot> {
  const { head, bytes, source } = await openSnapshotFile(folder.disk, name);
  try {
    if (machine.appliedIndex < head.index) await machine.restore!(source, head.index);
  } finally {
    source.cancel();
  }
  return { ...head, name, bytes };
}

/** A founder's machine is empty at the founding index. */
function feedFounding(machine: StateMachine<unknown>, foundedAt: number): void {
  while (machine.appliedIndex < foundedAt) {
    machine.apply([{ index: machine.appliedIndex + 1, term: FOUNDING_TERM, commands: [] }]);
  }
}
