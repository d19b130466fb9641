import { hostFailure } from "./errors.ts";
import { appended } from "./group-snapshots.ts";
import { decodeMembers, isSole } from "./members.ts";
import type { RaftLog } from "./raft-log.ts";
import type { SnapshotFolder } from "./snapshot-folder.ts";

export interface Forgetting {
  readonly log: RaftLog;
  readonly nodeId: number;
  readonly group: number;
  /** Ends what the group does here, where it is open. */
  readonly close: () => Promise<void>;
  readonly folder: SnapshotFolder;
}

/**
 * Removes what this node holds of a group that has removed it as a member. Where the group had not, the node is one
 * that lost its disk. Rejects with CHANGE_REFUSED where nobody else holds the group.
 */
export async function forgetGroup({ log, nodeId, group, folder, close }: Forgetting): Promise<void> {
  const { configuration } = log.group(group);
  if (configuration !== undefined && isSole(decodeMembers(configuration), nodeId)) {
    const what = "The group was not forgotten: no other node holds it.";
    throw hostFailure("CHANGE_REFUSED", { what, data: { group } });
  }
  await close();
  // The log first: snapshots without a log are nobody's, a log without its snapshots is one that lost its beginning.
  await appended(log, [{ kind: "removed", group }]);
  await folder.removeOthers(() => ({ kept: [] }));
  await log.release();
}
