import { allMembers, type Configuration, EMPTY_CONFIGURATION } from "./configuration.ts";
import type { ResolvedOptions } from "./options.ts";
import { Progress } from "./progress.ts";
import {
  type Acknowledged,
  commitQuorumOf,
  committedIndex,
  electionQuorumOf,
  jointResult,
  type VoteResult,
  voteResult,
} from "./quorum.ts";
import { committedByMistake, electedByMistake } from "./quorum-bugs.ts";

export type TrackerOptions = Pick<ResolvedOptions, "inflightMessagesMax" | "inflightBytesMax" | "bugs">;

/** The members as this node sees them: their configuration, a leader's progress of each, and the votes of the present election. */
export class Tracker implements Acknowledged {
  readonly #options: TrackerOptions;
  readonly #progress = new Map<number, Progress>();
  readonly #votes = new Map<number, boolean>();
  #configuration: Configuration = EMPTY_CONFIGURATION;
  /** In the order of ids, which is the order in which members are visited. */
  #members: readonly Progress[] = [];

  constructor(options: TrackerOptions) {
    this.#options = options;
  }

  get configuration(): Configuration {
    return this.#configuration;
  }

  get members(): readonly Progress[] {
    return this.#members;
  }

  progress(id: number): Progress | undefined {
    return this.#progress.get(id);
  }

  /** Members that stay keep their progress; a new one, or one that was taken out meanwhile, is probed from the end of the log. */
  switchTo(configuration: Configuration, lastIndex: number, takenOut: readonly number[] = []): void {
    this.#configuration = configuration;
    for (const id of takenOut) this.#progress.delete(id);
    const ids = allMembers(configuration);
    const members: Progress[] = [];
    for (const id of ids) {
      let progress = this.#progress.get(id);
      if (progress === undefined) {
        const { inflightMessagesMax, inflightBytesMax } = this.#options;
        progress = new Progress(id, Math.max(lastIndex, 1), inflightMessagesMax, inflightBytesMax);
        // A new member counts as heard of, or the next check of the quorum would end the leadership before it could answer.
        progress.recentActive = true;
      }
      progress.isLearner = configuration.learners.includes(id);
      progress.isWitness = configuration.witnesses.includes(id);
      // What the node has reported itself in this term is newer.
      if (progress.incarnation === 0) progress.incarnation = incarnationIn(configuration, id);
      members.push(progress);
    }
    this.#progress.clear();
    for (const progress of members) this.#progress.set(progress.id, progress);
    this.#members = members;
  }

  /** At the start of a term. */
  resetProgress(leader: number, lastIndex: number): void {
    for (const progress of this.#members) {
      progress.reset(lastIndex + 1);
      progress.incarnation = incarnationIn(this.#configuration, progress.id);
      if (progress.id === leader) progress.match = lastIndex;
    }
  }

  /** As after a snapshot: nothing that was known of anybody holds. */
  restore(configuration: Configuration, lastIndex: number): void {
    this.#progress.clear();
    this.switchTo(configuration, lastIndex);
  }

  get isSingleton(): boolean {
    return this.#configuration.voters.length === 1 && this.#configuration.votersOutgoing.length === 0;
  }

  acknowledgedIndex(id: number): number {
    return this.#progress.get(id)?.match ?? -1;
  }

  /** The largest index that is on a commit quorum of each half. */
  get committed(): number {
    return this.committedBy(this);
  }

  /** As `committed`, if one member had acknowledged so much. */
  committedWith(holder: number, index: number): number {
    return this.committedBy({ acknowledgedIndex: (id) => (id === holder ? index : this.acknowledgedIndex(id)) });
  }

  /** The newest tick of which a commit quorum of each half has answered a heartbeat; the leader itself needs none. */
  leaseTick(leader: number, now: number): number {
    return this.committedBy({
      acknowledgedIndex: (id) => (id === leader ? now : (this.#progress.get(id)?.leaseTick ?? -1)),
    });
  }

  committedBy(acknowledged: Acknowledged): number {
    const { voters, votersOutgoing, commitQuorum, commitQuorumOutgoing } = this.#configuration;
    if (this.#options.bugs !== undefined)
      return committedByMistake(this.#configuration, acknowledged, this.#options.bugs);
    const incoming = committedIndex(voters, commitQuorum, acknowledged);
    if (votersOutgoing.length === 0) return incoming;
    return Math.min(incoming, committedIndex(votersOutgoing, commitQuorumOutgoing, acknowledged));
  }

  /** Whether as many were heard of as a commit takes: then nobody else can have been elected without their knowing. */
  get isQuorumActive(): boolean {
    const active = new Map<number, boolean>();
    for (const progress of this.#members) if (!progress.isLearner) active.set(progress.id, progress.recentActive);
    return this.#commitResult(active) === "won";
  }

  resetVotes(): void {
    this.#votes.clear();
  }

  /** A voter's first answer counts. */
  recordVote(id: number, granted: boolean): void {
    if (!this.#votes.has(id)) this.#votes.set(id, granted);
  }

  get votes(): ReadonlyMap<number, boolean> {
    return this.#votes;
  }

  get electionResult(): VoteResult {
    const { voters, votersOutgoing, commitQuorum, commitQuorumOutgoing } = this.#configuration;
    if (this.#options.bugs !== undefined) return electedByMistake(this.#configuration, this.#votes, this.#options.bugs);
    return jointResult(
      voteResult(voters, electionQuorumOf(voters.length, commitQuorum), this.#votes),
      voteResult(votersOutgoing, electionQuorumOf(votersOutgoing.length, commitQuorumOutgoing), this.#votes),
    );
  }

  #commitResult(votes: ReadonlyMap<number, boolean>): VoteResult {
    const { voters, votersOutgoing, commitQuorum, commitQuorumOutgoing } = this.#configuration;
    return jointResult(
      voteResult(voters, commitQuorumOf(voters.length, commitQuorum), votes),
      voteResult(votersOutgoing, commitQuorumOf(votersOutgoing.length, commitQuorumOutgoing), votes),
    );
  }
}

function incarnationIn(configuration: Configuration, id: number): number {
  return configuration.rejoined.find((one) => one.id === id)?.incarnation ?? 0;
}
