import { type Entry, MemoryStorage, type Message, type Snapshot } from "../../../core/raft/index.ts";

export interface LoggedEntry {
  readonly entry: Entry;
  /** It survives a crash. */
  readonly isSynced: boolean;
}

/**
 * One node's disk. Work is written and synced batch by batch: all that came while one sync ran goes with the next. What `storage` has is
 * synced and survives a crash of the process; what waits does not.
 */
export class VirtualDisk {
  #storage = new MemoryStorage();
  #waiting: Message[] = [];
  #syncing: readonly Message[] = [];
  #log: readonly LoggedEntry[] | undefined;

  constructor(first: Snapshot) {
    this.#storage.applySnapshot(first);
    this.#storage.setHardState({ term: first.term, vote: 0, commit: first.index, incarnation: 0, isLost: false });
  }

  get storage(): MemoryStorage {
    return this.#storage;
  }

  /** A node has never run on it, or what it wrote is gone. */
  get isBlank(): boolean {
    return this.#storage.hardState === undefined && this.#storage.snapshot()!.index === 0;
  }

  get isIdle(): boolean {
    return this.#syncing.length === 0;
  }

  /** The entries as the process sees them, from the oldest; those that wait to be synced too. */
  get log(): readonly LoggedEntry[] {
    return (this.#log ??= this.#readLog());
  }

  /** Of what was given to it last, synced or not. */
  get lastIndex(): number {
    for (const work of [this.#waiting, this.#syncing]) {
      const newest = work.findLast(({ entries, snapshot }) => entries.length > 0 || snapshot !== undefined);
      if (newest !== undefined) return newest.entries.at(-1)?.index ?? newest.snapshot!.index;
    }
    return this.#storage.lastIndex;
  }

  write(work: Message): void {
    this.#waiting.push(work);
    this.#log = undefined;
  }

  /** Takes what waits into the next sync; false where nothing does. */
  beginSync(): boolean {
    this.#syncing = this.#waiting;
    this.#waiting = [];
    return this.#syncing.length > 0;
  }

  /** All of the batch is safe now. Returns it, for the node to be told. */
  endSync(): readonly Message[] {
    const batch = this.#syncing;
    this.#syncing = [];
    for (const { hardState, snapshot, entries } of batch) {
      if (hardState !== undefined) this.#storage.setHardState(hardState);
      if (snapshot !== undefined && snapshot.index > this.#storage.snapshot()!.index) {
        this.#storage.applySnapshot(snapshot);
      }
      this.#storage.append(entries);
    }
    this.#log = undefined;
    return batch;
  }

  /** The log has been compacted. */
  changed(): void {
    this.#log = undefined;
  }

  /** The process is gone, and what it had not synced with it. */
  crash(): void {
    this.#waiting = [];
    this.#syncing = [];
    this.#log = undefined;
  }

  wipe(): void {
    this.crash();
    this.#storage = new MemoryStorage();
  }

  #readLog(): readonly LoggedEntry[] {
    const storage = this.#storage;
    const synced = storage.entries(storage.firstIndex, storage.lastIndex + 1, Number.POSITIVE_INFINITY);
    let log: LoggedEntry[] = typeof synced === "string" ? [] : synced.map((entry) => ({ entry, isSynced: true }));
    for (const { entries, snapshot } of [...this.#syncing, ...this.#waiting]) {
      if (snapshot !== undefined) log = [];
      if (entries.length === 0) continue;
      const first = entries[0]!.index;
      log = log.filter(({ entry }) => entry.index < first);
      for (const entry of entries) log.push({ entry, isSynced: false });
    }
    return log;
  }
}
