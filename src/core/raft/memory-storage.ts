import { assert } from "../../std/assert.ts";
import { EMPTY } from "../../std/bytes.ts";
import { type Configuration, EMPTY_CONFIGURATION } from "./configuration.ts";
import { raftFailure } from "./errors.ts";
import { type Entry, type HardState, limitEntries, type Snapshot } from "./messages.ts";
import type { Storage } from "./storage.ts";

/** A Storage that keeps all in memory: for tests, simulations and a browser, and as the cache of one on disk. */
export class MemoryStorage implements Storage {
  #hardState: HardState | undefined;
  #snapshot: Snapshot = { index: 0, term: 0, configuration: EMPTY_CONFIGURATION, data: EMPTY };
  #compactedIndex = 0;
  #compactedTerm = 0;
  #entries: Entry[] = [];

  get hardState(): HardState | undefined {
    return this.#hardState;
  }

  get configuration(): Configuration {
    return this.#snapshot.configuration;
  }

  get firstIndex(): number {
    return this.#compactedIndex + 1;
  }

  get lastIndex(): number {
    return this.#compactedIndex + this.#entries.length;
  }

  entries(low: number, high: number, bytesMax: number): readonly Entry[] | "compacted" | "pending" {
    if (low <= this.#compactedIndex) return "compacted";
    assert(high <= this.lastIndex + 1, "entries are read up to the last one");
    const from = low - this.#compactedIndex - 1;
    return limitEntries(this.#entries.slice(from, high - this.#compactedIndex - 1), bytesMax);
  }

  term(index: number): number | undefined {
    if (index === this.#compactedIndex) return this.#compactedTerm;
    return this.#entries[index - this.#compactedIndex - 1]?.term;
  }

  snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  setHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  /** A suffix that conflicts is replaced; what is compacted already is skipped. */
  append(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const first = entries[0]!.index;
    if (first + entries.length - 1 < this.firstIndex) return;
    const skipped = Math.max(0, this.firstIndex - first);
    const at = first + skipped - this.firstIndex;
    assert(at <= this.#entries.length, "entries are appended without a gap");
    this.#entries.length = at;
    for (let from = skipped; from < entries.length; from++) this.#entries.push(entries[from]!);
  }

  /** Takes the place of the whole log. */
  applySnapshot(snapshot: Snapshot): void {
    if (this.#snapshot.index !== 0 && this.#snapshot.index >= snapshot.index) {
      throw raftFailure("SNAPSHOT_OLD", { data: { stored: this.#snapshot.index, index: snapshot.index } });
    }
    this.#snapshot = snapshot;
    this.#compactedIndex = snapshot.index;
    this.#compactedTerm = snapshot.term;
    this.#entries = [];
  }

  /** Keeps the state as of an index, for followers to come; the log stays as it is. */
  createSnapshot(index: number, configuration: Configuration, data: Uint8Array): Snapshot {
    if (index <= this.#snapshot.index) throw raftFailure("SNAPSHOT_OLD", { data: { index } });
    const term = this.term(index);
    assert(term !== undefined, "a snapshot is made at an index of the log");
    this.#snapshot = { index, term, configuration, data };
    return this.#snapshot;
  }

  /** Gives up the entries up to and including the index. */
  compact(index: number): void {
    if (index <= this.#compactedIndex) throw raftFailure("COMPACTED", { data: { index } });
    const term = this.term(index);
    assert(term !== undefined, "a log is compacted at one of its entries");
    this.#entries = this.#entries.slice(index - this.#compactedIndex);
    this.#compactedIndex = index;
    this.#compactedTerm = term;
  }
}
