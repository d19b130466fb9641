import { allMembers, isJoint, isMember, isVoter } from "./configuration.ts";
import { NONE } from "./messages.ts";
import type { Progress } from "./progress.ts";
import { electionQuorumOf } from "./quorum.ts";
import type { Raft } from "./raft.ts";

/** What an operator asks first, one sentence each. */
export interface Explanation {
  /** Who leads, or why nobody does, as far as this node knows. */
  readonly leader: string;
  /** Of a leader: each member that does not follow closely, and why; sorted by id. */
  readonly lagging: readonly LaggingMember[];
  /** Why a change of membership waits; undefined where none is known to. */
  readonly change: string | undefined;
}

export interface LaggingMember {
  readonly id: number;
  readonly why: string;
}

export function explain(raft: Raft): Explanation {
  return { leader: explainLeader(raft), lagging: explainLagging(raft), change: explainChange(raft) };
}

function explainLeader(raft: Raft): string {
  const { term } = raft;
  if (raft.role === "leader") return explainOwnLead(raft);
  if (raft.isLost) {
    return "This node lost its disk and keeps silent until a leader has made it a learner: it can neither vote nor lead.";
  }
  if (raft.role === "pre-candidate" || raft.role === "candidate") return explainCampaign(raft);
  if (!isMember(raft.configuration, raft.id) && allMembers(raft.configuration).length > 0) {
    return "This node is not among the members: it was removed, or has not heard yet that it was added.";
  }
  if (raft.lead !== NONE) return `Node ${raft.lead} leads in term ${term}.`;
  const own = raft.tracker.progress(raft.id);
  if (own === undefined) return "This node is not a member and waits for a leader to send it the group's state.";
  if (own.isLearner) return `This node is a learner, knows no leader in term ${term}, and may not stand for election.`;
  if (own.isWitness) return `This node is a witness, knows no leader in term ${term}, and may not stand for election.`;
  if (raft.log.unstable.snapshot !== undefined) {
    return "This node knows no leader and stands for election once it has stored a snapshot.";
  }
  if (raft.log.hasUnappliedChange()) {
    return "This node knows no leader and stands for election once it has applied a committed change of membership.";
  }
  const left = Math.max(0, raft.randomizedElectionTicks - raft.electionElapsed);
  return `This node knows no leader in term ${term} and stands for election in ${left} ticks.`;
}

function explainOwnLead(raft: Raft): string {
  const { term, leadTransferee, log } = raft;
  if (leadTransferee !== NONE) {
    const match = raft.tracker.progress(leadTransferee)?.match ?? 0;
    const lacks = `which lacks ${log.lastIndex - match} entries`;
    return `This node leads in term ${term} and hands over to node ${leadTransferee}, ${lacks}; it takes no proposals meanwhile.`;
  }
  if (!raft.hasCommittedInTerm) {
    return `This node leads in term ${term} but has committed nothing in it: no quorum has acknowledged index ${log.lastIndex} yet.`;
  }
  return `This node leads in term ${term}.`;
}

function explainCampaign(raft: Raft): string {
  const { configuration, tracker, term } = raft;
  const { votes } = tracker;
  const { voters, votersOutgoing, commitQuorum, commitQuorumOutgoing } = configuration;
  const granted = (half: readonly number[]): number => half.filter((id) => votes.get(id) === true).length;
  // Of a joint configuration the half that still lacks votes is the one to look at.
  const isFirstWon = granted(voters) >= electionQuorumOf(voters.length, commitQuorum);
  const half = isFirstWon && votersOutgoing.length > 0 ? votersOutgoing : voters;
  const needed = electionQuorumOf(half.length, half === voters ? commitQuorum : commitQuorumOutgoing);
  const refused = half.filter((id) => votes.get(id) === false);
  const silent = half.filter((id) => !votes.has(id));
  const kind =
    raft.role === "candidate" ? `stands for election in term ${term}` : `asks whether it could win term ${term + 1}`;
  const parts = [`This node ${kind} and has ${granted(half)} of the ${needed} votes that it needs of ${list(half)}`];
  if (refused.length > 0) parts.push(`${list(refused)} refused`);
  if (silent.length > 0) parts.push(`${list(silent)} did not answer`);
  return `${parts.join("; ")}.`;
}

function explainLagging(raft: Raft): readonly LaggingMember[] {
  if (raft.role !== "leader") return [];
  const lagging: LaggingMember[] = [];
  for (const progress of raft.tracker.members) {
    if (progress.id === raft.id) continue;
    const why = explainMember(raft, progress);
    if (why !== undefined) lagging.push({ id: progress.id, why });
  }
  return lagging;
}

function explainMember(raft: Raft, progress: Progress): string | undefined {
  const { id } = progress;
  const behind = raft.log.lastIndex - progress.match;
  if (progress.isLost) return `Node ${id} lost its disk and waits to be made a learner.`;
  if (behind === 0 && progress.state === "replicate") return undefined;
  const lacks = `lacks ${behind} ${behind === 1 ? "entry" : "entries"}`;
  if (!progress.recentActive) return `Node ${id} ${lacks} and was not heard of lately.`;
  switch (progress.state) {
    case "snapshot":
      return `Node ${id} ${lacks} and waits for the snapshot at index ${progress.pendingSnapshot}.`;
    case "probe":
      return progress.isAppendPaused
        ? `Node ${id} ${lacks}: where its log meets the leader's is being looked for at index ${progress.next - 1}, once a heartbeat.`
        : `Node ${id} ${lacks}: where its log meets the leader's is being looked for at index ${progress.next - 1}.`;
    case "replicate":
      return progress.inflights.isFull
        ? `Node ${id} ${lacks}: its window is full with ${progress.inflights.count} appends that it has not acknowledged.`
        : `Node ${id} ${lacks}: an append is on its way.`;
  }
}

function explainChange(raft: Raft): string | undefined {
  const { configuration, log } = raft;
  if (raft.role === "leader" && raft.pendingChangeIndex > log.applied) {
    if (raft.pendingChangeIndex > log.committed) {
      return `A change of membership may lie up to index ${raft.pendingChangeIndex}, and only ${log.committed} is committed.`;
    }
    return `A change of membership up to index ${raft.pendingChangeIndex} is committed and waits to be applied; ${log.applied} is.`;
  }
  if (isJoint(configuration)) {
    const how = configuration.autoLeave ? "the leader leaves it by itself" : "somebody must propose to leave it";
    return `The configuration is joint, of ${list(configuration.voters)} and ${list(configuration.votersOutgoing)}: ${how}.`;
  }
  if (raft.role === "leader" && configuration.joining.length > 0) return explainJoining(raft);
  return undefined;
}

function explainJoining(raft: Raft): string {
  const id = raft.configuration.joining.find((one) => !isVoter(raft.configuration, one))!;
  const behind = raft.log.lastIndex - (raft.tracker.progress(id)?.match ?? 0);
  const max = raft.options.promotionLagMax;
  return behind > max
    ? `Node ${id} becomes a voter once it lacks at most ${max} entries: it lacks ${behind}.`
    : `Node ${id} has caught up and becomes a voter with the next heartbeat that finds it replicating.`;
}

function list(ids: readonly number[]): string {
  if (ids.length === 1) return `node ${ids[0]}`;
  return `nodes ${ids.slice(0, -1).join(", ")} and ${ids.at(-1)}`;
}
