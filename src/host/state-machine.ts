/**
 * What a group replicates. The host feeds it committed entries in index order, each index once per incarnation;
 * the same entries give the same state and results on every replica, whenever and wherever they run.
 */
export interface StateMachine<Result> {
  /** The last entry whose effects the machine holds now, 0 for none. After a crash it may have gone back, never ahead of what was fed. */
  readonly appliedIndex: number;
  /** Applies entries in order and at once: no promise, clock or chance inside. One list an entry, one result a command. */
  apply(entries: readonly Entry[]): readonly (readonly Result[])[];
}

/** One Raft entry: the commands of one turn. */
export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly commands: readonly Uint8Array[];
}

/** A replicated group as its user sees it. In a group of one an entry is committed as soon as it is on this node's disk. */
export interface Group<Result> extends AsyncDisposable {
  /**
   * Resolves with the command's result once its entry is durable on a quorum and applied here.
   * Rejects with OVERLOADED before anything was written, with STOPPED (outcome unknown) if the node stops meanwhile.
   */
  propose(command: Uint8Array): Promise<Result>;
  /** Resolves when the machine holds every command that was acknowledged before this call (ReadIndex). */
  readBarrier(): Promise<void>;
  /** Entries up to `index` are no longer needed for recovery: a durable checkpoint covers them. */
  compact(index: number): Promise<void>;
  /** Bytes of log that a restart would replay. */
  readonly logBytesSinceCompaction: number;
}
