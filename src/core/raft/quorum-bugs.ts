import { allMembers, type Configuration } from "./configuration.ts";
import {
  type Acknowledged,
  commitQuorumOf,
  committedIndex,
  electionQuorumOf,
  jointResult,
  type VoteResult,
  voteResult,
} from "./quorum.ts";
import type { RaftBugs } from "./seeded-bugs.ts";

// The arithmetic of quorums as it stands in `Tracker`, with the mistakes that tests switch on.

export function committedByMistake(
  { voters, votersOutgoing, learners, commitQuorum, commitQuorumOutgoing }: Configuration,
  acknowledged: Acknowledged,
  bugs: RaftBugs,
): number {
  const half = (ids: readonly number[], configured: number): number => {
    if (ids.length === 0) return Number.POSITIVE_INFINITY;
    const quorum = bugs.has("commit-by-half") ? Math.ceil(ids.length / 2) : commitQuorumOf(ids.length, configured);
    return committedIndex(bugs.has("count-learners") ? [...ids, ...learners] : ids, quorum, acknowledged);
  };
  const incoming = half(voters, commitQuorum);
  return bugs.has("commit-by-incoming") ? incoming : Math.min(incoming, half(votersOutgoing, commitQuorumOutgoing));
}

export function electedByMistake(
  configuration: Configuration,
  votes: ReadonlyMap<number, boolean>,
  bugs: RaftBugs,
): VoteResult {
  const { voters, votersOutgoing, commitQuorum, commitQuorumOutgoing } = configuration;
  const half = (ids: readonly number[], configured: number): VoteResult => {
    if (ids.length === 0) return "won";
    const quorum = bugs.has("elect-by-half") ? Math.ceil(ids.length / 2) : electionQuorumOf(ids.length, configured);
    return voteResult(bugs.has("count-learners-votes") ? allMembers(configuration) : ids, quorum, votes);
  };
  const incoming = half(voters, commitQuorum);
  return bugs.has("elect-by-incoming") ? incoming : jointResult(incoming, half(votersOutgoing, commitQuorumOutgoing));
}
