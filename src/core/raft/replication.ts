import { EMPTY } from "../../std/bytes.ts";
import { isMember } from "./configuration.ts";
import { encodeHeartbeatContext } from "./heartbeat-context.ts";
import { type Entry, EntryType, type Message, MessageType, newMessage, payloadBytes } from "./messages.ts";
import type { Progress } from "./progress.ts";
import type { Raft } from "./raft.ts";

// What a leader sends so that its followers' logs become its own. Members are visited in the order of their ids.

export function broadcastAppend(raft: Raft): void {
  for (const progress of raft.tracker.members) if (progress.id !== raft.id) sendAppend(raft, progress);
}

/** Sends what is next, or an empty append: it probes, and carries the commit index. */
export function sendAppend(raft: Raft, progress: Progress): void {
  maybeSendAppend(raft, progress, true);
}

/** As much as the window takes. */
export function sendAppends(raft: Raft, progress: Progress): void {
  while (maybeSendAppend(raft, progress, false));
}

export function maybeSendAppend(raft: Raft, progress: Progress, sendsEmpty: boolean): boolean {
  if (progress.isPaused || progress.isLost) return false;
  const { log, options } = raft;
  const prevIndex = progress.next - 1;
  const prevTerm = log.term(prevIndex);
  if (prevTerm === undefined) return maybeSendSnapshot(raft, progress);
  let entries: readonly Entry[] = NO_ENTRIES;
  if (progress.state !== "replicate" || !progress.inflights.isFull) {
    const read = log.entriesFrom(progress.next, options.messageBytesMax);
    if (read === "compacted") return maybeSendSnapshot(raft, progress);
    // The owner of the storage says when they have arrived.
    if (read === "pending") return false;
    entries = read;
  }
  if (entries.length === 0 && !sendsEmpty) return false;
  const message = newMessage(MessageType.append, progress.id);
  message.index = prevIndex;
  message.logTerm = prevTerm;
  message.entries = progress.isWitness ? entries.map(withoutData) : entries;
  message.commit = log.committed;
  raft.send(message);
  progress.sentEntries(entries.length, payloadBytes(message.entries));
  progress.sentCommit(log.committed);
  return true;
}

export function broadcastHeartbeat(raft: Raft): void {
  const context = encodeHeartbeatContext(raft.readQueue.newest, raft.options.reads === "safe" ? -1 : raft.ticks);
  for (const progress of raft.tracker.members) if (progress.id !== raft.id) sendHeartbeat(raft, progress, context);
}

function sendHeartbeat(raft: Raft, progress: Progress, context: Uint8Array): void {
  const message = newMessage(MessageType.heartbeat, progress.id);
  // Never beyond what the follower is known to hold: it may not have the entries yet, or others in their place.
  const bound = raft.hasBug("heartbeat-commit-beyond-match") ? raft.log.committed : progress.match;
  message.commit = Math.min(bound, raft.log.committed);
  message.incarnation = progress.incarnation;
  message.context = context;
  raft.send(message);
  progress.sentCommit(message.commit);
}

/** Commits what a quorum holds, as far as it is of the leader's own term. */
export function maybeCommit(raft: Raft): boolean {
  const { log, tracker } = raft;
  const index = raft.hasBug("count-own-before-disk")
    ? tracker.committedWith(raft.id, log.lastIndex)
    : tracker.committed;
  const term = raft.hasBug("commit-older-term") ? (log.term(index) ?? raft.term) : raft.term;
  return log.maybeCommit(index, term);
}

function maybeSendSnapshot(raft: Raft, progress: Progress): boolean {
  // A node that is away would let the snapshot expire.
  if (!progress.recentActive) return false;
  const snapshot = raft.log.snapshot();
  if (snapshot === undefined || snapshot.index === 0) return false;
  // It would refuse one from before it was a member.
  if (!isMember(snapshot.configuration, progress.id)) return false;
  progress.becomeSnapshot(snapshot.index);
  const message: Message = newMessage(MessageType.snapshot, progress.id);
  message.snapshot = progress.isWitness ? { ...snapshot, data: EMPTY } : snapshot;
  raft.send(message);
  return true;
}

function withoutData(entry: Entry): Entry {
  return entry.type === EntryType.normal ? { ...entry, type: EntryType.metadata, data: EMPTY } : entry;
}

const NO_ENTRIES: readonly Entry[] = [];
