import { assert } from "../../std/assert.ts";
import type { Entry, Snapshot } from "./messages.ts";

/**
 * The end of the log that stable storage does not have yet, or an incoming snapshot that will replace the whole log.
 *
 *     stable storage      | in progress (handed out) | new
 *     ....................|..........................|..........
 *                         ^ offset                   ^ offsetInProgress
 *
 * Entry at `entries[i]` has index `offset + i`. What stable storage holds from `offset` on is overwritten by what is here.
 */
export class Unstable {
  #entries: Entry[] = [];
  #offset: number;
  #offsetInProgress: number;
  #snapshot: Snapshot | undefined;
  #snapshotInProgress = false;

  constructor(offset: number) {
    this.#offset = offset;
    this.#offsetInProgress = offset;
  }

  get offset(): number {
    return this.#offset;
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  get lastIndex(): number | undefined {
    if (this.#entries.length > 0) return this.#offset + this.#entries.length - 1;
    return this.#snapshot?.index;
  }

  term(index: number): number | undefined {
    if (index >= this.#offset) return this.#entries[index - this.#offset]?.term;
    return this.#snapshot !== undefined && this.#snapshot.index === index ? this.#snapshot.term : undefined;
  }

  get hasNext(): boolean {
    return this.#offset + this.#entries.length > this.#offsetInProgress;
  }

  /** What has not been handed to storage yet. */
  nextEntries(): readonly Entry[] {
    return this.#entries.slice(this.#offsetInProgress - this.#offset);
  }

  get nextSnapshot(): Snapshot | undefined {
    return this.#snapshotInProgress ? undefined : this.#snapshot;
  }

  slice(low: number, high: number): readonly Entry[] {
    assert(
      low >= this.#offset && high <= this.#offset + this.#entries.length,
      "a slice lies within the unstable entries",
    );
    return this.#entries.slice(low - this.#offset, high - this.#offset);
  }

  /** All that is here is now being written. */
  acceptInProgress(): void {
    this.#offsetInProgress = this.#offset + this.#entries.length;
    if (this.#snapshot !== undefined) this.#snapshotInProgress = true;
  }

  /**
   * Storage has written up to an entry. The term tells whether it is still the entry that is meant: it may have been replaced by another
   * leader's while the write was under way.
   */
  stableTo(index: number, term: number): void {
    if (index < this.#offset || this.term(index) !== term) return;
    const count = index + 1 - this.#offset;
    if (count === this.#entries.length) this.#entries = [];
    else this.#entries.splice(0, count);
    this.#offset = index + 1;
    this.#offsetInProgress = Math.max(this.#offsetInProgress, this.#offset);
  }

  stableSnapshotTo(index: number): void {
    if (this.#snapshot?.index !== index) return;
    this.#snapshot = undefined;
    this.#snapshotInProgress = false;
  }

  restore(snapshot: Snapshot): void {
    this.#offset = snapshot.index + 1;
    this.#offsetInProgress = this.#offset;
    this.#entries = [];
    this.#snapshot = snapshot;
    this.#snapshotInProgress = false;
  }

  truncateAndAppend(entries: readonly Entry[], from = 0): void {
    const first = entries[from]!.index;
    assert(first <= this.#offset + this.#entries.length, "entries are appended without a gap");
    if (first <= this.#offset) {
      this.#entries = [];
      this.#offset = first;
      this.#offsetInProgress = first;
    } else if (first < this.#offset + this.#entries.length) {
      this.#entries.length = first - this.#offset;
      this.#offsetInProgress = Math.min(this.#offsetInProgress, first);
    }
    for (let at = from; at < entries.length; at++) this.#entries.push(entries[at]!);
  }
}
