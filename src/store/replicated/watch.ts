// Watchers over the history of commits. A watcher that waits is asked about each commit as it happens; one whose reader
// is busy finds its place in the history when the reader comes back, and is SLOW_WATCHER if that place is gone. One whose
// position is ahead of what this member has applied waits until that is here.

import { assert } from "../../std/assert.ts";
import { compareBytes } from "../../std/bytes.ts";
import { storeFailure } from "../errors.ts";
import { decodeAddress, encodeRange, type IndexBounds } from "../key-codec.ts";
import { type KeyInterval, keysWithin, overlap, type RangeState, serves } from "../machine/range-state.ts";
import type { CommitEvent, RowChange } from "../machine.ts";
import type { PartsOptions } from "../ranges/group-store.ts";
import { type BegunPart, type GroupWatch, type WatchPart, watchBegin } from "../ranges/watch-begin.ts";
import type { Change, Position, ScanRange, Table, WatchEvent, WatchOptions } from "../store.ts";
import { ROOT_GROUP, ROOT_TABLES } from "../tables.ts";
import type { StoreCounters } from "./counters.ts";
import { History, type HistoryLimits } from "./history.ts";
import type { Positions } from "./position.ts";

/** The keys that a group serves; all where it has no state of ranges. */
export interface ServedKeys {
  readonly group: number;
  readonly state: RangeState | undefined;
}

const ALL_KEYS: ServedKeys = { group: ROOT_GROUP, state: undefined };

export interface WatchHubOptions extends HistoryLimits {
  readonly positions: Positions;
  readonly watchersMax: number;
  readonly counters: StoreCounters;
  /** Left out: all keys are served, and go nowhere. */
  readonly served?: () => ServedKeys;
}

export class WatchHub {
  readonly #options: WatchHubOptions;
  #history: History;
  /** Those that wait for an event, by table. */
  readonly #waiting = new Map<Table, Set<Watcher>>();
  readonly #watchers = new Set<Watcher>();
  #revision = 0;
  #commitsSinceProgress = 0;
  #closed = false;

  constructor(options: WatchHubOptions) {
    this.#options = options;
    this.#history = new History(options, 0);
  }

  /** Begins anew: the first event comes behind this revision. No one watches yet. */
  begin(revision: number): void {
    assert(this.#watchers.size === 0, "history begins before anyone watches it");
    this.#beginAt(revision);
  }

  #beginAt(revision: number): void {
    this.#history = new History(this.#options, revision);
    this.#revision = revision;
  }

  /** Commits up to this revision took effect without being told one by one: whoever watches has missed some. */
  skipTo(revision: number): void {
    const { state, group } = this.#served;
    for (const watcher of [...this.#watchers]) {
      if (state !== undefined && watcher.parts.some(({ bounds }) => !serves(state, group, bounds))) watcher.moved();
    }
    if (revision === this.#revision) return;
    for (const watcher of [...this.#watchers]) {
      if (watcher.after < revision) watcher.fail(storeFailure("HISTORY_LOST", { data: { revision } }));
    }
    this.#beginAt(revision);
    // Nothing of what they wait for was among what was skipped.
    for (const watcher of this.#watchers) watcher.goOnIn(this.#history);
  }

  publish(event: CommitEvent): void {
    this.#history.add(event);
    this.#revision = event.revision;
    this.#offer(event);
    if (++this.#commitsSinceProgress < PROGRESS_COMMITS) return;
    this.#commitsSinceProgress = 0;
    // Those that wait have looked at every commit so far.
    for (const watchers of this.#waiting.values()) {
      for (const watcher of watchers) watcher.offerProgress(event.revision);
    }
  }

  #offer(event: CommitEvent): void {
    if (this.#waiting.size === 0) return;
    const tables = event.moved ? [...this.#waiting.keys()] : new Set(event.changes.map(({ key }) => key[0]!));
    for (const table of tables) {
      for (const watcher of [...(this.#waiting.get(table) ?? [])]) watcher.offer(event);
    }
  }

  /** All up to this revision is applied. The last commits may have changed no row, so that no event told of them. */
  reach(revision: number): void {
    if (revision > this.#revision) this.#revision = revision;
  }

  /** Up to which revision whoever waits has been told all. */
  get revision(): number {
    return this.#revision;
  }

  /**
   * The watch begins with this call, not with its first read. Why it can not be is told by the first read. `newest`
   * resolves with a revision that no position given out before the call is ahead of.
   */
  watch(
    table: Table,
    range: ScanRange,
    { since, ...options }: WatchOptions,
    newest?: () => Promise<number>,
  ): GroupWatch {
    const parts = (): WatchPart[] => {
      return [{ range, ...(since !== undefined && { since: this.#options.positions.decode(since) }) }];
    };
    return this.#open(table, parts, options, newest);
  }

  /** Several ranges of one table, each from where it was left. */
  watchParts(
    table: Table,
    parts: readonly WatchPart[],
    options: PartsOptions,
    newest?: () => Promise<number>,
  ): GroupWatch {
    return this.#open(table, () => parts, options, newest);
  }

  #open(
    table: Table,
    partsOf: () => readonly WatchPart[],
    { progress = false, signal, cursor }: PartsOptions,
    newest: () => Promise<number> = () => Promise.resolve(this.#revision),
  ): GroupWatch {
    const watcher = new Watcher({
      history: this.#history,
      progress,
      positionOf: (revision) => this.#options.positions.encode(revision),
      delivered: () => this.#options.counters.watchEvents++,
      wait: (waits) => this.#wait(table, watcher, waits),
      ended: (reason) => this.#ended(watcher, reason),
    });
    this.#watchers.add(watcher);
    this.#options.counters.watchers = this.#watchers.size;
    try {
      this.#checkOpen();
      const begun = partsOf().flatMap((part) => this.#begin(table, part, cursor));
      const parts = begun.map(({ bounds, after = this.#revision }) => ({ bounds, after }));
      const isNow = begun.every(({ after }) => after === undefined);
      const first = Math.min(...parts.map(({ after }) => after));
      watcher.begin(parts, isNow ? this.#history.end : this.#placeAfter(first));
      if (signal) watcher.obey(signal);
      if (watcher.beginsAt > this.#revision) this.#await(watcher, watcher.beginsAt, newest);
    } catch (refusal) {
      watcher.fail(refusal);
    }
    return watcher;
  }

  #begin(table: Table, part: WatchPart, cursor: number | undefined): readonly BegunPart[] {
    const bounds = encodeRange(table, part.range);
    const since = latest(part.since, cursor);
    if (this.#isToldOfMove(bounds, since)) return [{ bounds, after: since }];
    const group = { ...this.#served, revision: this.#revision };
    // What was told up to a cursor is no watch from now on.
    const begun = part.befores === undefined && since !== undefined ? { since: part.since ?? since } : part;
    return watchBegin(group, bounds, begun).map((one) => ({ ...one, after: latest(one.after, cursor) }));
  }

  /** Every watcher's next read rejects with the error. */
  close(error: Error): void {
    this.#closed = true;
    for (const watcher of [...this.#watchers]) watcher.fail(error);
  }

  #await(watcher: Watcher, revision: number, newest: () => Promise<number>): void {
    newest().then(
      (given) => {
        if (revision > given) watcher.fail(storeFailure("POSITION_INVALID", { data: { revision } }));
      },
      (error: unknown) => watcher.fail(error),
    );
  }

  #checkOpen(): void {
    const { watchersMax } = this.#options;
    if (this.#closed) throw storeFailure("STOPPED");
    if (this.#watchers.size > watchersMax) {
      throw storeFailure("OVERLOADED", { what: "Too many watchers are open.", data: { watchersMax } });
    }
  }

  get #served(): ServedKeys {
    return this.#options.served?.() ?? ALL_KEYS;
  }

  /** Keys went to another group, and whoever goes on from a revision is told all up to then, and that. */
  #isToldOfMove(bounds: IndexBounds, since: number | undefined): boolean {
    const { state, group } = this.#served;
    if (state === undefined || since === undefined || serves(state, group, bounds)) return false;
    const keys = keysWithin(bounds);
    const place = this.#history.placeAfter(since) ?? this.#history.end;
    for (let at = place; at < this.#history.end; at++) {
      const { moved } = this.#history.at(at);
      if (moved !== undefined && overlap(moved, keys)) return true;
    }
    return false;
  }

  #placeAfter(revision: number): number {
    if (revision > this.#revision) return this.#history.end;
    const place = this.#history.placeAfter(revision);
    if (place === undefined) throw storeFailure("HISTORY_LOST", { data: { revision } });
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

/** Well inside of the history, so that a quiet watcher that comes back at its last position finds it there. */
const PROGRESS_COMMITS = 1000;

interface WatcherSettings {
  history: History;
  readonly progress: boolean;
  readonly positionOf: (revision: number) => Position;
  readonly delivered: () => void;
  readonly wait: (waits: boolean) => void;
  readonly ended: (reason: "slow" | "other") => void;
}

type Next = IteratorResult<WatchEvent, undefined>;

interface WatchedPart {
  readonly bounds: IndexBounds;
  /** Its first event is of a later revision; that may be one that is not here yet. */
  readonly after: number;
}

class Watcher implements GroupWatch {
  readonly #settings: WatcherSettings;
  parts: readonly WatchedPart[] = [];
  /** The least of its parts' revisions, and the largest. */
  after = 0;
  beginsAt = 0;
  /** Of the last event of the history that it has looked at. */
  #looked = 0;
  /** Whether the reader is still to be told where it begins. */
  #tellsBeginning = false;
  /** Of the first event that it has not looked at. Means nothing while it waits: then it has looked at all. */
  #place = 0;
  #waiter: { readonly resolve: (next: Next) => void; readonly reject: (error: unknown) => void } | undefined;
  #failure: { readonly error: unknown } | undefined;
  #done = false;
  #disobey = (): void => {};

  constructor(settings: WatcherSettings) {
    this.#settings = settings;
  }

  begin(parts: readonly WatchedPart[], place: number): void {
    this.parts = parts;
    this.#place = place;
    this.after = Math.min(...parts.map(({ after }) => after));
    this.beginsAt = Math.max(...parts.map(({ after }) => after));
    this.#tellsBeginning = this.#settings.progress;
  }

  /** The keys are another group's from here on. */
  moved(revision?: number): void {
    const data = revision === undefined ? {} : { revision };
    this.fail(storeFailure("RANGE_MISMATCH", { what: "The keys that are watched went to another group.", data }));
  }

  goOnIn(history: History): void {
    this.#settings.history = history;
    this.#place = history.end;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Next> {
    if (this.#waiter)
      return Promise.reject(storeFailure("REQUEST_INVALID", { what: "A watch has one reader at a time." }));
    if (this.#done) return this.#last();
    const event = this.#beginning() ?? this.#nextKept() ?? this.#caughtUp();
    if (event) return Promise.resolve(this.#deliver(event));
    if (this.#done) return this.#last();
    this.#settings.wait(true);
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  withdraw(): boolean {
    if (this.#waiter === undefined) return false;
    this.#waiter = undefined;
    this.#settings.wait(false);
    this.#place = this.#settings.history.end;
    return true;
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
    if (found !== undefined) this.#wake(found);
  }

  /** It waits, and has looked at all up to this revision. */
  offerProgress(revision: number): void {
    if (this.#settings.progress && revision > this.beginsAt) this.#wake(this.#progressTo(revision));
  }

  #wake(event: WatchEvent): void {
    const waiter = this.#waiter!;
    this.#waiter = undefined;
    this.#settings.wait(false);
    this.#place = this.#settings.history.end;
    waiter.resolve(this.#deliver(event));
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

  #beginning(): WatchEvent | undefined {
    return this.after === this.beginsAt ? this.#tellBeginning(this.beginsAt) : undefined;
  }

  /** Of one whose parts begin apart from each other: nothing of the history is left to look at. */
  #caughtUp(): WatchEvent | undefined {
    return this.#done ? undefined : this.#tellBeginning(Math.max(this.beginsAt, this.#looked));
  }

  #tellBeginning(revision: number): WatchEvent | undefined {
    if (!this.#tellsBeginning) return undefined;
    this.#tellsBeginning = false;
    return this.#progressTo(revision);
  }

  #progressTo(revision: number): WatchEvent {
    return { changes: [], position: this.#settings.positionOf(revision) };
  }

  #nextKept(): WatchEvent | undefined {
    const { history } = this.#settings;
    if (this.#place < history.first) {
      this.fail(storeFailure("SLOW_WATCHER", { data: { eventsBehind: history.end - this.#place } }), "slow");
      return undefined;
    }
    while (!this.#done && this.#place < history.end) {
      const next = history.at(this.#place++);
      this.#looked = next.revision;
      const event = this.#select(next);
      if (event) return event;
    }
    return undefined;
  }

  #deliver(event: WatchEvent): Next {
    this.#settings.delivered();
    return { done: false, value: event };
  }

  #select({ revision, rowRevision = revision, changes, moved }: CommitEvent): WatchEvent | undefined {
    if (moved !== undefined) {
      if (this.parts.some(({ bounds }) => isTouched(bounds, moved))) this.moved(revision);
      return undefined;
    }
    if (revision <= this.after) return undefined;
    const inside = changes.filter(({ key }) => this.#covers(key, revision));
    if (inside.length === 0) return undefined;
    return {
      changes: inside.map((change) => asChange(change, rowRevision)),
      position: this.#settings.positionOf(revision),
    };
  }

  #covers(key: Uint8Array, revision: number): boolean {
    return this.parts.some(({ bounds: { from, to }, after }) => {
      return revision > after && compareBytes(key, from) >= 0 && compareBytes(key, to) < 0;
    });
  }
}

/** Root tables stay where they are. */
function isTouched(bounds: IndexBounds, moved: KeyInterval): boolean {
  return !ROOT_TABLES.has(bounds.from[0]!) && overlap(moved, keysWithin(bounds));
}

const END: Next = { done: true, value: undefined };

function asChange({ key, value }: RowChange, revision: number): Change {
  return { ...decodeAddress(key), value, revision };
}

function latest(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.max(one, other);
}
