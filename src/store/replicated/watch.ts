// Watchers over the history of commits. A watcher that waits is asked about each commit as it happens; one whose reader
// is busy finds its place in the history when the reader comes back, and is SLOW_WATCHER if that place is gone.

import { assert } from "../../std/assert.ts";
import { compareBytes, EMPTY } from "../../std/bytes.ts";
import { storeFailure } from "../errors.ts";
import { decodeAddress, encodeRange, type IndexBounds } from "../key-codec.ts";
import type { CommitEvent, RowChange } from "../machine.ts";
import type { Change, Position, ScanRange, Table, WatchEvent, WatchOptions } from "../store.ts";
import type { StoreCounters } from "./counters.ts";
import { History, type HistoryLimits } from "./history.ts";
import { decodePosition, encodePosition } from "./position.ts";

export interface WatchHubOptions extends HistoryLimits {
  readonly group: number;
  readonly watchersMax: number;
  readonly counters: StoreCounters;
}

export class WatchHub {
  readonly #options: WatchHubOptions;
  #history: History;
  /** Those that wait for an event, by table. */
  readonly #waiting = new Map<Table, Set<Watcher>>();
  readonly #watchers = new Set<Watcher>();
  #revision = 0;
  #closed = false;

  constructor(options: WatchHubOptions) {
    this.#options = options;
    this.#history = new History(options, 0);
  }

  /** Begins anew: the first event comes behind this revision. No one watches yet. */
  begin(revision: number): void {
    assert(this.#watchers.size === 0, "history begins before anyone watches it");
    this.#history = new History(this.#options, revision);
    this.#revision = revision;
  }

  /** Commits up to this revision took effect without being told one by one: whoever watches has missed some. */
  skipTo(revision: number): void {
    if (revision === this.#revision) return;
    const watchers = [...this.#watchers];
    for (const watcher of watchers) watcher.fail(storeFailure("HISTORY_LOST", { data: { revision } }));
    this.begin(revision);
  }

  publish(event: CommitEvent): void {
    this.#history.add(event);
    this.#revision = event.revision;
    if (this.#waiting.size === 0) return;
    const tables = new Set(event.changes.map(({ key }) => key[0]!));
    for (const table of tables) {
      for (const watcher of this.#waiting.get(table) ?? []) watcher.offer(event);
    }
  }

  /** The watch begins with this call, not with its first read. Why it can not be is told by the first read. */
  watch(table: Table, range: ScanRange, { since, signal }: WatchOptions): AsyncIterableIterator<WatchEvent> {
    const watcher = new Watcher({
      history: this.#history,
      positionOf: (revision) => encodePosition(this.#options.group, revision),
      delivered: () => this.#options.counters.watchEvents++,
      wait: (waits) => this.#wait(table, watcher, waits),
      ended: (reason) => this.#ended(watcher, reason),
    });
    this.#watchers.add(watcher);
    this.#options.counters.watchers = this.#watchers.size;
    try {
      watcher.begin(encodeRange(table, range), this.#placeOf(since));
      if (signal) watcher.obey(signal);
    } catch (refusal) {
      watcher.fail(refusal);
    }
    return watcher;
  }

  /** Every watcher's next read rejects with the error. */
  close(error: Error): void {
    this.#closed = true;
    for (const watcher of [...this.#watchers]) watcher.fail(error);
  }

  #placeOf(since: Position | undefined): number {
    const { group, watchersMax } = this.#options;
    if (this.#closed) throw storeFailure("STOPPED");
    if (this.#watchers.size > watchersMax) {
      throw storeFailure("OVERLOADED", { what: "Too many watchers are open.", data: { watchersMax } });
    }
    if (since === undefined) return this.#history.end;
    const revision = decodePosition(since, group);
    if (revision > this.#revision) throw storeFailure("POSITION_INVALID", { data: { position: since } });
    const place = this.#history.placeAfter(revision);
    if (place === undefined) throw storeFailure("HISTORY_LOST", { data: { position: since } });
    return place;
  }

  #wait(table: Table, watcher: Watcher, waits: boolean): void {
    const waiting = this.#waiting.get(table);
    if (waits) {
      if (waiting) waiting.add(watcher);
      else this.#waiting.set(table, new Set([watcher]));
    } else if (waiting?.delete(watcher) && waiting.size === 0) this.#waiting.delete(table);
  }

  #ended(watcher: Watcher, reason: "slow" | "other"): void {
    this.#watchers.delete(watcher);
    this.#options.counters.watchers = this.#watchers.size;
    if (reason === "slow") this.#options.counters.slowWatchers++;
  }
}

interface WatcherSettings {
  readonly history: History;
  readonly positionOf: (revision: number) => Position;
  readonly delivered: () => void;
  readonly wait: (waits: boolean) => void;
  readonly ended: (reason: "slow" | "other") => void;
}

type Next = IteratorResult<WatchEvent, undefined>;

class Watcher implements AsyncIterableIterator<WatchEvent> {
  readonly #settings: WatcherSettings;
  #bounds: IndexBounds = NOWHERE;
  /** Of the first event that it has not looked at. Means nothing while it waits: then it has looked at all. */
  #place = 0;
  #waiter: { readonly resolve: (next: Next) => void; readonly reject: (error: unknown) => void } | undefined;
  #failure: { readonly error: unknown } | undefined;
  #done = false;
  #disobey = (): void => {};

  constructor(settings: WatcherSettings) {
    this.#settings = settings;
  }

  begin(bounds: IndexBounds, place: number): void {
    this.#bounds = bounds;
    this.#place = place;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Next> {
    if (this.#waiter)
      return Promise.reject(storeFailure("REQUEST_INVALID", { what: "A watch has one reader at a time." }));
    if (this.#done) return this.#last();
    const event = this.#nextKept();
    if (event) return Promise.resolve(this.#deliver(event));
    if (this.#done) return this.#last();
    this.#settings.wait(true);
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  async return(): Promise<Next> {
    this.#end("other");
    this.#waiter?.resolve(END);
    this.#waiter = undefined;
    this.#failure = undefined;
    return END;
  }

  /** An event that has just been added to the history. */
  offer(event: CommitEvent): void {
    const found = this.#select(event);
    if (found === undefined) return;
    const waiter = this.#waiter!;
    this.#waiter = undefined;
    this.#settings.wait(false);
    this.#place = this.#settings.history.end;
    waiter.resolve(this.#deliver(found));
  }

  /** The read that waits, or else the next one, rejects; the one after that says that the watch is over. */
  fail(error: unknown, reason: "slow" | "other" = "other"): void {
    if (this.#done) return;
    this.#end(reason);
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter) waiter.reject(error);
    else this.#failure = { error };
  }

  /** Throws where the signal is aborted already. */
  obey(signal: AbortSignal): void {
    signal.throwIfAborted();
    const abort = (): void => this.fail(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    this.#disobey = () => signal.removeEventListener("abort", abort);
  }

  #end(reason: "slow" | "other"): void {
    if (this.#done) return;
    this.#done = true;
    this.#settings.wait(false);
    this.#disobey();
    this.#settings.ended(reason);
  }

  #last(): Promise<Next> {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure ? Promise.reject(failure.error) : Promise.resolve(END);
  }

  #nextKept(): WatchEvent | undefined {
    const { history } = this.#settings;
    if (this.#place < history.first) {
      this.fail(storeFailure("SLOW_WATCHER", { data: { eventsBehind: history.end - this.#place } }), "slow");
      return undefined;
    }
    while (this.#place < history.end) {
      const event = this.#select(history.at(this.#place++));
      if (event) return event;
    }
    return undefined;
  }

  #deliver(event: WatchEvent): Next {
    this.#settings.delivered();
    return { done: false, value: event };
  }

  #select({ revision, changes }: CommitEvent): WatchEvent | undefined {
    const inside = changes.filter(({ key }) => this.#covers(key));
    if (inside.length === 0) return undefined;
    return {
      changes: inside.map((change) => asChange(change, revision)),
      position: this.#settings.positionOf(revision),
    };
  }

  #covers(key: Uint8Array): boolean {
    const { from, to } = this.#bounds;
    return compareBytes(key, from) >= 0 && compareBytes(key, to) < 0;
  }
}

const NOWHERE: IndexBounds = { from: EMPTY, to: EMPTY };
const END: Next = { done: true, value: undefined };

function asChange({ key, value }: RowChange, revision: number): Change {
  return { ...decodeAddress(key), value, revision };
}
