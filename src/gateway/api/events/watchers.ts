// Streams of server-sent events: samples and events as they come. Each watcher has a short queue. One that reads too slowly misses
// messages and is told how many; it never holds up others, and never costs more memory than its queue.

import { encodeEvent, encodeRetry } from "../../../codec/event-stream/index.ts";
import type { Timer, Timers } from "../../../env/index.ts";
import { utf8 } from "../../../std/bytes.ts";
import type { ByteSource } from "../../../std/source.ts";
import { apiFailure } from "../errors.ts";

export interface WatchMessage {
  readonly type: "sample" | "event";
  /** Of an event: what the client sends as Last-Event-ID when it connects again. */
  readonly id?: string;
  readonly data: unknown;
}

export interface WatchLimits {
  readonly watchersMax: number;
  readonly queueMax: number;
  /** A stream ends after this: whoever connects again is authorized again. */
  readonly lifeMillisMax: number;
}

export const WATCH_LIMITS: WatchLimits = { watchersMax: 64, queueMax: 256, lifeMillisMax: 600_000 };

/** How long a client waits before it connects again. */
const RETRY_MILLIS = 2000;

export class Watchers implements Disposable {
  readonly #timers: Timers;
  readonly #limits: WatchLimits;
  readonly #watchers: Set<Watcher> = new Set();

  constructor(timers: Timers, limits: WatchLimits = WATCH_LIMITS) {
    this.#timers = timers;
    this.#limits = limits;
  }

  get count(): number {
    return this.#watchers.size;
  }

  /** A new stream, which begins with the messages given. Throws WATCHERS_EXHAUSTED. */
  open(first: readonly WatchMessage[]): ByteSource {
    const { watchersMax, queueMax, lifeMillisMax } = this.#limits;
    if (this.#watchers.size >= watchersMax) throw apiFailure("WATCHERS_EXHAUSTED", { data: { watchersMax } });
    const watcher = new Watcher(queueMax, (ended) => {
      this.#watchers.delete(ended);
      timer.cancel();
    });
    const timer: Timer = this.#timers.after(lifeMillisMax, () => watcher.end());
    this.#watchers.add(watcher);
    for (const message of first) watcher.push(message);
    return watcher;
  }

  send(message: WatchMessage): void {
    for (const watcher of this.#watchers) watcher.push(message);
  }

  /** Ends all streams, so that a server that stops does not wait for them. */
  [Symbol.dispose](): void {
    for (const watcher of [...this.#watchers]) watcher.end();
  }
}

class Watcher implements ByteSource {
  readonly #queueMax: number;
  readonly #onEnd: (watcher: Watcher) => void;
  #queue: string[] = [encodeRetry(RETRY_MILLIS)];
  #lost = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(queueMax: number, onEnd: (watcher: Watcher) => void) {
    this.#queueMax = queueMax;
    this.#onEnd = onEnd;
  }

  push(message: WatchMessage): void {
    if (this.#ended) return;
    if (this.#queue.length >= this.#queueMax) this.#lost++;
    else this.#queue.push(encodeEvent(message.type, JSON.stringify(message.data), message.id));
    this.#wake?.();
  }

  /** What is queued still goes out. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd(this);
    this.#wake?.();
  }

  async read(): Promise<Uint8Array | null> {
    while (this.#queue.length === 0 && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = undefined;
    if (this.#queue.length === 0) return null;
    const messages = this.#queue;
    this.#queue = [];
    if (this.#lost > 0) messages.push(encodeEvent("lost", String(this.#lost)));
    this.#lost = 0;
    return utf8(messages.join(""));
  }

  cancel(): void {
    this.#queue = [];
    this.end();
  }
}
