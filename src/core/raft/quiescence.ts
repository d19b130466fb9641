import { type Message, MessageType, NONE, newMessage } from "./messages.ts";
import type { Raft } from "./raft.ts";

// A group that has nothing to do falls silent: its leader says so once and stops its heartbeats, its followers stop counting election
// ticks. Any message with something in it wakes a node. That a silent leader's machine has died is seen by whoever watches the machines:
// the host then calls `wake`.

/** A tick of a leader: counts those in which all members hold, and know to be committed, all that there is. */
export function maybeQuiesce(raft: Raft): void {
  const { quiesceTicks } = raft.options;
  if (quiesceTicks === 0) return;
  if (!isIdle(raft) || raft.idleSinceIndex !== raft.log.lastIndex) {
    raft.idleTicks = 0;
    raft.idleSinceIndex = raft.log.lastIndex;
    return;
  }
  if (++raft.idleTicks < quiesceTicks) return;
  for (const progress of raft.tracker.members) {
    if (progress.id === raft.id) continue;
    const message = newMessage(MessageType.quiesce, progress.id);
    message.index = raft.log.lastIndex;
    message.logTerm = raft.log.lastTerm;
    message.commit = raft.log.committed;
    raft.send(message);
  }
  raft.isQuiescent = true;
  // While it is silent its ticks stand still and somebody else may be elected.
  for (const progress of raft.tracker.members) progress.leaseTick = 0;
}

/** A follower that lacks something answers, which keeps the leader awake. */
export function handleQuiesce(raft: Raft, message: Message): void {
  const { log } = raft;
  if (log.lastIndex === message.index && log.lastTerm === message.logTerm && log.committed === message.commit) {
    raft.isQuiescent = true;
    return;
  }
  raft.send(newMessage(MessageType.heartbeatResponse, message.from));
}

export function wake(raft: Raft): void {
  if (!raft.isQuiescent) return;
  raft.isQuiescent = false;
  raft.idleTicks = 0;
  raft.electionElapsed = 0;
  // The next tick sends a heartbeat, and a whole election timeout remains to hear of a quorum.
  raft.heartbeatElapsed = raft.options.heartbeatTicks;
}

/** Late answers to what was sent before the silence do not break it, unless they come with news. */
export function wakes(raft: Raft, message: Message): boolean {
  switch (message.type) {
    case MessageType.quiesce:
      return false;
    case MessageType.heartbeatResponse:
    case MessageType.appendResponse:
    case MessageType.storageAppendResponse:
    case MessageType.storageApplyResponse:
      if (message.reject || message.term > raft.term) return true;
      return raft.role === "leader" && !isCaughtUp(raft, message.from);
    default:
      return true;
  }
}

function isCaughtUp(raft: Raft, id: number): boolean {
  const progress = raft.tracker.progress(id);
  return progress === undefined || progress.match === raft.log.lastIndex;
}

function isIdle(raft: Raft): boolean {
  const { log, configuration } = raft;
  if (log.applied !== log.lastIndex || raft.leadTransferee !== NONE) return false;
  if (raft.readQueue.length > 0 || configuration.votersOutgoing.length > 0 || configuration.joining.length > 0) {
    return false;
  }
  return raft.tracker.members.every((progress) => progress.match === log.lastIndex);
}
