import { TRANSACTION_DEFAULTS, type TransactionOptions } from "../transactions/options.ts";

export interface ReplicatedOptions {
  /** The group's id; also the range's in positions. */
  readonly group: number;
  /** The group serves no keys until another one gives it some. */
  readonly beginsEmpty: boolean;
  /** Name of the index, which may be a folder of its own that is removed as a whole: nothing else stands in it. */
  readonly index: string;
  /** Folder of the checkpoints. */
  readonly folder: string;
  /** Commits that are proposed and not yet answered; more are refused with OVERLOADED. */
  readonly commitsMax: number;
  readonly commitsBytesMax: number;
  /** Live leases; more are refused with OVERLOADED. */
  readonly leasesMax: number;
  /** Changes that are kept for watchers, apart from the Store's limit on events. */
  readonly historyBytesMax: number;
  readonly watchersMax: number;
  /**
   * Commands behind the newest checkpoint after which the next one is written, or that checkpoint's size if that is
   * more: so all checkpoints together write no more than the commands did.
   */
  readonly checkpointBytesMin: number;
  /** Commands after which the index is flushed, so that a restart after a crash replays little. */
  readonly flushBytes: number;
  /** Rows and bytes that a scan reads before it lets other work in. */
  readonly turnRowsMax: number;
  readonly turnBytesMax: number;
  /** Scans that run at once; further ones wait, and are refused with OVERLOADED where too many do. */
  readonly scansMax: number;
  readonly scansWaitingMax: number;
  /** After a checkpoint failed (a full disk, say), none is tried for this long. */
  readonly checkpointRetryMillis: number;
  /** The end of a lease that could not be proposed is tried again after this. */
  readonly leaseRetryMillis: number;
  readonly transactions: TransactionOptions;
}

const MIB = 1024 * 1024;

export const REPLICATED_DEFAULTS: ReplicatedOptions = {
  group: 1,
  beginsEmpty: false,
  index: "index",
  folder: "store",
  commitsMax: 10_000,
  commitsBytesMax: 32 * MIB,
  leasesMax: 200_000,
  historyBytesMax: 32 * MIB,
  watchersMax: 10_000,
  checkpointBytesMin: 64 * MIB,
  flushBytes: 16 * MIB,
  turnRowsMax: 512,
  turnBytesMax: MIB,
  scansMax: 64,
  scansWaitingMax: 10_000,
  checkpointRetryMillis: 30_000,
  leaseRetryMillis: 250,
  transactions: TRANSACTION_DEFAULTS,
};
