import type { GroupDamage, HardState, LogPoint, LogRecord, MembershipMark, StoredEntry } from "../../log/index.ts";

/**
 * What a host needs of a log that all groups of a node share. `Log` is one; a foreign one can prove itself with
 * `ashlar/raft/conformance`. What a group shows and what a `done` says is all that Raft's safety rests on:
 *
 * 1. What `done` was called for without an error survives a crash, and whatever stood before it in the log with it.
 * 2. After a crash a group shows what some prefix of its records left, at least all that were acknowledged: never a
 *    later one without those before it, never bytes that were not appended. Damage is an error of the opening, not a
 *    shorter log.
 * 3. What a group shows is durable: it changes before the `done` of the append that changes it, and not sooner.
 */
export interface RaftLog {
  /** A record is not longer than this; the host cuts its appends accordingly. */
  readonly recordBytesMax: number;
  /** The group, empty where the log knows nothing of it. The same object until the group is removed, which it sees, too. */
  group(id: number): RaftLogGroup;
  /**
   * Writes the records, in their order and behind all that were given before, and calls `done` when they are durable;
   * `done` come in the order of the appends. Only a log that has failed or is closed may call it from within `append`.
   * The bytes in the records are nobody's to change any more. It takes all that it is given: the host bounds what is
   * on its way.
   *
   * An error with the code LOG_FULL says that nothing of this append was written, nor of what was appended behind it
   * for its groups; the log goes on, and the same records may come again. Any other error is final: all later appends
   * get it as well.
   */
  append(records: readonly RaftLogRecord[], done: (error?: Error) => void): void;
  /**
   * Entries `from` to `to` (inclusive) of what the group shows, in order: at least the first of them, then more
   * until `bytesMax` is reached. The bytes stay as they are. It may reject where the entries are truncated or compacted meanwhile.
   */
  readEntries(group: number, from: number, to: number, bytesMax: number): Promise<readonly StoredEntry[]>;
  /** Gives back the space of what no group needs any more. Loses nothing, whenever it is called. */
  release(): Promise<void>;
  /** What space is left is kept for what groups need to go on: the host takes no commands until it is false again. */
  readonly isNearlyFull?: boolean;
  /** Looks whether there is space by now. */
  retrySpace?(): void;
  /** Parts of the log were lost, and with them perhaps all that told of a group. */
  readonly mayHaveLostGroups?: boolean;
}

/**
 * What a host appends: entries; what voids them (a truncated suffix, a compaction, the end of the group); and marks, of
 * which the latest of each kind counts. The snapshot's mark is told for inspection only. `repaired` comes where the group
 * shows a `damage` that has turned out to be none: it is not shown any more.
 */
export type RaftLogRecord = Extract<
  LogRecord,
  {
    readonly kind:
      | ("entries" | "truncateSuffix" | "compaction" | "removed")
      | ("hardState" | "configuration" | "snapshot" | "repaired");
  }
>;

/** One group's part of a log: a view that changes as records become durable. */
export interface RaftLogGroup {
  /** As the latest record says; undefined where there was none. */
  readonly hardState: HardState | undefined;
  readonly configuration: MembershipMark | undefined;
  /** Up to here the entries are given up; index and term 0 where none are. */
  readonly compaction: LogPoint;
  /** Of the first entry that is there, or would be. */
  readonly firstIndex: number;
  /** Of the last entry; that of the compaction mark where there are none. */
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** About what the entries behind the compaction mark take. */
  readonly entryBytes: number;
  /**
   * Of a log that was opened without what could not be read: the group has lost something, and its member comes back
   * as one that lost its disk. Undefined, or not there at all, where nothing is missing.
   */
  readonly damage?: GroupDamage | undefined;
  /** Also of the compaction mark; undefined where the log does not have the entry. */
  termOf(index: number): number | undefined;
}
