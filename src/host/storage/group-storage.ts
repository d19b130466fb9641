import type { Configuration, Entry, HardState, Snapshot, Storage } from "../../core/raft/index.ts";
import { assert } from "../../std/assert.ts";
import { hasCode } from "../../std/errors.ts";
import { fromStored } from "../requests/entry.ts";
import type { CacheBudget } from "./cache-budget.ts";
import type { RaftLog, RaftLogGroup } from "./raft-log.ts";

/** What a core's limits in bytes count for an entry besides its data. */
const ENTRY_OVERHEAD_BYTES = 12;
/** Entries read from the disk at once for a follower that is behind. */
const LOAD_BYTES = 1024 * 1024;

export interface GroupStorageOptions {
  readonly log: RaftLog;
  readonly group: number;
  readonly configuration: Configuration;
  readonly hardState: HardState | undefined;
  /** Entries up to here are never sent: whoever lacks them needs a snapshot, which tells the members, too. */
  readonly floor: () => number;
  /** Of the newest entries, kept in memory. */
  readonly budget: CacheBudget;
  /** The newest snapshot that can be sent; makes one where there is none. */
  readonly snapshot: () => Snapshot | undefined;
  /** What was `pending` is in memory now. */
  readonly onLoaded: () => void;
  readonly onFailed: (error: Error) => void;
}

/**
 * A group's part of the node's log as the core reads it. Indexes and terms come from the log's index in memory,
 * entries from a cache of the newest ones; older ones are fetched a page at a time. All that it shows is durable.
 */
export class GroupStorage implements Storage {
  readonly #options: GroupStorageOptions;
  readonly #index: RaftLogGroup;
  /** Adjacent, the last one is the log's last. */
  #cached: Entry[] = [];
  /** A page of older entries: what was fetched last. */
  #page: readonly Entry[] = [];
  #isLoading = false;

  constructor(options: GroupStorageOptions) {
    this.#options = options;
    this.#index = options.log.group(options.group);
  }

  get hardState(): HardState | undefined {
    return this.#options.hardState;
  }

  get configuration(): Configuration {
    return this.#options.configuration;
  }

  get firstIndex(): number {
    return Math.max(this.#index.firstIndex, Math.min(this.#options.floor(), this.#index.lastIndex) + 1);
  }

  get lastIndex(): number {
    return this.#index.lastIndex;
  }

  term(index: number): number | undefined {
    return index === 0 && this.#index.compaction.index === 0 ? 0 : this.#index.termOf(index);
  }

  snapshot(): Snapshot | undefined {
    return this.#options.snapshot();
  }

  entries(low: number, high: number, bytesMax: number): readonly Entry[] | "compacted" | "pending" {
    if (low < this.firstIndex) return "compacted";
    assert(high <= this.lastIndex + 1, "entries are read up to the last one");
    const first = this.#cached[0]?.index ?? Number.POSITIVE_INFINITY;
    if (low >= first) return limited(this.#cached, low - first, high - first, bytesMax);
    const pageFirst = this.#page[0]?.index ?? Number.POSITIVE_INFINITY;
    const pageEnd = pageFirst + this.#page.length;
    if (low >= pageFirst && low < pageEnd) {
      return limited(this.#page, low - pageFirst, Math.min(high, pageEnd) - pageFirst, bytesMax);
    }
    this.#load(low, Math.min(high, first) - 1);
    return "pending";
  }

  /** Entries have become durable: a suffix that they replace goes. */
  appended(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const first = entries[0]!.index;
    if ((this.#page.at(-1)?.index ?? 0) >= first) this.#page = [];
    const keep = this.#cached.length === 0 ? 0 : first - this.#cached[0]!.index;
    this.#forget(this.#cached.splice(keep < 0 || keep > this.#cached.length ? 0 : keep));
    for (const entry of entries) {
      this.#cached.push(entry);
      this.#options.budget.add(bytesOf(entry));
    }
    this.#trim();
  }

  /** The log was replaced by a snapshot, or gave up its beginning. */
  dropCache(): void {
    this.#forget(this.#cached.splice(0));
    this.#page = [];
  }

  /** Whoever makes the cache too large gives up its own oldest entries. The newest one stays, however large it is. */
  #trim(): void {
    const { budget } = this.#options;
    let passed = 0;
    for (; budget.isExceeded && passed < this.#cached.length - 1; passed++) budget.add(-bytesOf(this.#cached[passed]!));
    if (passed > 0) this.#cached.splice(0, passed);
  }

  #forget(entries: readonly Entry[]): void {
    for (const entry of entries) this.#options.budget.add(-bytesOf(entry));
  }

  #load(low: number, high: number): void {
    if (this.#isLoading) return;
    this.#isLoading = true;
    const { log, group, onLoaded, onFailed } = this.#options;
    log.readEntries(group, low, high, LOAD_BYTES).then(
      (stored) => {
        this.#isLoading = false;
        const isCurrent = stored.every(({ index, term }) => this.#index.termOf(index) === term);
        this.#page = isCurrent ? stored.map(({ index, term, bytes }) => fromStored(index, term, bytes)) : [];
        onLoaded();
      },
      (error: Error) => {
        this.#isLoading = false;
        // While they were being read a snapshot or another leader's entries may have taken their place, or they were
        // moved.
        const isGone = low < this.firstIndex || this.#index.termOf(low) === undefined;
        if (isGone || hasCode(error, "FILE_MISSING")) onLoaded();
        else onFailed(error);
      },
    );
  }
}

function bytesOf(entry: Entry): number {
  return entry.data.length + ENTRY_OVERHEAD_BYTES;
}

/** Places `from` to before `to`, at least one. */
function limited(entries: readonly Entry[], from: number, to: number, bytesMax: number): readonly Entry[] {
  let bytes = bytesOf(entries[from]!);
  let end = from + 1;
  while (end < to && bytes + bytesOf(entries[end]!) <= bytesMax) bytes += bytesOf(entries[end++]!);
  return entries.slice(from, end);
}
