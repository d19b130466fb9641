import { concatBytes, EMPTY } from "../../../../std/bytes.ts";
import { decodeConfChange, isConfChange } from "../../conf-change.ts";
import { type Configuration, EMPTY_CONFIGURATION } from "../../configuration.ts";
import { MemoryStorage } from "../../memory-storage.ts";
import { type Entry, EntryType, type HardState, type Message, type Snapshot } from "../../messages.ts";
import { RaftNode } from "../../node.ts";
import type { RaftOptions } from "../../options.ts";

/** With each entry that is applied a snapshot is made: the last one is what a follower gets, and what a restart begins with. */
class HistoryStorage extends MemoryStorage {
  readonly #history: readonly Snapshot[];

  constructor(history: readonly Snapshot[]) {
    super();
    this.#history = history;
  }

  override get configuration(): Configuration {
    return this.#history.at(-1)?.configuration ?? super.configuration;
  }

  override snapshot(): Snapshot | undefined {
    return this.#history.at(-1);
  }
}

/** A node of a script, with a state machine that strings all applied data together. */
export class Member {
  readonly id: number;
  readonly options: Omit<RaftOptions, "storage" | "id">;
  readonly history: Snapshot[];
  appendWork: Message[] = [];
  applyWork: Message[] = [];
  #storage: HistoryStorage;
  #node: RaftNode;

  constructor(id: number, options: Omit<RaftOptions, "storage" | "id">, first: Snapshot) {
    this.id = id;
    this.options = options;
    this.history = [first];
    this.#storage = new HistoryStorage(this.history);
    if (first.index > 0) this.#storage.applySnapshot(first);
    this.#node = new RaftNode({ ...options, id, storage: this.#storage });
  }

  get node(): RaftNode {
    return this.#node;
  }

  get storage(): MemoryStorage {
    return this.#storage;
  }

  get isAsync(): boolean {
    return this.options.asyncStorageWrites === true;
  }

  get newest(): Snapshot {
    return this.history.at(-1)!;
  }

  /** The process starts again on what its disk holds, or on an empty one. */
  restart(lostDisk: boolean): void {
    this.appendWork = [];
    this.applyWork = [];
    if (lostDisk) {
      this.history.length = 0;
      this.history.push({ index: 0, term: 0, configuration: EMPTY_CONFIGURATION, data: EMPTY });
      this.#storage = new HistoryStorage(this.history);
    }
    const applied = this.newest.index;
    this.#node = new RaftNode({ ...this.options, id: this.id, storage: this.#storage, applied, lostDisk });
  }

  append(hardState: HardState | undefined, entries: readonly Entry[], snapshot: Snapshot | undefined): void {
    if (hardState !== undefined) this.#storage.setHardState(hardState);
    if (snapshot !== undefined) {
      this.#storage.applySnapshot(snapshot);
      this.history.push(snapshot);
    }
    this.#storage.append(entries);
  }

  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      let { configuration } = this.newest;
      let update = entry.data;
      if (isConfChange(entry)) {
        update = decodeConfChange(entry.data).context;
        configuration = this.#node.applyConfChange(entry);
      }
      const data = entry.type === EntryType.metadata ? this.newest.data : concatBytes([this.newest.data, update]);
      this.history.push({ index: entry.index, term: entry.term, configuration, data });
    }
  }
}
