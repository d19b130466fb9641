import type { RaftOptions } from "../core/raft/index.ts";

/** Limits of one group; times are in ticks of the host. */
export interface GroupLimits {
  /** Commands, and reads, that are under way here. */
  readonly waitingMax: number;
  readonly waitingBytesMax: number;
  /** A turn's commands are cut into entries of about this size. */
  readonly entryBytesMax: number;
  /** A call waits so long for a leader, and a command then for its outcome. */
  readonly timeoutTicks: number;
  /** The log behind a snapshot of a machine in memory, before the next one is made. */
  readonly snapshotLogBytesMin: number;
}

export const GROUP_DEFAULTS: GroupLimits = {
  waitingMax: 20_000,
  waitingBytesMax: 64 * 1024 * 1024,
  entryBytesMax: 1024 * 1024,
  timeoutTicks: 100,
  snapshotLogBytesMin: 16 * 1024 * 1024,
};

/** What of the core's options a group's owner may choose. */
export type CoreOptions = Pick<
  RaftOptions,
  | "electionTicks"
  | "heartbeatTicks"
  | "messageBytesMax"
  | "applyingBytesMax"
  | "uncommittedBytesMax"
  | "inflightMessagesMax"
  | "inflightBytesMax"
  | "checkQuorum"
  | "preVote"
  | "reads"
  | "promotionLagMax"
  | "quiesceTicks"
  | "bugs"
>;

export interface HostLimits {
  /** Of the host's clock: heartbeats go out with each, and ten without a leader start an election. */
  readonly tickMillis: number;
  /** A frame is sent when it has become longer than this. */
  readonly frameBytes: number;
  /** Entries of all groups that are kept in memory for followers and machines. */
  readonly cacheBytesMax: number;
  /** Of snapshots, sent in one tick to all members of all groups. */
  readonly snapshotBytesPerTick: number;
}

export const HOST_DEFAULTS: HostLimits = {
  tickMillis: 100,
  frameBytes: 1024 * 1024,
  cacheBytesMax: 64 * 1024 * 1024,
  snapshotBytesPerTick: 16 * 1024 * 1024,
};
