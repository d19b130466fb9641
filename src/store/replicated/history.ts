// The last commits, kept for watchers: a ring bounded in events and bytes. Watchers hold no queue of their own, only a
// place in it, so a thousand slow ones cost no more than one. Places are numbered from 0 by event and never reused.

import type { CommitEvent } from "../machine.ts";

export interface HistoryLimits {
  readonly eventsMax: number;
  readonly bytesMax: number;
}

/** About what the objects around a change cost. */
const CHANGE_OVERHEAD_BYTES = 64;

export class History {
  readonly #eventsMax: number;
  readonly #bytesMax: number;
  readonly #events: (CommitEvent | undefined)[];
  #first = 0;
  #end = 0;
  #bytes = 0;
  /** All commits behind this revision are here. */
  #completeAfter: number;

  constructor(limits: HistoryLimits, revision: number) {
    this.#eventsMax = limits.eventsMax;
    this.#bytesMax = limits.bytesMax;
    this.#events = new Array(limits.eventsMax);
    this.#completeAfter = revision;
  }

  /** The place of the oldest event that is kept. */
  get first(): number {
    return this.#first;
  }

  /** The place that the next event will take. */
  get end(): number {
    return this.#end;
  }

  add(event: CommitEvent): void {
    while (this.#end - this.#first >= this.#eventsMax) this.#drop();
    this.#events[this.#end++ % this.#eventsMax] = event;
    this.#bytes += eventBytes(event);
    while (this.#bytes > this.#bytesMax && this.#end - this.#first > 1) this.#drop();
  }

  at(place: number): CommitEvent {
    return this.#events[place % this.#eventsMax]!;
  }

  /** The place of the first event behind a revision, or undefined where some of those are gone. */
  placeAfter(revision: number): number | undefined {
    if (revision < this.#completeAfter) return undefined;
    let low = this.#first;
    let high = this.#end;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.at(middle).revision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #drop(): void {
    const oldest = this.at(this.#first);
    this.#events[this.#first++ % this.#eventsMax] = undefined;
    this.#bytes -= eventBytes(oldest);
    this.#completeAfter = oldest.revision;
  }
}

function eventBytes({ changes }: CommitEvent): number {
  let bytes = 0;
  for (const { key, value } of changes) bytes += key.length + (value?.length ?? 0) + CHANGE_OVERHEAD_BYTES;
  return bytes;
}
