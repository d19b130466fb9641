import { hostFailure } from "../errors.ts";
import { appended } from "../snapshots/group-snapshots.ts";
import type { SnapshotFolder } from "../snapshots/snapshot-folder.ts";
import type { RaftLog } from "../storage/raft-log.ts";
import { decodeMembers, isSole } from "./members.ts";

export interface Forgetting {
  readonly log: RaftLog;
  readonly nodeId: number;
  readonly group: number;
  /** Nobody needs it any more: it may be the last one of its kind. */
  readonly isOver: boolean;
  /** Ends what the group does here, where it is open. */
  readonly close: () => Promise<void>;
  readonly folder: SnapshotFolder;
}

/**
 * Removes what this node holds of a group that has removed it as a member. Where the group had not, the node is one
 * that lost its disk. Rejects with CHANGE_REFUSED where nobody else holds the group.
 */
export async function forgetGroup({ log, nodeId, group, folder, isOver, close }: Forgetting): Promise<void> {
  const { configuration } = log.group(group);
  if (!isOver && configuration !== undefined && isSole(decodeMembers(configuration), nodeId)) {
    const what = "The group was not forgotten: no other node holds it.";
    throw hostFailure("CHANGE_REFUSED", { what, data: { group } });
  }
  await close();
  // The log first: snapshots without a log are nobody's, a log without its snapshots is one that lost its beginning.
  await appended(log, [{ kind: "removed", group }]);
  await folder.removeOthers(() => ({ kept: [] }));
  await log.release();
}
