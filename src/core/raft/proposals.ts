import { EMPTY } from "../../std/bytes.ts";
import { type ConfChange, decodeConfChange, encodeConfChange, isConfChange, leavesJoint } from "./conf-change.ts";
import { isJoint } from "./configuration.ts";
import { type Entry, EntryType, MessageType, NONE, newMessage } from "./messages.ts";
import type { Raft } from "./raft.ts";
import { changed } from "./reconfiguration.ts";
import { broadcastAppend } from "./replication.ts";

/** Why a proposal got into nobody's log. */
export type DropReason =
  | "no-leader"
  | "not-forwarded"
  | "leader-removed"
  | "leadership-transfer"
  | "too-much-uncommitted";

/** One append for all of them, and one more message to each follower. */
export function proposeData(raft: Raft, datas: readonly Uint8Array[]): DropReason | undefined {
  const isLeader = raft.role === "leader";
  const refusal = isLeader ? leaderRefusal(raft) : undefined;
  if (refusal !== undefined) return refusal;
  const term = isLeader ? raft.term : 0;
  let index = isLeader ? raft.log.lastIndex + 1 : 0;
  const entries: Entry[] = [];
  for (const data of datas) {
    entries.push({ term, index, type: EntryType.normal, data });
    if (isLeader) index++;
  }
  return isLeader ? append(raft, entries) : forward(raft, entries, raft.id);
}

/** One change of one member keeps the older type of entry. */
export function proposeConfChange(raft: Raft, conf: ConfChange, type: EntryType): DropReason | undefined {
  return propose(raft, [{ term: 0, index: 0, type, data: encodeConfChange(conf) }], raft.id);
}

/** Entries without term and index, from here or from a follower. */
export function propose(raft: Raft, proposals: readonly Entry[], from: number): DropReason | undefined {
  if (raft.role !== "leader") return forward(raft, proposals, from);
  const refusal = leaderRefusal(raft);
  if (refusal !== undefined) return refusal;
  const first = raft.log.lastIndex + 1;
  const entries: Entry[] = [];
  // Nothing has changed yet where one of them turns out to be malformed.
  const changes = proposals.map((entry) => (isConfChange(entry) ? decodeConfChange(entry.data) : undefined));
  for (const [at, { type, data }] of proposals.entries()) {
    const conf = changes[at];
    const entry = { term: raft.term, index: first + at, type, data };
    if (conf === undefined) {
      entries.push(entry);
    } else if (raft.options.validateChanges && changeRefusal(raft, conf) !== undefined) {
      // Its place in the log is kept by an entry that does nothing, as the entries after it have their indexes already.
      entries.push({ ...entry, type: EntryType.normal, data: EMPTY });
    } else {
      raft.pendingChangeIndex = entry.index;
      entries.push(entry);
    }
  }
  return append(raft, entries);
}

/** One sentence on why a change of membership can not be proposed now, or undefined. */
export function changeRefusal(raft: Raft, conf: ConfChange): string | undefined {
  const leaves = leavesJoint(conf) || conf.changes.length === 0;
  if (raft.pendingChangeIndex > raft.log.applied && !raft.hasBug("two-changes-at-once")) {
    return `An earlier change may lie in the log up to index ${raft.pendingChangeIndex}, and only ${raft.log.applied} is applied.`;
  }
  if (isJoint(raft.configuration) && !leaves) return "The configuration is joint: it must be left first.";
  if (!isJoint(raft.configuration) && leaves) return "The configuration is not joint: there is nothing to leave.";
  try {
    changed(raft.configuration, conf);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function leaderRefusal(raft: Raft): DropReason | undefined {
  if (raft.tracker.progress(raft.id) === undefined) return "leader-removed";
  return raft.leadTransferee === NONE ? undefined : "leadership-transfer";
}

function append(raft: Raft, entries: readonly Entry[]): DropReason | undefined {
  if (!raft.appendEntries(entries)) return "too-much-uncommitted";
  broadcastAppend(raft);
  return undefined;
}

function forward(raft: Raft, entries: readonly Entry[], from: number): DropReason | undefined {
  if (raft.role !== "follower" || raft.lead === NONE) return "no-leader";
  if (!raft.options.forwardProposals) return "not-forwarded";
  const message = newMessage(MessageType.propose, raft.lead);
  message.from = from;
  message.entries = entries;
  raft.send(message);
  return undefined;
}
