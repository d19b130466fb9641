import { type Change, ChangeType, type ConfChange, leavesJoint } from "./conf-change.ts";
import { type Configuration, isJoint, isMember, sortedIds } from "./configuration.ts";
import { raftFailure } from "./errors.ts";
import { NODE_ID_MAX } from "./messages.ts";

// What a change makes of a configuration: another one, or it fails and leaves the configuration as it was.

/** Whether a change goes through a joint configuration: `auto` does for several changes, and always where quorums are no majorities. */
export function entersJoint(configuration: Configuration, conf: ConfChange): boolean {
  if (conf.transition !== "auto" || conf.changes.length > 1) return true;
  return configuration.commitQuorum !== 0 || conf.changes.some((one) => one.type === ChangeType.commitQuorum);
}

/** The configuration after a change. Throws CHANGE_INVALID where it is not possible. */
export function changed(configuration: Configuration, conf: ConfChange): Configuration {
  if (leavesJoint(conf)) return leaveJoint(configuration);
  if (entersJoint(configuration, conf)) return enterJoint(configuration, conf.transition !== "explicit", conf.changes);
  return simple(configuration, conf.changes);
}

/**
 * Whom the changes take out. One who is put back in the same breath is a new member all the same: the node behind the id may be another
 * one, and nothing that is known of the old one holds. A voter of the outgoing half stays who it is.
 */
export function takenOut(next: Configuration, changes: readonly Change[]): readonly number[] {
  const removed = changes.filter(({ type }) => type === ChangeType.removeNode).map(({ id }) => id);
  return removed.filter((id) => !next.votersOutgoing.includes(id));
}

export function enterJoint(
  configuration: Configuration,
  autoLeave: boolean,
  changes: readonly Change[],
): Configuration {
  if (isJoint(configuration)) throw invalid("config is already joint");
  if (configuration.voters.length === 0) throw invalid("can't make a zero-voter config joint");
  const joint = {
    ...configuration,
    votersOutgoing: configuration.voters,
    commitQuorumOutgoing: configuration.commitQuorum,
  };
  return { ...withVoters(changes.reduce(applyChange, joint)), autoLeave };
}

export function leaveJoint(configuration: Configuration): Configuration {
  if (!isJoint(configuration)) throw invalid("can't leave a non-joint config");
  const left: Configuration = {
    ...configuration,
    votersOutgoing: [],
    commitQuorumOutgoing: 0,
    learners: configuration.learnersNext.reduce(including, configuration.learners),
    learnersNext: [],
    autoLeave: false,
  };
  return {
    ...left,
    witnesses: left.witnesses.filter((id) => isMember(left, id)),
    rejoined: left.rejoined.filter(({ id }) => isMember(left, id)),
  };
}

export function simple(configuration: Configuration, changes: readonly Change[]): Configuration {
  if (isJoint(configuration)) throw invalid("can't apply simple config change in joint config");
  const next = withVoters(changes.reduce(applyChange, configuration));
  const added = next.voters.filter((id) => !configuration.voters.includes(id)).length;
  const removed = configuration.voters.filter((id) => !next.voters.includes(id)).length;
  if (added + removed > 1) throw invalid("more than one voter changed without entering joint config");
  return next;
}

function withVoters(configuration: Configuration): Configuration {
  if (configuration.voters.length === 0) throw invalid("removed all voters");
  return configuration;
}

function applyChange(configuration: Configuration, one: Change): Configuration {
  if (one.type === ChangeType.commitQuorum) return { ...configuration, commitQuorum: one.value };
  if (one.id === 0) return configuration;
  if (one.id > NODE_ID_MAX) throw invalid("the id is beyond the largest one");
  switch (one.type) {
    case ChangeType.addVoter:
      return makeVoter(configuration, one.id);
    case ChangeType.removeNode:
      return remove(configuration, one.id);
    case ChangeType.updateNode:
      return configuration;
    case ChangeType.addLearner:
      return makeLearner(configuration, one.id);
    case ChangeType.addWitness:
      return makeWitness(configuration, one.id);
    case ChangeType.addJoining: {
      const next = makeLearner(configuration, one.id);
      return { ...next, joining: including(next.joining, one.id) };
    }
    case ChangeType.rejoin:
      return makeRejoined(configuration, one.id, one.value);
  }
}

function makeVoter(configuration: Configuration, id: number): Configuration {
  if (configuration.witnesses.includes(id))
    throw invalid("a witness holds no data: remove it, then add it as a learner");
  return {
    ...configuration,
    voters: including(configuration.voters, id),
    learners: without(configuration.learners, id),
    learnersNext: without(configuration.learnersNext, id),
    joining: without(configuration.joining, id),
  };
}

function makeLearner(configuration: Configuration, id: number): Configuration {
  if (configuration.learners.includes(id)) return { ...configuration, joining: without(configuration.joining, id) };
  if (configuration.witnesses.includes(id))
    throw invalid("a witness holds no data: remove it, then add it as a learner");
  const next = remove(configuration, id);
  // A voter of the outgoing half stays one until that half goes.
  if (next.votersOutgoing.includes(id)) return { ...next, learnersNext: including(next.learnersNext, id) };
  return { ...next, learners: including(next.learners, id) };
}

function makeWitness(configuration: Configuration, id: number): Configuration {
  if (configuration.witnesses.includes(id) && configuration.voters.includes(id)) return configuration;
  if (isMember(configuration, id)) throw invalid("a member that holds data does not become a witness: remove it first");
  return {
    ...configuration,
    voters: including(configuration.voters, id),
    witnesses: including(configuration.witnesses, id),
  };
}

/** A voter becomes one again later. A witness can not: it comes back as a new member, under a new id. */
function makeRejoined(configuration: Configuration, id: number, incarnation: number): Configuration {
  if (!isMember(configuration, id)) throw invalid("only a member rejoins");
  const isToVote = configuration.voters.includes(id) || configuration.joining.includes(id);
  const next = makeLearner(configuration, id);
  return {
    ...next,
    joining: isToVote ? including(next.joining, id) : next.joining,
    rejoined: [...next.rejoined.filter((one) => one.id !== id), { id, incarnation }].sort((a, b) => a.id - b.id),
  };
}

function remove(configuration: Configuration, id: number): Configuration {
  const next = {
    ...configuration,
    voters: without(configuration.voters, id),
    learners: without(configuration.learners, id),
    learnersNext: without(configuration.learnersNext, id),
    joining: without(configuration.joining, id),
  };
  if (next.votersOutgoing.includes(id)) return next;
  return {
    ...next,
    witnesses: without(next.witnesses, id),
    rejoined: next.rejoined.filter((one) => one.id !== id),
  };
}

function including(ids: readonly number[], id: number): readonly number[] {
  return ids.includes(id) ? ids : sortedIds([...ids, id]);
}

function without(ids: readonly number[], id: number): readonly number[] {
  return ids.includes(id) ? ids.filter((one) => one !== id) : ids;
}

function invalid(reason: string): ReturnType<typeof raftFailure<"CHANGE_INVALID">> {
  return raftFailure("CHANGE_INVALID", {
    what: `The change of membership is not possible: ${reason}.`,
    data: { reason },
  });
}
