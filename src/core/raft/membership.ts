import { hasCode } from "../../std/errors.ts";
import { decodeConfChange, LEAVE_JOINT } from "./conf-change.ts";
import { type Configuration, isVoter } from "./configuration.ts";
import { type Entry, EntryType, NONE } from "./messages.ts";
import { proposeConfChange } from "./proposals.ts";
import type { Raft } from "./raft.ts";
import { changed, takenOut } from "./reconfiguration.ts";
import { broadcastAppend, maybeCommit, maybeSendAppend } from "./replication.ts";

/**
 * A committed change takes effect when it is applied, on every node at the same index. One that is not possible in the configuration of
 * that index changes nothing, on every node alike.
 */
export function applyConfChange(raft: Raft, entry: Entry): Configuration {
  // While it waited to be applied a snapshot came that has it.
  if (entry.index <= raft.configurationIndex) return raft.configuration;
  raft.configurationIndex = entry.index;
  const conf = decodeConfChange(entry.data);
  let next: Configuration;
  try {
    next = changed(raft.configuration, conf);
  } catch (error) {
    if (hasCode(error, "CHANGE_INVALID")) return raft.configuration;
    throw error;
  }
  switchTo(raft, next, takenOut(next, conf.changes));
  return next;
}

/** The state machine has applied all up to the index; a leader then leaves an automatic joint configuration. */
export function appliedTo(raft: Raft, index: number, bytes: number): void {
  const applied = Math.max(index, raft.log.applied);
  raft.log.appliedTo(applied, bytes);
  if (raft.configuration.autoLeave && applied >= raft.pendingChangeIndex && raft.role === "leader") {
    // Dropped while leadership is transferred: the next leader, or the next entry, tries again.
    proposeConfChange(raft, LEAVE_JOINT, EntryType.confChangeV2);
  }
}

function switchTo(raft: Raft, configuration: Configuration, removed: readonly number[]): void {
  const { tracker } = raft;
  tracker.switchTo(configuration, raft.log.lastIndex, removed);
  if (raft.role !== "leader") return;
  const own = tracker.progress(raft.id);
  if (own === undefined || own.isLearner) {
    // Without stepping down it leads on until the others elect one of theirs, without counting itself.
    if (raft.options.stepDownOnRemoval) raft.becomeFollower(raft.term, NONE);
    return;
  }
  // Fewer voters may make a quorum of what is acknowledged already; a new member wants its first append.
  if (maybeCommit(raft)) {
    broadcastAppend(raft);
  } else {
    for (const progress of tracker.members) if (progress.id !== raft.id) maybeSendAppend(raft, progress, false);
  }
  if (raft.leadTransferee !== NONE && !isVoter(configuration, raft.leadTransferee)) raft.leadTransferee = NONE;
}
