import { takeCommitHint } from "./commit-hint.ts";
import { handleVoteRequest, isVoteWithheld, refuseVote, startCampaign, stepCandidate } from "./election.ts";
import { followLeader, handleAppend, handleHeartbeat, handleSnapshot, stepFollower } from "./follower.ts";
import { stepLeader } from "./leader.ts";
import { appliedTo } from "./membership.ts";
import { entriesBytes, type Message, MessageType, NONE, newMessage, payloadBytes } from "./messages.ts";
import type { DropReason } from "./proposals.ts";
import { handleQuiesce, maybeQuiesce, wake, wakes } from "./quiescence.ts";
import type { Raft } from "./raft.ts";
import { stepLost } from "./rejoin.ts";

/** The one door into the protocol. A reason comes back where a proposal was dropped. */
export function step(raft: Raft, message: Message): DropReason | undefined {
  if (raft.isQuiescent && wakes(raft, message)) wake(raft);
  if (raft.isLost && !isStorageResponse(message)) {
    stepLost(raft, message);
    return message.type === MessageType.propose ? "no-leader" : undefined;
  }
  if (message.term > raft.term) {
    if (!acceptsHigherTerm(raft, message)) return undefined;
  } else if (message.term !== 0 && message.term < raft.term) {
    handleLowerTerm(raft, message);
    return undefined;
  }
  switch (message.type) {
    case MessageType.hup:
      startCampaign(raft);
      return undefined;
    case MessageType.storageAppendResponse:
      if (message.index !== 0) raft.log.unstable.stableTo(message.index, message.logTerm);
      appliedSnapshot(raft, message);
      return undefined;
    case MessageType.storageApplyResponse:
      handleApplied(raft, message);
      return undefined;
    case MessageType.vote:
    case MessageType.preVote:
      handleVoteRequest(raft, message);
      return undefined;
    case MessageType.append:
    case MessageType.heartbeat:
    case MessageType.snapshot:
    case MessageType.quiesce:
      handleLeader(raft, message);
      return undefined;
    default:
      return stepRole(raft, message);
  }
}

/** One tick of the owner's clock. */
export function tick(raft: Raft): void {
  if (raft.voteHoldTicks > 0) raft.voteHoldTicks--;
  if (raft.isQuiescent) return;
  if (raft.role === "leader") tickHeartbeat(raft);
  else tickElection(raft);
}

function tickElection(raft: Raft): void {
  raft.electionElapsed++;
  if (!raft.isPromotable || !raft.isPastElectionTimeout) return;
  raft.electionElapsed = 0;
  startCampaign(raft);
}

function tickHeartbeat(raft: Raft): void {
  raft.ticks++;
  raft.heartbeatElapsed++;
  raft.electionElapsed++;
  if (raft.electionElapsed >= raft.options.electionTicks) {
    raft.electionElapsed = 0;
    if (raft.options.checkQuorum) stepLeader(raft, newMessage(MessageType.checkQuorum, raft.id));
    // A transfer that took an election timeout is not going to succeed.
    if (raft.role === "leader") raft.leadTransferee = NONE;
  }
  if (raft.role !== "leader") return;
  maybeQuiesce(raft);
  if (raft.isQuiescent || raft.heartbeatElapsed < raft.options.heartbeatTicks) return;
  raft.heartbeatElapsed = 0;
  stepLeader(raft, newMessage(MessageType.beat, raft.id));
}

/** False where the message ends here. */
function acceptsHigherTerm(raft: Raft, message: Message): boolean {
  switch (message.type) {
    case MessageType.preVote:
      // Nobody has that term yet.
      return !isVoteWithheld(raft, message);
    case MessageType.preVoteResponse:
      // A promise is of a term to come. A refusal is of the voter's own term, which this node lacks.
      if (message.reject) {
        raft.becomeFollower(message.term, NONE);
        takeCommitHint(raft, message);
      }
      return true;
    case MessageType.vote:
      if (isVoteWithheld(raft, message)) return false;
      raft.becomeFollower(message.term, NONE);
      return true;
    case MessageType.append:
    case MessageType.heartbeat:
    case MessageType.snapshot:
    case MessageType.quiesce:
      raft.becomeFollower(message.term, message.from);
      return true;
    default:
      raft.becomeFollower(message.term, NONE);
      return true;
  }
}

function handleLowerTerm(raft: Raft, message: Message): void {
  const { checkQuorum, preVote } = raft.options;
  if (message.type === MessageType.append && raft.hasBug("obey-old-leader")) {
    handleLeader(raft, message);
    return;
  }
  switch (message.type) {
    case MessageType.heartbeat:
    case MessageType.append:
    case MessageType.quiesce:
      // With leases nobody hears this node's campaign as long as that leader lives: it must learn of the term to make way.
      if (checkQuorum || preVote) raft.send(newMessage(MessageType.appendResponse, message.from));
      return;
    case MessageType.vote:
    case MessageType.preVote:
      // A node whose term is behind but whose log is ahead would else never learn it, and the group might have no leader for ever.
      refuseVote(raft, message);
      return;
    case MessageType.storageAppendResponse:
      // The entries may have been replaced since: only what was written for this term is known to be there.
      appliedSnapshot(raft, message);
      return;
    default:
      return;
  }
}

function handleLeader(raft: Raft, message: Message): void {
  if (raft.role === "leader") return;
  followLeader(raft, message);
  switch (message.type) {
    case MessageType.append:
      handleAppend(raft, message);
      return;
    case MessageType.heartbeat:
      handleHeartbeat(raft, message);
      return;
    case MessageType.snapshot:
      handleSnapshot(raft, message);
      return;
    default:
      handleQuiesce(raft, message);
      return;
  }
}

function stepRole(raft: Raft, message: Message): DropReason | undefined {
  switch (raft.role) {
    case "leader":
      return stepLeader(raft, message);
    case "follower":
      return stepFollower(raft, message);
    default:
      if (message.type === MessageType.propose) return "no-leader";
      stepCandidate(raft, message);
      return undefined;
  }
}

function handleApplied(raft: Raft, message: Message): void {
  const { entries } = message;
  if (entries.length === 0) return;
  appliedTo(raft, entries.at(-1)!.index, entriesBytes(entries));
  raft.reduceUncommitted(payloadBytes(entries));
}

function appliedSnapshot(raft: Raft, message: Message): void {
  if (message.snapshot === undefined) return;
  raft.log.unstable.stableSnapshotTo(message.snapshot.index);
  appliedTo(raft, message.snapshot.index, 0);
}

function isStorageResponse(message: Message): boolean {
  return message.type === MessageType.storageAppendResponse || message.type === MessageType.storageApplyResponse;
}
