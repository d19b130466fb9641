import { isMember } from "./configuration.ts";
import { startCampaign } from "./election.ts";
import { type Message, MessageType, NONE, newMessage, type Snapshot } from "./messages.ts";
import { type DropReason, propose } from "./proposals.ts";
import type { Raft } from "./raft.ts";

export function stepFollower(raft: Raft, message: Message): DropReason | undefined {
  switch (message.type) {
    case MessageType.propose:
      return propose(raft, message.entries, message.from);
    case MessageType.transferLeader:
    case MessageType.readIndex:
      // Without a leader nobody could answer: whoever asked asks again.
      if (raft.lead === NONE) return undefined;
      message.to = raft.lead;
      raft.send(message);
      return undefined;
    case MessageType.readIndexResponse:
      if (message.entries.length !== 1) return undefined;
      raft.readStates.push({ index: message.index, context: message.entries[0]!.data });
      return undefined;
    case MessageType.forgetLeader:
      // With lease reads the leader counts on being remembered.
      if (raft.options.reads === "safe") raft.lead = NONE;
      return undefined;
    case MessageType.timeoutNow:
      startCampaign(raft, true);
      return undefined;
    default:
      return undefined;
  }
}

/** Whoever leads this term: a candidate of the same term gives up. */
export function followLeader(raft: Raft, message: Message): void {
  if (raft.role !== "follower") raft.becomeFollower(message.term, message.from);
  raft.electionElapsed = 0;
  raft.lead = message.from;
}

export function handleAppend(raft: Raft, message: Message): void {
  const { log } = raft;
  const response = newMessage(MessageType.appendResponse, message.from);
  if (message.index < log.committed) {
    // An old one: what is committed is the same in all logs.
    response.index = log.committed;
    raft.send(response);
    return;
  }
  const last = raft.options.bugs === undefined ? maybeAppend(raft, message) : appendByMistake(raft, message);
  if (last !== undefined) {
    response.index = last;
    raft.send(response);
    return;
  }
  // The hint lets the leader skip a whole term at a time: no entry of a later term than the leader's own can match it.
  const hint = log.findConflictByTerm(Math.min(message.index, log.lastIndex), message.logTerm);
  response.index = message.index;
  response.reject = true;
  response.rejectHint = hint.index;
  response.logTerm = hint.term;
  raft.send(response);
}

function maybeAppend({ log }: Raft, { index, logTerm, entries, commit }: Message): number | undefined {
  return log.maybeAppend(index, logTerm, entries, commit);
}

/** As `maybeAppend`, with the mistakes that tests switch on. */
function appendByMistake(raft: Raft, { index, logTerm, entries, commit }: Message): number | undefined {
  const { log } = raft;
  const term = raft.hasBug("skip-previous-term") ? (log.term(index) ?? logTerm) : logTerm;
  if (raft.hasBug("truncate-on-append") && log.matches(index, term)) log.append(entries);
  return log.maybeAppend(index, term, entries, raft.hasBug("commit-on-append") ? Number.MAX_SAFE_INTEGER : commit);
}

export function handleHeartbeat(raft: Raft, message: Message): void {
  // Meant for what this node was before it lost its disk, it speaks of entries that are gone.
  if (message.incarnation === raft.incarnation) raft.log.commitTo(message.commit);
  const response = newMessage(MessageType.heartbeatResponse, message.from);
  response.context = message.context;
  raft.send(response);
}

export function handleSnapshot(raft: Raft, message: Message): void {
  const response = newMessage(MessageType.appendResponse, message.from);
  const isRestored = message.snapshot !== undefined && restore(raft, message.snapshot);
  response.index = isRestored ? raft.log.lastIndex : raft.log.committed;
  raft.send(response);
}

function restore(raft: Raft, snapshot: Snapshot): boolean {
  const { log } = raft;
  const takesAny = raft.hasBug("old-snapshot");
  if (snapshot.index <= log.committed && !takesAny) return false;
  // A snapshot from before the node was added would take away its own membership.
  if (!isMember(snapshot.configuration, raft.id)) return false;
  if (log.matches(snapshot.index, snapshot.term) && !takesAny) {
    // The log has all of it: only the commit index was behind.
    log.commitTo(snapshot.index);
    return false;
  }
  log.restore(snapshot);
  raft.tracker.restore(snapshot.configuration, log.lastIndex);
  raft.configurationIndex = snapshot.index;
  return true;
}
