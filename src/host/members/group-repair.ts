import { webClock } from "../../env/web/index.ts";
import { SOLE_GROUP } from "../raft-group.ts";
import type { RaftStorage } from "../storage/raft-storage.ts";
import { type QuorumLossRepair, repairLostQuorum } from "./repair.ts";

export interface GroupRepair {
  /** Of the member that goes on; its group is closed. */
  readonly id: number;
  readonly storage: RaftStorage;
  /** Who decided this, and why: it stays in a file beside the snapshots. */
  readonly by: string;
  readonly reason: string;
}

/**
 * For a RaftGroup whose quorum is gone for good: makes this member the only one, with all that its storage holds; start
 * it again then, and take in new members under new ids. What only the lost ones had acknowledged is lost, and they must
 * never come back with their old storages: there would be two groups that both think they are the one. Rejects with
 * CHANGE_REFUSED where this member is no voter, or lost its own storage, and as the storage does.
 */
export async function repairGroup({ id, storage, by, reason }: GroupRepair): Promise<QuorumLossRepair> {
  let failure: Error | undefined;
  const opened = await storage.open({ onFatal: (error) => void (failure = error) });
  try {
    const env = { clock: storage.env?.clock ?? webClock, disk: opened.disk };
    const repair = await repairLostQuorum({ env, log: opened.log, nodeId: id, group: SOLE_GROUP, by, reason });
    if (failure !== undefined) throw failure;
    return repair;
  } finally {
    await opened[Symbol.asyncDispose]();
  }
}
