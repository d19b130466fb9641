import { type Message, MessageType, NONE, newMessage } from "./messages.ts";
import type { Progress } from "./progress.ts";
import { promoteJoined } from "./promotion.ts";
import { type DropReason, propose } from "./proposals.ts";
import type { Raft } from "./raft.ts";
import { acknowledgeReads, handleReadIndex, releaseEarlyReads } from "./reads.ts";
import { handleRejoin } from "./rejoin.ts";
import { broadcastAppend, broadcastHeartbeat, maybeCommit, sendAppend, sendAppends } from "./replication.ts";

export function stepLeader(raft: Raft, message: Message): DropReason | undefined {
  switch (message.type) {
    case MessageType.beat:
      broadcastHeartbeat(raft);
      promoteJoined(raft);
      return undefined;
    case MessageType.checkQuorum:
      checkQuorum(raft);
      return undefined;
    case MessageType.propose:
      return propose(raft, message.entries, message.from);
    case MessageType.readIndex:
      handleReadIndex(raft, message);
      return undefined;
    default: {
      const progress = raft.tracker.progress(message.from);
      if (progress !== undefined) stepProgress(raft, progress, message);
      return undefined;
    }
  }
}

/** What concerns one member: the sender, or for a report the one that it is about. */
function stepProgress(raft: Raft, progress: Progress, message: Message): void {
  switch (message.type) {
    case MessageType.appendResponse:
      progress.heard();
      if (isForgotten(progress, message) && !raft.hasBug("count-lost-acknowledgements")) return;
      if (message.reject) handleRejection(raft, progress, message);
      else handleAcknowledgement(raft, progress, message);
      return;
    case MessageType.heartbeatResponse:
      handleHeartbeatResponse(raft, progress, message);
      return;
    case MessageType.snapshotStatus:
      if (progress.state !== "snapshot") return;
      if (message.reject) progress.pendingSnapshot = 0;
      progress.becomeProbe();
      // Waits for the follower's own word on it, or for the next heartbeat.
      progress.isAppendPaused = true;
      return;
    case MessageType.unreachable:
      // What was sent ahead is probably lost.
      if (progress.state === "replicate") progress.becomeProbe();
      return;
    case MessageType.transferLeader:
      transferLeadership(raft, progress);
      return;
    case MessageType.rejoin:
      handleRejoin(raft, progress, message.incarnation);
      return;
    default:
      return;
  }
}

/** Said by what the member was before it lost its disk, or not to be counted until the group knows of the loss. */
function isForgotten({ isLost, incarnation }: Progress, message: Message): boolean {
  return isLost || (incarnation !== 0 && incarnation !== message.incarnation);
}

function handleRejection(raft: Raft, progress: Progress, message: Message): void {
  let hint = message.rejectHint;
  // The other way round than the follower's search: its term at the hint can not match ours above that term.
  if (message.logTerm > 0) hint = raft.log.findConflictByTerm(message.rejectHint, message.logTerm).index;
  if (!progress.maybeDecrease(message.index, hint)) return;
  if (progress.state === "replicate") progress.becomeProbe();
  sendAppend(raft, progress);
}

function handleAcknowledgement(raft: Raft, progress: Progress, message: Message): void {
  const { log } = raft;
  const isNews = progress.maybeUpdate(message.index);
  // A probe may be answered by what was known already: that is where the logs meet.
  if (!isNews && !(progress.match === message.index && progress.state === "probe")) return;
  switch (progress.state) {
    case "probe":
      progress.becomeReplicate();
      break;
    case "snapshot":
      if (progress.match + 1 >= log.firstIndex) {
        // The log reaches the follower again, whether or not the snapshot did.
        progress.becomeProbe();
        progress.becomeReplicate();
      }
      break;
    case "replicate":
      progress.inflights.freeTo(message.index);
      break;
  }
  const isOwn = progress.id === raft.id;
  if (maybeCommit(raft)) {
    releaseEarlyReads(raft);
    broadcastAppend(raft);
  } else if (!isOwn && progress.canBumpCommit(log.committed)) {
    sendAppend(raft, progress);
  }
  if (isOwn) return;
  sendAppends(raft, progress);
  if (progress.id === raft.leadTransferee && progress.match === log.lastIndex) sendTimeoutNow(raft, progress);
}

function handleHeartbeatResponse(raft: Raft, progress: Progress, message: Message): void {
  progress.heard();
  progress.isAppendPaused = false;
  // Also what was sent and lost is found out this way: an append that does not fit is rejected.
  if (progress.match < raft.log.lastIndex || progress.state === "probe") sendAppend(raft, progress);
  acknowledgeReads(raft, progress, message.context);
}

/** A leader that a quorum can not hear may have been replaced without knowing. */
function checkQuorum(raft: Raft): void {
  if (!raft.tracker.isQuorumActive) raft.becomeFollower(raft.term, NONE);
  for (const progress of raft.tracker.members) if (progress.id !== raft.id) progress.checked();
}

function transferLeadership(raft: Raft, progress: Progress): void {
  if (progress.isLearner || progress.isWitness || progress.isLost) return;
  if (raft.leadTransferee === progress.id) return;
  raft.leadTransferee = NONE;
  if (progress.id === raft.id) return;
  // It has an election timeout to succeed; until then nothing is proposed, so that the other can catch up.
  raft.electionElapsed = 0;
  raft.leadTransferee = progress.id;
  if (progress.match === raft.log.lastIndex) sendTimeoutNow(raft, progress);
  else sendAppend(raft, progress);
}

function sendTimeoutNow(raft: Raft, progress: Progress): void {
  raft.isLeaseBroken = !raft.hasBug("lease-after-transfer");
  raft.send(newMessage(MessageType.timeoutNow, progress.id));
}
