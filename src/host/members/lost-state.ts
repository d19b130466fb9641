import { type Message, MessageType, type RaftNode } from "../../core/raft/index.ts";
import { hostFailure } from "../errors.ts";

/**
 * Whether a leader speaks of entries that this member acknowledged and does not have: its disk lost them, or its data was
 * put back to an earlier state. Then its votes may be forgotten too, and it must not go on.
 */
export function lostState({ type, term, commit, incarnation }: Message, node: RaftNode): Error | undefined {
  if (type !== MessageType.heartbeat || commit <= node.lastIndex || term < node.currentTerm) return undefined;
  // Meant for what this node was before it lost its disk, and said so.
  if (node.isLost || incarnation !== node.status.incarnation) return undefined;
  return hostFailure("STATE_LOST", { data: { acknowledged: commit, lastIndex: node.lastIndex } });
}
