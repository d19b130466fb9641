import type { ByteSource } from "../std/source.ts";

/**
 * What a group replicates. The host feeds it committed entries in index order, each index once per incarnation; the
 * same entries give the same state and results on every replica, whenever and wherever they run.
 *
 * There are three kinds. A machine *in memory* starts at nothing: the host keeps its snapshots in files, restores the
 * newest one at a start and replays the log behind it. One with *concurrent reads* differs in that `capture` costs
 * nothing and may be read while entries are applied. One *on disk* (`isDurable`) keeps its own state and index, and
 * calls `compact` when a crash would not take them back any more; a snapshot of it is made only for a member that
 * lacks what the log has given up.
 */
export interface StateMachine<Result> {
  /**
   * The last entry whose effects the machine holds now, 0 for none. After a crash it may have gone back, never ahead
   * of what was fed.
   */
  readonly appliedIndex: number;
  /**
   * Applies entries in order and at once: no promise, clock or chance inside. One list an entry, one result a
   * command.
   */
  apply(entries: readonly Entry[]): readonly (readonly Result[])[];
  /**
   * The state as of `appliedIndex`, frozen. Without it the machine can only be in a group of one that never changes
   * its members.
   */
  capture?(): Capture;
  /**
   * Takes the place of the whole state; `appliedIndex` is `index` afterwards. Where it breaks off, a machine on disk
   * must say at the next start that it holds nothing. It is not fed meanwhile.
   */
  restore?(source: ByteSource, index: number): Promise<void>;
  /** The machine survives a restart by itself. Default: false. */
  readonly isDurable?: boolean;
}

export interface Capture {
  /** Once. */
  read(): ByteSource;
  /** Nothing of the frozen state is needed any more. */
  close(): void;
}

/** One Raft entry: the commands of one turn; none where the entry is the protocol's own. */
export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly commands: readonly Uint8Array[];
}

/**
 * A replicated group as its user sees it, on any of its members. In a group of one an entry is committed as soon as
 * it is on this node's disk.
 */
export interface Group<Result> extends AsyncDisposable {
  /**
   * Resolves with the command's result once its entry is durable on a quorum and applied here. Rejects with
   * OVERLOADED, NO_SPACE or NO_LEADER where nothing was written, with OUTCOME_UNKNOWN or STOPPED where that can not be said.
   */
  propose(command: Uint8Array): Promise<Result>;
  /**
   * Resolves when the machine holds every command that was acknowledged before this call (ReadIndex). Rejects with
   * NO_LEADER or STOPPED.
   */
  readBarrier(): Promise<void>;
  /** Entries up to `index` are no longer needed for recovery: the machine, on disk, holds them for good. */
  compact(index: number): Promise<void>;
  /** Bytes of log that a restart would replay. */
  readonly logBytesSinceCompaction: number;
}
