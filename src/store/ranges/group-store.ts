// One group of a Store, on a node that is a member of it or on one that is not. A call that the group does not serve
// rejects with RANGE_MISMATCH, or with RANGE_MOVING while its keys are on their way: then nothing has happened.

import type { Command } from "../command.ts";
import type { PreparedCommit } from "../commit-rules.ts";
import type { ExportPage, PageLimits, WrittenPage } from "../machine/export-pages.ts";
import type { KeyInterval } from "../machine/range-state.ts";
import type { CommandResult } from "../machine.ts";
import type {
  Commit,
  CommitResult,
  Found,
  Lease,
  LeaseId,
  ReadOptions,
  Row,
  RowAddress,
  ScanOptions,
  ScanPage,
  ScanRange,
  Table,
  WatchEvent,
  WatchOptions,
} from "../store.ts";
import type { GroupWatch, WatchPart } from "./watch-begin.ts";

export interface GroupStore {
  get(address: RowAddress, options?: ReadOptions): Promise<Found>;
  getMany(addresses: readonly RowAddress[], options?: ReadOptions): Promise<readonly (Row | undefined)[]>;
  scan(table: Table, range: ScanRange, options: ScanOptions): Promise<ScanPage>;
  commit(commit: Commit, options?: { readonly signal?: AbortSignal }): Promise<CommitResult>;
  commitPrepared(commit: PreparedCommit, options?: { readonly signal?: AbortSignal }): Promise<CommitResult>;
  watch(table: Table, range: ScanRange, options?: WatchOptions): AsyncIterable<WatchEvent>;
  /** Several ranges of one table in one order; otherwise as `watch`. */
  watchParts(table: Table, parts: readonly WatchPart[], options?: PartsOptions): PartsWatch;
  grant(ttlMillis: number): Promise<Lease>;
  keepAlive(id: LeaseId): Promise<void>;
  revoke(id: LeaseId): Promise<void>;
  /** At most once. Rejects with OUTCOME_UNKNOWN where it may have happened, with another code where it did not. */
  propose(command: Command): Promise<CommandResult>;
  /** Of the keys that the group is giving away. */
  exportPage(interval: KeyInterval, from: Uint8Array | undefined, limits: PageLimits): Promise<ExportPage>;
  writtenPage(transfer: number, limits: PageLimits): Promise<WrittenPage>;
}

export interface PartsOptions extends Pick<WatchOptions, "progress" | "signal"> {
  /** Of the group: what is not behind this revision has been told already. */
  readonly cursor?: number;
}

/**
 * The events of one group. One that asked for progress is told where it begins as soon as it has caught up with the
 * latest of its parts.
 */
export type PartsWatch = AsyncIterableIterator<WatchEvent> & Partial<Pick<GroupWatch, "withdraw">>;
