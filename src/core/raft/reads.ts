import { decodeHeartbeatContext } from "./heartbeat-context.ts";
import { type Message, MessageType, NONE, newMessage } from "./messages.ts";
import type { Progress } from "./progress.ts";
import type { Raft } from "./raft.ts";
import { broadcastHeartbeat } from "./replication.ts";

// A read is answered with the index that the reader's state machine must have reached. The leader's commit index serves once it has
// committed something in its own term: before that it may not know of all that is committed.

export function handleReadIndex(raft: Raft, message: Message): void {
  if (!raft.hasCommittedInTerm && !raft.hasBug("read-before-own-entry")) {
    // Also of a leader that decides alone: somebody who is no member any more may have told what was decided before.
    raft.earlyReads.push(message);
  } else if (raft.tracker.isSingleton) {
    answerRead(raft, message, raft.log.committed);
  } else {
    startRead(raft, message);
  }
}

export function releaseEarlyReads(raft: Raft): void {
  if (raft.earlyReads.length === 0 || !raft.hasCommittedInTerm) return;
  const messages = raft.earlyReads;
  raft.earlyReads = [];
  for (const message of messages) handleReadIndex(raft, message);
}

/** A follower's answer to a heartbeat says that it still followed this leader when it had read what is in it. */
export function acknowledgeReads(raft: Raft, progress: Progress, bytes: Uint8Array): void {
  const context = decodeHeartbeatContext(bytes);
  if (context === undefined) return;
  if (context.tick <= raft.ticks) progress.leaseTick = Math.max(progress.leaseTick, context.tick);
  if (context.read === 0 || raft.readQueue.length === 0) return;
  raft.readQueue.acknowledge(progress.id, context.read);
  const confirmed = raft.readQueue.takeConfirmed(raft.tracker.committedBy(raft.readQueue));
  for (const { message, index } of confirmed) answerRead(raft, message, index);
}

function startRead(raft: Raft, message: Message): void {
  if (raft.hasBug("read-without-quorum") || (raft.options.reads !== "safe" && holdsLease(raft))) {
    answerRead(raft, message, raft.log.committed);
    return;
  }
  raft.readQueue.add({ message, index: raft.log.committed });
  raft.readQueue.acknowledge(raft.id, raft.readQueue.newest);
  broadcastHeartbeat(raft);
}

/**
 * A quorum has answered heartbeats that were sent so short a time ago that none of them can have given up on this leader. Both clocks may
 * be a tick off, and a quarter of what remains is left for their drift.
 */
function holdsLease(raft: Raft): boolean {
  if (raft.isLeaseBroken) return false;
  if (raft.hasBug("lease-for-ever")) return true;
  const leaseTicks = Math.floor((raft.options.electionTicks - 1) * 0.75) - 1;
  return raft.ticks - raft.tracker.leaseTick(raft.id, raft.ticks) <= leaseTicks;
}

function answerRead(raft: Raft, message: Message, index: number): void {
  if (message.from === NONE || message.from === raft.id) {
    raft.readStates.push({ index, context: message.entries[0]!.data });
    return;
  }
  const response = newMessage(MessageType.readIndexResponse, message.from);
  response.index = index;
  response.entries = message.entries;
  raft.send(response);
}
