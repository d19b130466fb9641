import type { Configuration } from "./configuration.ts";
import type { HardState, Role } from "./messages.ts";
import type { Progress, ProgressState } from "./progress.ts";
import type { Raft } from "./raft.ts";

/** A copy of what a node knows, for pages, metrics and tests. */
export interface RaftStatus extends HardState {
  readonly id: number;
  readonly role: Role;
  readonly lead: number;
  readonly applied: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly leadTransferee: number;
  readonly isQuiescent: boolean;
  readonly configuration: Configuration;
  /** Sorted by id; empty on a node that does not lead. */
  readonly progress: readonly ProgressStatus[];
}

export interface ProgressStatus {
  readonly id: number;
  readonly match: number;
  readonly next: number;
  readonly state: ProgressState;
  readonly isLearner: boolean;
  readonly isWitness: boolean;
  readonly isPaused: boolean;
  readonly pendingSnapshot: number;
  readonly recentActive: boolean;
  /** Heard of within two election timeouts. `recentActive` is false for a moment after each check of the quorum. */
  readonly isAlive: boolean;
  readonly isLost: boolean;
  readonly inflight: number;
  readonly isInflightFull: boolean;
}

export function statusOf(raft: Raft): RaftStatus {
  const { log } = raft;
  return {
    ...raft.hardState,
    id: raft.id,
    role: raft.role,
    lead: raft.lead,
    applied: log.applied,
    firstIndex: log.firstIndex,
    lastIndex: log.lastIndex,
    leadTransferee: raft.leadTransferee,
    isQuiescent: raft.isQuiescent,
    configuration: raft.configuration,
    progress: raft.role === "leader" ? raft.tracker.members.map(statusOfProgress) : [],
  };
}

export function statusOfProgress(progress: Progress): ProgressStatus {
  return {
    id: progress.id,
    match: progress.match,
    next: progress.next,
    state: progress.state,
    isLearner: progress.isLearner,
    isWitness: progress.isWitness,
    isPaused: progress.isPaused,
    pendingSnapshot: progress.pendingSnapshot,
    recentActive: progress.recentActive,
    isAlive: progress.isAlive,
    isLost: progress.isLost,
    inflight: progress.inflights.count,
    isInflightFull: progress.inflights.isFull,
  };
}
