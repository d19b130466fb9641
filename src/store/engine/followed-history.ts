// What an outside engine tells of its commits arrives some time after they were acknowledged. Watchers read it here. A
// read of a watch first waits for what this Store has acknowledged to its callers, so that a watcher is never behind what
// its own process knows.

import { storeFailure } from "../errors.ts";
import type { CommitEvent } from "../machine.ts";
import type { StoreCounters } from "../replicated/counters.ts";
import type { Positions } from "../replicated/position.ts";
import { WatchHub } from "../replicated/watch.ts";
import { type ScanRange, STORE_LIMITS, type Table, type WatchEvent, type WatchOptions } from "../store.ts";

export interface FollowedHistoryOptions {
  readonly positions: Positions;
  readonly historyBytesMax: number;
  readonly watchersMax: number;
  readonly counters: StoreCounters;
}

interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
}

export class FollowedHistory {
  readonly #hub: WatchHub;
  readonly #positions: Positions;
  #waiters: Waiter[] = [];
  #acknowledged = 0;
  #closed = false;

  constructor({ positions, historyBytesMax, watchersMax, counters }: FollowedHistoryOptions) {
    const eventsMax = STORE_LIMITS.watchHistoryEventsMax;
    this.#hub = new WatchHub({ positions, eventsMax, bytesMax: historyBytesMax, watchersMax, counters });
    this.#positions = positions;
  }

  get revision(): number {
    return this.#hub.revision;
  }

  begin(revision: number): void {
    this.#hub.begin(revision);
  }

  publish(event: CommitEvent): void {
    if (event.changes.length > 0) this.#hub.publish(event);
    this.advance(event.revision);
  }

  advance(revision: number): void {
    this.#hub.reach(revision);
    this.#wake();
  }

  /** What came up to this revision is not told any more. */
  skipTo(revision: number): void {
    if (revision > this.#hub.revision) this.#hub.skipTo(revision);
    this.#wake();
  }

  /** A commit of this Store that changed something, and so will be told. */
  acknowledge(revision: number): void {
    if (revision > this.#acknowledged) this.#acknowledged = revision;
  }

  /** `newest` as in WatchHub. */
  watch(
    table: Table,
    range: ScanRange,
    options: WatchOptions,
    newest: () => Promise<number>,
  ): AsyncIterableIterator<WatchEvent> {
    const isBehind = this.#acknowledged > this.#hub.revision;
    const since = options.since ?? (isBehind ? this.#positions.encode(this.#acknowledged) : undefined);
    const watcher = this.#hub.watch(table, range, { ...options, ...(since !== undefined && { since }) }, newest);
    const { signal } = options;
    return {
      next: async () => {
        if (this.#acknowledged > this.#hub.revision) await this.#reach(this.#acknowledged, signal);
        return watcher.next();
      },
      return: () => watcher.return!(),
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  }

  close(): void {
    this.#closed = true;
    this.#hub.close(storeFailure("STOPPED"));
    this.#wake();
  }

  /** Resolves when the revision is here, or when there is another reason to look at the watch. */
  async #reach(revision: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#closed || signal?.aborted === true) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.push({ revision, resolve });
    signal?.addEventListener("abort", () => resolve(), { once: true });
    await promise;
  }

  #wake(): void {
    if (this.#waiters.length === 0) return;
    const here = this.#closed ? Number.POSITIVE_INFINITY : this.#hub.revision;
    const waiters = this.#waiters;
    this.#waiters = waiters.filter(({ revision }) => revision > here);
    for (const { revision, resolve } of waiters) if (revision <= here) resolve();
  }
}
