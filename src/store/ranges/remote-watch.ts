import { hasCode } from "../../std/errors.ts";
import { storeFailure } from "../errors.ts";
import type { Position, WatchEvent } from "../store.ts";
import type { Polled } from "./watch-poll.ts";

export interface RemoteWatchSettings {
  /** Where it begins; undefined: now, or wherever its parts say. */
  readonly cursor: Position | undefined;
  /** The first question goes out with the call. */
  readonly beginsAtOnce: boolean;
  /** One question. It ends with the signal's reason. */
  readonly ask: (cursor: Position | undefined, waits: boolean, signal: AbortSignal) => Promise<Polled>;
  readonly revisionOf: (position: Position) => number;
  readonly positionOf: (revision: number) => Position;
  readonly signal: AbortSignal | undefined;
  /** The reader is told where it begins, and how far it has come, also without changes. */
  readonly progress: boolean;
}

type Next = IteratorResult<WatchEvent, undefined>;

/** The events of a group elsewhere. The first question goes out with the watch, and says where it begins. */
export class RemoteWatch implements AsyncIterableIterator<WatchEvent> {
  readonly #settings: RemoteWatchSettings;
  readonly #stop = new AbortController();
  readonly begun: Promise<void>;
  #cursor: Position | undefined;
  #events: readonly WatchEvent[] = [];
  #at = 0;
  /** It has read before. */
  #hasBegun = false;
  #hasToldBeginning = false;
  #isReading = false;
  #isOver = false;

  constructor(settings: RemoteWatchSettings) {
    this.#settings = settings;
    this.#cursor = settings.cursor;
    this.begun = settings.beginsAtOnce ? this.#ask(false) : Promise.resolve();
    // The first read tells why it could not begin.
    this.begun.catch(() => {});
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<Next> {
    if (this.#isReading) {
      throw storeFailure("REQUEST_INVALID", { what: "A watch has one reader at a time." });
    }
    this.#isReading = true;
    try {
      await this.begun;
      this.#hasBegun ||= this.#cursor !== this.#settings.cursor;
      while (!this.#isOver && this.#at === this.#events.length) {
        await this.#ask(true);
        this.#hasBegun = true;
      }
      return this.#isOver ? END : { done: false, value: this.#events[this.#at++]! };
    } catch (error) {
      if (this.#isOver) return END;
      this.#isOver = true;
      // It has read up to here before: the members, which keep nothing for it, have more to tell than they have kept.
      if (this.#hasBegun && hasCode(error, "HISTORY_LOST")) throw storeFailure("SLOW_WATCHER", { cause: error });
      throw error;
    } finally {
      this.#isReading = false;
    }
  }

  async return(): Promise<Next> {
    this.#isOver = true;
    this.#stop.abort();
    return END;
  }

  async #ask(waits: boolean): Promise<void> {
    const { ask, signal } = this.#settings;
    const stopped = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    const before = this.#cursor;
    const polled = await ask(before, waits, stopped);
    this.#events = this.#settings.progress ? this.#withProgress(polled, before) : polled.events;
    this.#at = 0;
    this.#cursor = polled.position;
  }

  /** Where it begins stands before the first event behind that, and how far it has come where there is no event. */
  #withProgress({ events, position, beginsAt }: Polled, before: Position | undefined): readonly WatchEvent[] {
    const { revisionOf, positionOf } = this.#settings;
    if (this.#hasToldBeginning) {
      return events.length === 0 && position !== before ? [{ changes: [], position }] : events;
    }
    const [first] = events;
    const isAll = first === undefined || revisionOf(first.position) > beginsAt;
    const hasCaughtUp = revisionOf(position) >= beginsAt;
    this.#hasToldBeginning = isAll || hasCaughtUp;
    if (isAll) return [{ changes: [], position: positionOf(beginsAt) }, ...events];
    return hasCaughtUp ? [...events, { changes: [], position }] : events;
  }
}

const END: Next = { done: true, value: undefined };
