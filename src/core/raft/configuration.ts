import { type Change, ChangeType, type ConfChange, leavesJoint } from "./conf-change.ts";
import { raftFailure } from "./errors.ts";
import { NODE_ID_MAX } from "./messages.ts";

// Who the members are. A configuration is a value: a change makes another one, or fails and leaves it as it was. All lists are sorted.
// A voter of either half is no learner; `learnersNext` are voters of the outgoing half that become learners when it goes.

export interface Configuration {
  readonly voters: readonly number[];
  /** Of the old half while the configuration is joint. */
  readonly votersOutgoing: readonly number[];
  readonly learners: readonly number[];
  readonly learnersNext: readonly number[];
  /** The leader leaves the joint configuration by itself. */
  readonly autoLeave: boolean;
  /** Learners, present or next, that become voters once they have caught up. */
  readonly joining: readonly number[];
  /** Voters that hold no data. */
  readonly witnesses: readonly number[];
  /** Members that came back without their disk, each with the incarnation that it is in since. */
  readonly rejoined: readonly Rejoined[];
  /** Voters that commit an entry; 0 is the majority. */
  readonly commitQuorum: number;
  readonly commitQuorumOutgoing: number;
}

export interface Rejoined {
  readonly id: number;
  readonly incarnation: number;
}

export const EMPTY_CONFIGURATION: Configuration = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
  joining: [],
  witnesses: [],
  rejoined: [],
  commitQuorum: 0,
  commitQuorumOutgoing: 0,
};

/** The first configuration of a group; lists may come in any order. */
export function configurationOf(parts: Partial<Configuration>): Configuration {
  const whole = { ...EMPTY_CONFIGURATION, ...parts };
  const sorted = (ids: readonly number[]): readonly number[] => [...new Set(ids)].sort(byNumber);
  return {
    ...whole,
    voters: sorted(whole.voters),
    votersOutgoing: sorted(whole.votersOutgoing),
    learners: sorted(whole.learners),
    learnersNext: sorted(whole.learnersNext),
    joining: sorted(whole.joining),
    witnesses: sorted(whole.witnesses),
  };
}

export function isJoint(configuration: Configuration): boolean {
  return configuration.votersOutgoing.length > 0;
}

export function isVoter(configuration: Configuration, id: number): boolean {
  return configuration.voters.includes(id) || configuration.votersOutgoing.includes(id);
}

export function isMember(configuration: Configuration, id: number): boolean {
  return isVoter(configuration, id) || configuration.learners.includes(id) || configuration.learnersNext.includes(id);
}

/** Voters of either half, sorted. */
export function allVoters(configuration: Configuration): readonly number[] {
  if (!isJoint(configuration)) return configuration.voters;
  return [...new Set([...configuration.voters, ...configuration.votersOutgoing])].sort(byNumber);
}

export function allMembers(configuration: Configuration): readonly number[] {
  const { voters, votersOutgoing, learners, learnersNext } = configuration;
  return [...new Set([...voters, ...votersOutgoing, ...learners, ...learnersNext])].sort(byNumber);
}

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
  return ids.includes(id) ? ids : [...ids, id].sort(byNumber);
}

function without(ids: readonly number[], id: number): readonly number[] {
  return ids.includes(id) ? ids.filter((one) => one !== id) : ids;
}

function byNumber(left: number, right: number): number {
  return left - right;
}

function invalid(reason: string): ReturnType<typeof raftFailure<"CHANGE_INVALID">> {
  return raftFailure("CHANGE_INVALID", {
    what: `The change of membership is not possible: ${reason}.`,
    data: { reason },
  });
}
