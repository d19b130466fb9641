// A watch of the Store as a stream of server-sent events. Each carries the position behind it as its id: a client that
// comes back with that gets what followed, once and in order. Nothing is queued here: an event is taken from the Store
// when the connection has room for it, and a reader that is too slow is told so by the Store (SLOW_WATCHER).

import { encodeComment, encodeEvent, encodeRetry } from "../../../codec/event-stream/index.ts";
import type { Timer, Timers } from "../../../env/index.ts";
import { utf8 } from "../../../std/bytes.ts";
import { AshlarError } from "../../../std/errors.ts";
import type { ByteSource } from "../../../std/source.ts";
import { storeFailure, type WatchEvent } from "../../../store/index.ts";
import { UNEXPECTED } from "../reply.ts";
import { changeShape } from "./addresses.ts";
import type { KvWatchLimits } from "./limits.ts";

/** How long a browser waits before it connects again. */
const RETRY_MILLIS = 1000;

export interface KvWatchParts {
  readonly timers: Timers;
  readonly limits: KvWatchLimits;
  /** With progress: the client learns first where it begins, and resumes there if it loses the connection before all else. */
  readonly watch: (signal: AbortSignal) => AsyncIterable<WatchEvent>;
  /** Throws where the caller may not see the change; the stream ends with that. */
  readonly allow: (event: WatchEvent) => void;
  readonly onEnd: () => void;
  /** An error that is no operating one. */
  readonly onBug: (error: unknown) => void;
}

export class KvWatchSource implements ByteSource {
  readonly #parts: KvWatchParts;
  readonly #stop = new AbortController();
  /** Ends the read that waits. */
  #interrupt: (reason: unknown) => void = () => {};
  readonly #events: AsyncIterator<WatchEvent>;
  readonly #life: Timer;
  #begun = false;
  #ended = false;
  /** The Store's answer that is waited for, over any number of heartbeats. */
  #next: Promise<IteratorResult<WatchEvent>> | undefined;

  constructor(parts: KvWatchParts) {
    this.#parts = parts;
    this.#stop.signal.addEventListener("abort", () => this.#interrupt(this.#stop.signal.reason), { once: true });
    this.#events = parts.watch(this.#stop.signal)[Symbol.asyncIterator]();
    this.#life = parts.timers.after(parts.limits.lifeMillisMax, () => this.#stop.abort(LIFE_OVER));
  }

  async read(): Promise<Uint8Array | null> {
    if (!this.#begun) {
      this.#begun = true;
      return utf8(encodeRetry(RETRY_MILLIS));
    }
    if (this.#ended) return null;
    try {
      const next = await this.#nextOrHeartbeat();
      if (next === undefined) return utf8(encodeComment());
      if (next.done) return this.#end();
      this.#parts.allow(next.value);
      return utf8(encodeWatchEvent(next.value));
    } catch (error) {
      this.#end();
      return error === LIFE_OVER || error === CLIENT_LEFT ? null : utf8(this.#failureEvent(error));
    }
  }

  cancel(): void {
    this.#stop.abort(CLIENT_LEFT);
    this.#end();
  }

  /** The server stops: the client goes on at another node. */
  stop(): void {
    this.#stop.abort(storeFailure("STOPPED"));
  }

  /** Undefined where it is time for a sign of life. */
  async #nextOrHeartbeat(): Promise<IteratorResult<WatchEvent> | undefined> {
    const { timers, limits } = this.#parts;
    this.#stop.signal.throwIfAborted();
    this.#next ??= this.#events.next();
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    this.#interrupt = reject;
    const timer = timers.after(limits.heartbeatMillis, () => resolve(undefined));
    try {
      const next = await Promise.race([this.#next, promise]);
      if (next !== undefined) this.#next = undefined;
      return next;
    } finally {
      timer.cancel();
    }
  }

  #failureEvent(error: unknown): string {
    if (!(error instanceof AshlarError)) this.#parts.onBug(error);
    const { code, message, advice, data } = error instanceof AshlarError ? error : UNEXPECTED;
    return encodeEvent("failure", JSON.stringify({ code, message, advice, data }));
  }

  #end(): null {
    if (this.#ended) return null;
    this.#ended = true;
    this.#life.cancel();
    this.#next?.catch(() => {});
    this.#stop.abort(CLIENT_LEFT);
    this.#events.return?.().catch(() => {});
    this.#parts.onEnd();
    return null;
  }
}

const LIFE_OVER = Symbol("the stream's time is over");
const CLIENT_LEFT = Symbol("nobody reads any more");

function encodeWatchEvent({ changes, position }: WatchEvent): string {
  if (changes.length === 0) return encodeEvent("position", JSON.stringify({ position }), position);
  return encodeEvent("commit", JSON.stringify({ changes: changes.map(changeShape), position }), position);
}
