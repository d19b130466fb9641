import { EMPTY } from "../../std/bytes.ts";
import { addCommitHint, takeCommitHint } from "./commit-hint.ts";
import { allMembers, allVoters } from "./configuration.ts";
import { type Message, MessageType, NONE, newMessage } from "./messages.ts";
import type { Raft } from "./raft.ts";
import { broadcastAppend } from "./replication.ts";

export type Campaign = "pre-election" | "election" | "transfer";

/** Marks a vote that the leader itself has asked for: a live leader is no reason to refuse it. */
const TRANSFER_CONTEXT: Uint8Array = Uint8Array.of(1);

/** Stands for election, if the node may and does not lead already. */
export function startCampaign(raft: Raft, transfer = false): void {
  if (raft.role === "leader" || !raft.isPromotable) return;
  // It could be elected by a configuration that is no longer the right one.
  if (raft.log.hasUnappliedChange() && !raft.hasBug("campaign-before-change")) return;
  if (transfer) campaign(raft, "transfer");
  else campaign(raft, raft.options.preVote ? "pre-election" : "election");
}

function campaign(raft: Raft, kind: Campaign): void {
  if (kind === "pre-election") raft.becomePreCandidate();
  else raft.becomeCandidate();
  const isPre = kind === "pre-election";
  const term = isPre ? raft.term + 1 : raft.term;
  const { log } = raft;
  const asksLearners = raft.hasBug("count-learners-votes");
  for (const id of asksLearners ? allMembers(raft.configuration) : allVoters(raft.configuration)) {
    if (id === raft.id) {
      // The own vote counts once it is on disk, like everybody's.
      const own = newMessage(isPre ? MessageType.preVoteResponse : MessageType.voteResponse, id);
      own.term = term;
      raft.send(own);
      continue;
    }
    const message = newMessage(isPre ? MessageType.preVote : MessageType.vote, id);
    message.term = term;
    message.index = log.lastIndex;
    message.logTerm = log.lastTerm;
    message.context = kind === "transfer" ? TRANSFER_CONTEXT : EMPTY;
    raft.send(message);
  }
}

/** Whether a request of a higher term is passed over because this node has heard of a leader lately. */
export function isVoteWithheld(raft: Raft, message: Message): boolean {
  if (message.context.length > 0) return false;
  const { checkQuorum, electionTicks } = raft.options;
  if (!checkQuorum) return false;
  return raft.voteHoldTicks > 0 || (raft.lead !== NONE && raft.electionElapsed < electionTicks);
}

/** A request for a vote of this term, or for a promise of one in a term to come. */
export function handleVoteRequest(raft: Raft, message: Message): void {
  const isPre = message.type === MessageType.preVote;
  const canVote =
    raft.vote === message.from ||
    (!isPre && raft.hasBug("vote-twice")) ||
    (raft.vote === NONE && raft.lead === NONE) ||
    // A promise binds nobody.
    (isPre && message.term > raft.term);
  // A learner votes too: it may have been promoted without knowing it yet.
  if (!canVote || !isUpToDate(raft, message)) {
    refuseVote(raft, message);
    return;
  }
  const response = responseTo(message);
  response.term = message.term;
  raft.send(response);
  if (isPre) return;
  raft.electionElapsed = 0;
  raft.vote = message.from;
}

/** Tells the candidate the term as well (the paper's RequestVote, receiver's rule 1). */
export function refuseVote(raft: Raft, message: Message): void {
  const response = responseTo(message);
  response.term = raft.term;
  response.reject = true;
  addCommitHint(raft, response);
  raft.send(response);
}

function responseTo({ type, from }: Message): Message {
  return newMessage(type === MessageType.preVote ? MessageType.preVoteResponse : MessageType.voteResponse, from);
}

function isUpToDate(raft: Raft, { index, logTerm }: Message): boolean {
  if (raft.hasBug("vote-for-older-log")) return true;
  if (raft.hasBug("vote-by-length")) return index >= raft.log.lastIndex;
  return raft.log.isUpToDate(index, logTerm);
}

export function stepCandidate(raft: Raft, message: Message): void {
  const awaited = raft.role === "pre-candidate" ? MessageType.preVoteResponse : MessageType.voteResponse;
  // Others are late answers to an earlier campaign, or an offer that comes too late to matter.
  if (message.type !== awaited) return;
  takeCommitHint(raft, message);
  raft.tracker.recordVote(message.from, !message.reject);
  switch (raft.tracker.electionResult) {
    case "won":
      if (raft.role === "pre-candidate" && !raft.hasBug("lead-after-pre-vote")) {
        campaign(raft, "election");
      } else {
        if (raft.role === "pre-candidate") raft.becomeCandidate();
        raft.becomeLeader();
        broadcastAppend(raft);
      }
      return;
    case "lost":
      // The term of a rejected promise is the node's own: whoever said no may have a higher one, and has said so already.
      raft.becomeFollower(raft.term, NONE);
      return;
    case "pending":
      return;
  }
}
