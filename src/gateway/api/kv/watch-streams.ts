import type { Timers } from "../../../env/index.ts";
import { apiFailure } from "../errors.ts";
import { KV_WATCH_LIMITS, type KvWatchLimits } from "./limits.ts";
import { type KvWatchParts, KvWatchSource } from "./watch-source.ts";

/** All streams of a node: limited in number, for all and for each caller, and ended together. */
export class WatchStreams implements Disposable {
  readonly #timers: Timers;
  readonly #limits: KvWatchLimits;
  readonly #sources = new Set<KvWatchSource>();
  /** By the caller's id. */
  readonly #counts = new Map<string, number>();

  constructor(timers: Timers, limits: KvWatchLimits = KV_WATCH_LIMITS) {
    this.#timers = timers;
    this.#limits = limits;
  }

  get count(): number {
    return this.#sources.size;
  }

  /** Throws WATCHERS_EXHAUSTED. */
  open(callerId: string, parts: Omit<KvWatchParts, "timers" | "limits" | "onEnd">): KvWatchSource {
    const { watchersMax, watchersOfCallerMax } = this.#limits;
    const ofCaller = this.#counts.get(callerId) ?? 0;
    if (this.#sources.size >= watchersMax || ofCaller >= watchersOfCallerMax) {
      throw apiFailure("WATCHERS_EXHAUSTED", { data: { watchersMax, watchersOfCallerMax } });
    }
    const onEnd = (): void => this.#ended(callerId, source);
    const source: KvWatchSource = new KvWatchSource({ ...parts, timers: this.#timers, limits: this.#limits, onEnd });
    this.#sources.add(source);
    this.#counts.set(callerId, ofCaller + 1);
    return source;
  }

  [Symbol.dispose](): void {
    for (const source of [...this.#sources]) source.stop();
  }

  #ended(callerId: string, source: KvWatchSource): void {
    this.#sources.delete(source);
    const left = this.#counts.get(callerId)! - 1;
    if (left === 0) this.#counts.delete(callerId);
    else this.#counts.set(callerId, left);
  }
}
