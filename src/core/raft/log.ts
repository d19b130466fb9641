import { assert } from "../../std/assert.ts";
import { type Entry, EntryType, entriesBytes, limitEntries, type Snapshot } from "./messages.ts";
import type { Storage } from "./storage.ts";
import { Unstable } from "./unstable.ts";

const NO_ENTRIES: readonly Entry[] = [];
const SCAN_BYTES = 1024 * 1024;

/**
 * The log as the protocol sees it: stable storage with the unstable end laid over it.
 *
 *     first <= ... applied <= applying <= committed <= last
 *
 * `applying` is what was handed to the state machine, `applied` what it said it had done.
 */
export class RaftLog {
  readonly #storage: Storage;
  readonly unstable: Unstable;
  readonly #applyingBytesMax: number;
  #committed: number;
  #applying: number;
  #applied: number;
  #applyingBytes = 0;
  #isApplyingPaused = false;
  #isReadPending = false;

  constructor(storage: Storage, applyingBytesMax: number) {
    this.#storage = storage;
    this.#applyingBytesMax = applyingBytesMax;
    this.unstable = new Unstable(storage.lastIndex + 1);
    const before = storage.firstIndex - 1;
    this.#committed = before;
    this.#applying = before;
    this.#applied = before;
  }

  get committed(): number {
    return this.#committed;
  }

  get applied(): number {
    return this.#applied;
  }

  get firstIndex(): number {
    const { snapshot } = this.unstable;
    return snapshot !== undefined ? snapshot.index + 1 : this.#storage.firstIndex;
  }

  get lastIndex(): number {
    return this.unstable.lastIndex ?? this.#storage.lastIndex;
  }

  get lastTerm(): number {
    const term = this.term(this.lastIndex);
    assert(term !== undefined, "the last entry's term is known");
    return term;
  }

  /** Undefined where the log no longer, or does not yet, hold the index. */
  term(index: number): number | undefined {
    const term = this.unstable.term(index);
    if (term !== undefined) return term;
    if (index + 1 < this.firstIndex || index > this.lastIndex) return undefined;
    return this.#storage.term(index);
  }

  matches(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    const term = this.lastTerm;
    return lastTerm > term || (lastTerm === term && lastIndex >= this.lastIndex);
  }

  /** A follower's append: undefined where the entry before does not match, else the index of the last new entry. */
  maybeAppend(prevIndex: number, prevTerm: number, entries: readonly Entry[], commit: number): number | undefined {
    if (!this.matches(prevIndex, prevTerm)) return undefined;
    const last = prevIndex + entries.length;
    const conflict = this.#findConflict(entries);
    if (conflict < entries.length) {
      assert(entries[conflict]!.index > this.#committed, "a committed entry is never replaced");
      this.unstable.truncateAndAppend(entries, conflict);
    }
    this.commitTo(Math.min(commit, last));
    return last;
  }

  append(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    assert(entries[0]!.index > this.#committed, "a committed entry is never replaced");
    this.unstable.truncateAndAppend(entries);
  }

  /** The last index at or below the given one whose term is not above the given term, and its term: 0 where it is unknown. */
  findConflictByTerm(index: number, term: number): { readonly index: number; readonly term: number } {
    for (let at = index; at > 0; at--) {
      const own = this.term(at);
      if (own === undefined) return { index: at, term: 0 };
      if (own <= term) return { index: at, term: own };
    }
    return { index: 0, term: 0 };
  }

  commitTo(index: number): void {
    if (index <= this.#committed) return;
    assert(index <= this.lastIndex, "the log has what the leader saw acknowledged: else this node's disk lost it");
    this.#committed = index;
  }

  /** The rule of section 5.4.2: only an entry of the leader's own term is committed by counting. */
  maybeCommit(index: number, term: number): boolean {
    if (index <= this.#committed || !this.matches(index, term)) return false;
    this.commitTo(index);
    return true;
  }

  /** With a bound for what was committed before the restart: the storage's own hard state. */
  loadCommitted(index: number): void {
    assert(index >= this.#committed && index <= this.lastIndex, "the stored commit index lies within the log");
    this.#committed = index;
  }

  appliedTo(index: number, bytes: number): void {
    assert(index <= this.#committed && index >= this.#applied, "only what is committed is applied, in order");
    this.#applied = index;
    this.#applying = Math.max(this.#applying, index);
    this.#applyingBytes = Math.max(0, this.#applyingBytes - bytes);
    this.#isApplyingPaused = this.#applyingBytes >= this.#applyingBytesMax;
  }

  /** The state machine was handed entries up to the index. */
  acceptApplying(index: number, bytes: number, allowUnstable: boolean): void {
    assert(index <= this.#committed, "only what is committed is applied");
    this.#applying = index;
    this.#applyingBytes += bytes;
    // A page that the limit has cut short means the same as the limit being reached: wait until it is applied.
    this.#isApplyingPaused =
      this.#applyingBytes >= this.#applyingBytesMax || index < this.#appliableIndex(allowUnstable);
  }

  hasNextCommitted(allowUnstable: boolean): boolean {
    if (this.#isApplyingPaused || this.#isReadPending || this.unstable.snapshot !== undefined) return false;
    return this.#applying < this.#appliableIndex(allowUnstable);
  }

  nextCommitted(allowUnstable: boolean): readonly Entry[] {
    if (!this.hasNextCommitted(allowUnstable)) return NO_ENTRIES;
    const high = this.#appliableIndex(allowUnstable) + 1;
    const entries = this.slice(this.#applying + 1, high, this.#applyingBytesMax - this.#applyingBytes);
    assert(entries !== "compacted", "what is not applied yet is not compacted");
    if (entries !== "pending") return entries;
    this.#isReadPending = true;
    return NO_ENTRIES;
  }

  readFinished(): void {
    this.#isReadPending = false;
  }

  /** The newest snapshot for a follower; undefined while one is being made. */
  snapshot(): Snapshot | undefined {
    return this.unstable.snapshot ?? this.#storage.snapshot();
  }

  restore(snapshot: Snapshot): void {
    this.#committed = snapshot.index;
    this.unstable.restore(snapshot);
  }

  entriesFrom(index: number, bytesMax: number): readonly Entry[] | "compacted" | "pending" {
    return index > this.lastIndex ? NO_ENTRIES : this.slice(index, this.lastIndex + 1, bytesMax);
  }

  slice(low: number, high: number, bytesMax: number): readonly Entry[] | "compacted" | "pending" {
    assert(low <= high && high <= this.lastIndex + 1, "a slice lies within the log");
    if (low < this.firstIndex) return "compacted";
    if (low === high) return NO_ENTRIES;
    const { offset } = this.unstable;
    if (low >= offset) return limitEntries(this.unstable.slice(low, high), bytesMax);
    const cut = Math.min(high, offset);
    const stable = this.#storage.entries(low, cut, bytesMax);
    if (typeof stable === "string" || high <= offset || stable.length < cut - low) return stable;
    const left = bytesMax - entriesBytes(stable);
    if (left <= 0) return stable;
    const rest = limitEntries(this.unstable.slice(offset, high), left);
    // The first of the rest came along only because a limited list is never empty.
    if (rest.length === 1 && entriesBytes(rest) > left) return stable;
    return [...stable, ...rest];
  }

  /** Whether a change of membership is committed and not yet applied: such a node must not campaign. */
  hasUnappliedChange(): boolean {
    let low = this.#applied + 1;
    while (low <= this.#committed) {
      const entries = this.slice(low, this.#committed + 1, SCAN_BYTES);
      if (typeof entries === "string") return true;
      for (const entry of entries) {
        if (entry.type === EntryType.confChange || entry.type === EntryType.confChangeV2) return true;
      }
      low += entries.length;
    }
    return false;
  }

  /** Position of the first entry that the log does not hold with the same term. */
  #findConflict(entries: readonly Entry[]): number {
    let at = 0;
    while (at < entries.length && this.matches(entries[at]!.index, entries[at]!.term)) at++;
    return at;
  }

  #appliableIndex(allowUnstable: boolean): number {
    return allowUnstable ? this.#committed : Math.min(this.#committed, this.unstable.offset - 1);
  }
}
