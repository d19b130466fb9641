import { type Configuration, commitQuorumOf, type ProgressStatus } from "../core/raft/index.ts";

/** What the leader knows of its group. */
export interface LeaderView {
  readonly leader: number;
  readonly lastIndex: number;
  readonly configuration: Configuration;
  readonly progress: readonly Pick<ProgressStatus, "id" | "match" | "isAlive">[];
}

/** Voters that answer beyond those that a decision needs, in either half of a change. */
export function spareVoters(configuration: Configuration, isAlive: (id: number) => boolean): number {
  const { voters, votersOutgoing, commitQuorum, commitQuorumOutgoing } = configuration;
  const spare = (half: readonly number[], quorum: number): number =>
    half.filter(isAlive).length - commitQuorumOf(half.length, quorum);
  const incoming = spare(voters, commitQuorum);
  return votersOutgoing.length === 0 ? incoming : Math.min(incoming, spare(votersOutgoing, commitQuorumOutgoing));
}
