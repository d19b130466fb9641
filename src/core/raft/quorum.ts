import type { Configuration } from "./configuration.ts";

/**
 * Arithmetic of quorums. Voters are sorted lists of ids; a joint configuration has two of them and needs a quorum of each.
 *
 * Sizes are flexible: with a commit quorum of c out of n voters, an election needs max(majority, n - c + 1), so that each election meets
 * each commit, and two elections of a term meet each other. A commit quorum of 0 stands for the majority.
 */

export type VoteResult = "pending" | "lost" | "won";

/** Who has acknowledged how far. */
export interface Acknowledged {
  /** -1 where nothing was heard of the voter. */
  acknowledgedIndex(id: number): number;
}

export function majorityOf(count: number): number {
  return Math.floor(count / 2) + 1;
}

export function commitQuorumOf(voters: number, commitQuorum: number): number {
  return commitQuorum === 0 ? majorityOf(voters) : Math.min(commitQuorum, voters);
}

export function electionQuorumOf(voters: number, commitQuorum: number): number {
  return Math.max(majorityOf(voters), voters - commitQuorumOf(voters, commitQuorum) + 1);
}

/** The largest index that a commit quorum has acknowledged. No voters at all, an empty half of a configuration, agree to everything. */
export function committedIndex(voters: readonly number[], commitQuorum: number, acknowledged: Acknowledged): number {
  const count = voters.length;
  if (count === 0) return Number.POSITIVE_INFINITY;
  const sorted: number[] = [];
  for (let at = 0; at < count; at++) {
    const index = Math.max(0, acknowledged.acknowledgedIndex(voters[at]!));
    let place = at;
    while (place > 0 && sorted[place - 1]! > index) {
      sorted[place] = sorted[place - 1]!;
      place--;
    }
    sorted[place] = index;
  }
  return sorted[count - commitQuorumOf(count, commitQuorum)]!;
}

export function voteResult(voters: readonly number[], quorum: number, votes: ReadonlyMap<number, boolean>): VoteResult {
  if (voters.length === 0) return "won";
  let granted = 0;
  let missing = 0;
  for (const id of voters) {
    const vote = votes.get(id);
    if (vote === undefined) missing++;
    else if (vote) granted++;
  }
  if (granted >= quorum) return "won";
  return granted + missing >= quorum ? "pending" : "lost";
}

/** Both halves must win; one that has lost decides. */
export function jointResult(incoming: VoteResult, outgoing: VoteResult): VoteResult {
  if (incoming === outgoing) return incoming;
  return incoming === "lost" || outgoing === "lost" ? "lost" : "pending";
}

/** Whether those members, were there no others, could elect one of theirs and commit what it proposes. */
export function canDecide(configuration: Configuration, isThere: (id: number) => boolean): boolean {
  const { voters, votersOutgoing, witnesses, commitQuorum, commitQuorumOutgoing } = configuration;
  const isEnough = (half: readonly number[], quorum: number): boolean => {
    const needed = Math.max(commitQuorumOf(half.length, quorum), electionQuorumOf(half.length, quorum));
    return half.length === 0 || half.filter(isThere).length >= needed;
  };
  const canLead = [...voters, ...votersOutgoing].some((id) => isThere(id) && !witnesses.includes(id));
  return canLead && isEnough(voters, commitQuorum) && isEnough(votersOutgoing, commitQuorumOutgoing);
}
