// Who the members are. A configuration is a value; `reconfiguration.ts` makes one from another. All lists are sorted.
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
  return {
    ...whole,
    voters: sortedIds(whole.voters),
    votersOutgoing: sortedIds(whole.votersOutgoing),
    learners: sortedIds(whole.learners),
    learnersNext: sortedIds(whole.learnersNext),
    joining: sortedIds(whole.joining),
    witnesses: sortedIds(whole.witnesses),
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
  return sortedIds([...configuration.voters, ...configuration.votersOutgoing]);
}

export function allMembers(configuration: Configuration): readonly number[] {
  const { voters, votersOutgoing, learners, learnersNext } = configuration;
  return sortedIds([...voters, ...votersOutgoing, ...learners, ...learnersNext]);
}

/** Each once. */
export function sortedIds(ids: readonly number[]): readonly number[] {
  return [...new Set(ids)].sort((left, right) => left - right);
}
