import type { Clock } from "../../env/index.ts";
import type { ByteSource } from "../../std/source.ts";
import { httpFailure } from "./errors.ts";

export interface PaceLimits {
  /** Waiting for the client up to this long in all is always allowed. */
  readonly graceMillis: number;
  /** Behind the grace, the average rate over the time that was spent waiting for the client. */
  readonly bytesPerSecondMin: number;
}

export const PACE_DEFAULTS: PaceLimits = { graceMillis: 30_000, bytesPerSecondMin: 256 };

/**
 * A request's body with its count, and its end where a client trickles: an idle connection is the listener's to close,
 * but one byte a second would keep an upload open for ever. Only time spent waiting for the client counts, never time
 * that the server took between two reads.
 */
export class MeteredBody implements ByteSource {
  readonly #source: ByteSource;
  readonly #clock: Clock;
  readonly #pace: PaceLimits;
  #waitedMillis = 0;
  #bytes = 0;
  #ended = false;
  #failure: unknown;

  constructor(source: ByteSource, clock: Clock, pace: PaceLimits) {
    this.#source = source;
    this.#clock = clock;
    this.#pace = pace;
  }

  get bytesRead(): number {
    return this.#bytes;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Why a read rejected. Layers above may have wrapped it; this is the first cause. */
  get failure(): unknown {
    return this.#failure;
  }

  async read(): Promise<Uint8Array | null> {
    const before = this.#clock.monotonic();
    let chunk: Uint8Array | null;
    try {
      chunk = await this.#source.read();
    } catch (error) {
      this.#failure ??= error;
      throw error;
    }
    if (chunk === null) {
      this.#ended = true;
      return null;
    }
    this.#bytes += chunk.length;
    this.#waitedMillis += this.#clock.monotonic() - before;
    if (this.#waitedMillis > this.#pace.graceMillis) this.#checkPace();
    return chunk;
  }

  cancel(reason?: unknown): void {
    this.#source.cancel(reason);
  }

  #checkPace(): void {
    const { bytesPerSecondMin } = this.#pace;
    if (this.#bytes * 1000 >= this.#waitedMillis * bytesPerSecondMin) return;
    this.#failure ??= httpFailure("BODY_TOO_SLOW", { data: { bytesRead: this.#bytes, bytesPerSecondMin } });
    this.#source.cancel(this.#failure);
    throw this.#failure;
  }
}
