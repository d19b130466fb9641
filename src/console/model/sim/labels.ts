// Short names of what is in a log and of what flies between nodes.

import { describeEntry, type Entry, EntryType, isConfChange, MessageType } from "../../../core/raft/index.ts";
import { text } from "../../../std/bytes.ts";

/** What a cell of a log shows: a value, a change of membership, or the empty entry with which a leader begins its term. */
export function labelOf(entry: Entry): string {
  if (isConfChange(entry)) {
    const [, , ...changes] = describeEntry(entry).split(" ");
    return changes.length === 0 ? "leave joint" : changes.join(" ");
  }
  if (entry.type === EntryType.metadata) return "metadata";
  return entry.data.length === 0 ? "∅" : text(entry.data);
}

export type MessageFamily = "election" | "append" | "heartbeat" | "snapshot" | "other";

export interface MessageKind {
  readonly letter: string;
  readonly name: string;
  readonly family: MessageFamily;
  /** Drawn as a diamond instead of a circle. */
  readonly isResponse: boolean;
}

const OTHER: MessageKind = { letter: "?", name: "other", family: "other", isResponse: false };

const KINDS: Readonly<Partial<Record<MessageType, MessageKind>>> = {
  [MessageType.preVote]: kind("P", "pre-vote: could I win?", "election"),
  [MessageType.preVoteResponse]: kind("P", "answer to a pre-vote", "election", true),
  [MessageType.vote]: kind("V", "request for a vote", "election"),
  [MessageType.voteResponse]: kind("V", "answer to a request for a vote", "election", true),
  [MessageType.append]: kind("A", "append of entries", "append"),
  [MessageType.appendResponse]: kind("A", "answer to an append", "append", true),
  [MessageType.heartbeat]: kind("H", "heartbeat", "heartbeat"),
  [MessageType.heartbeatResponse]: kind("H", "answer to a heartbeat", "heartbeat", true),
  [MessageType.snapshot]: kind("S", "snapshot", "snapshot"),
  [MessageType.propose]: kind("F", "proposal, forwarded to the leader", "other"),
  [MessageType.transferLeader]: kind("T", "wish to transfer the lead", "other"),
  [MessageType.timeoutNow]: kind("T", "stand for election now", "other"),
  [MessageType.rejoin]: kind("R", "I lost my disk", "other"),
  [MessageType.rejoinResponse]: kind("R", "you are a learner now", "other", true),
};

export function kindOf(type: MessageType): MessageKind {
  return KINDS[type] ?? OTHER;
}

/** One line of the legend for each letter. */
export const LEGEND: readonly MessageKind[] = Object.values(KINDS).filter(({ isResponse }) => !isResponse);

function kind(letter: string, name: string, family: MessageFamily, isResponse = false): MessageKind {
  return { letter, name, family, isResponse };
}
