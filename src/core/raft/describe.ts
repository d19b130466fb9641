import { type Change, ChangeType, decodeConfChange } from "./conf-change.ts";
import type { Configuration } from "./configuration.ts";
import {
  APPEND_THREAD,
  APPLY_THREAD,
  type Entry,
  EntryType,
  type HardState,
  type Message,
  NONE,
  type Role,
  type Snapshot,
  type SoftState,
} from "./messages.ts";
import { quoted } from "./quoted.ts";
import type { Ready } from "./ready.ts";
import type { ProgressStatus } from "./status.ts";

// The text that the field uses for messages and Readys: scripts of interactions compare it, and it is what a trace shows.

export const MESSAGE_NAMES: readonly string[] = [
  "MsgHup",
  "MsgBeat",
  "MsgProp",
  "MsgApp",
  "MsgAppResp",
  "MsgVote",
  "MsgVoteResp",
  "MsgSnap",
  "MsgHeartbeat",
  "MsgHeartbeatResp",
  "MsgUnreachable",
  "MsgSnapStatus",
  "MsgCheckQuorum",
  "MsgTransferLeader",
  "MsgTimeoutNow",
  "MsgReadIndex",
  "MsgReadIndexResp",
  "MsgPreVote",
  "MsgPreVoteResp",
  "MsgStorageAppend",
  "MsgStorageAppendResp",
  "MsgStorageApply",
  "MsgStorageApplyResp",
  "MsgForgetLeader",
  "MsgRejoin",
  "MsgRejoinResp",
  "MsgQuiesce",
];

const ENTRY_NAMES: readonly string[] = ["EntryNormal", "EntryConfChange", "EntryConfChangeV2", "EntryMetadata"];

export const ROLE_NAMES: Readonly<Record<Role, string>> = {
  follower: "StateFollower",
  candidate: "StateCandidate",
  leader: "StateLeader",
  "pre-candidate": "StatePreCandidate",
};

const CHANGE_LETTERS: Readonly<Record<ChangeType, string>> = {
  [ChangeType.addVoter]: "v",
  [ChangeType.removeNode]: "r",
  [ChangeType.updateNode]: "u",
  [ChangeType.addLearner]: "l",
  [ChangeType.addWitness]: "w",
  [ChangeType.addJoining]: "j",
  [ChangeType.rejoin]: "b",
  [ChangeType.commitQuorum]: "q",
};

export function describeReady(ready: Ready): string {
  const lines: string[] = [];
  if (ready.softState !== undefined) lines.push(describeSoftState(ready.softState));
  if (ready.hardState !== undefined) lines.push(`HardState ${describeHardState(ready.hardState)}`);
  if (ready.readStates.length > 0) {
    const states = ready.readStates.map(({ index, context }) => `{${index} [${context.join(" ")}]}`);
    lines.push(`ReadStates [${states.join(" ")}]`);
  }
  if (ready.entries.length > 0) lines.push("Entries:", ...ready.entries.map(describeEntry));
  if (ready.snapshot !== undefined) lines.push(`Snapshot ${describeSnapshot(ready.snapshot)}`);
  if (ready.committedEntries.length > 0) lines.push("CommittedEntries:", ...ready.committedEntries.map(describeEntry));
  if (ready.messages.length > 0) lines.push("Messages:", ...ready.messages.map((message) => describeMessage(message)));
  if (lines.length === 0) return "<empty Ready>";
  return `Ready MustSync=${ready.mustSync}:\n${lines.join("\n")}\n`;
}

export function describeSoftState({ lead, role }: SoftState): string {
  return `Lead:${lead} State:${ROLE_NAMES[role]}`;
}

export function describeHardState({ term, vote, commit, isLost }: HardState): string {
  return `Term:${term}${vote === NONE ? "" : ` Vote:${vote}`} Commit:${commit}${isLost ? " Lost" : ""}`;
}

export function describeMessage(message: Message, indent = ""): string {
  const { type, term, logTerm, index, commit, vote, entries, snapshot, responses } = message;
  let out = `${indent}${target(message.from)}->${target(message.to)} ${MESSAGE_NAMES[type]} Term:${term} Log:${logTerm}/${index}`;
  if (message.reject) out += ` Rejected (Hint: ${message.rejectHint})`;
  if (commit !== 0) out += ` Commit:${commit}`;
  if (vote !== NONE) out += ` Vote:${vote}`;
  if (entries.length === 1) {
    out += ` Entries:[${describeEntry(entries[0]!)}]`;
  } else if (entries.length > 1) {
    out += ` Entries:[${entries.map((entry) => `\n${indent}  ${describeEntry(entry)}`).join("")}\n${indent}]`;
  }
  if (snapshot !== undefined) out += `\n${indent}  Snapshot: ${describeSnapshot(snapshot)}`;
  if (responses.length > 0) {
    const inner = responses.map((response) => `\n${describeMessage(response, `${indent}  `)}`);
    out += ` Responses:[${inner.join("")}\n${indent}]`;
  }
  return out;
}

export function describeEntry(entry: Entry): string {
  const { term, index, type, data } = entry;
  let text = "";
  if (type === EntryType.normal) text = quoted(data);
  else if (type !== EntryType.metadata) text = describeChanges(decodeConfChange(data).changes);
  return `${term}/${index} ${ENTRY_NAMES[type]}${text === "" ? "" : ` ${text}`}`;
}

export function describeChanges(changes: readonly Change[]): string {
  return changes
    .map(({ type, id, value }) => `${CHANGE_LETTERS[type]}${type === ChangeType.commitQuorum ? value : id}`)
    .join(" ");
}

export function describeSnapshot({ index, term, configuration }: Snapshot): string {
  return `Index:${index} Term:${term} ConfState:${describeConfState(configuration)}`;
}

/** What is of this house only is added where it is set. */
export function describeConfState(configuration: Configuration): string {
  const { voters, votersOutgoing, learners, learnersNext, autoLeave, joining, witnesses, rejoined } = configuration;
  const sets = `Voters:${plain(voters)} VotersOutgoing:${plain(votersOutgoing)} Learners:${plain(learners)}`;
  let out = `${sets} LearnersNext:${plain(learnersNext)} AutoLeave:${autoLeave}`;
  if (joining.length > 0) out += ` Joining:${plain(joining)}`;
  if (witnesses.length > 0) out += ` Witnesses:${plain(witnesses)}`;
  if (rejoined.length > 0) out += ` Rejoined:${plain(rejoined.map(({ id }) => id))}`;
  if (configuration.commitQuorum !== 0) out += ` CommitQuorum:${configuration.commitQuorum}`;
  if (configuration.commitQuorumOutgoing !== 0) out += ` CommitQuorumOutgoing:${configuration.commitQuorumOutgoing}`;
  return out;
}

/** The short form, with ids in hexadecimal. */
export function describeConfiguration(configuration: Configuration): string {
  const { voters, votersOutgoing, learners, learnersNext, joining, witnesses } = configuration;
  let out = `voters=${set(voters)}`;
  if (votersOutgoing.length > 0) out += `&&${set(votersOutgoing)}`;
  if (learners.length > 0) out += ` learners=${set(learners)}`;
  if (learnersNext.length > 0) out += ` learners_next=${set(learnersNext)}`;
  if (joining.length > 0) out += ` joining=${set(joining)}`;
  if (witnesses.length > 0) out += ` witnesses=${set(witnesses)}`;
  if (configuration.commitQuorum !== 0) out += ` commit_quorum=${configuration.commitQuorum}`;
  if (configuration.autoLeave) out += " autoleave";
  return out;
}

const PROGRESS_NAMES = { probe: "StateProbe", replicate: "StateReplicate", snapshot: "StateSnapshot" } as const;

export function describeProgress(progress: ProgressStatus): string {
  let out = `${PROGRESS_NAMES[progress.state]} match=${progress.match} next=${progress.next}`;
  if (progress.isLearner) out += " learner";
  if (progress.isWitness) out += " witness";
  if (progress.isLost) out += " lost";
  if (progress.isPaused) out += " paused";
  if (progress.pendingSnapshot > 0) out += ` pendingSnap=${progress.pendingSnapshot}`;
  if (!progress.recentActive) out += " inactive";
  if (progress.inflight > 0) out += ` inflight=${progress.inflight}${progress.isInflightFull ? "[full]" : ""}`;
  return out;
}

function target(id: number): string {
  if (id === NONE) return "None";
  if (id === APPEND_THREAD) return "AppendThread";
  return id === APPLY_THREAD ? "ApplyThread" : id.toString(16);
}

function plain(ids: readonly number[]): string {
  return `[${ids.join(" ")}]`;
}

function set(ids: readonly number[]): string {
  return `(${ids.map((id) => id.toString(16)).join(" ")})`;
}
