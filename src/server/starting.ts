import type { Exchange, Timers } from "../env/index.ts";
import { utf8 } from "../std/bytes.ts";
import { isPassing } from "../store/index.ts";
import { serverFailure } from "./errors.ts";
import type { Logger } from "./logger.ts";

const RETRY_MILLIS = 500;
const RETRY_AFTER = ["Retry-After", "1"] as const;

export interface StartingParts {
  readonly timers: Timers;
  readonly logger: Logger;
  /** Ends the start. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A node of a cluster between its first moment and its being ready, which may be long: it waits for a majority as often
 * as it is lost meanwhile, and its API's address says so.
 */
export class Starting {
  /** Why the node is not ready, at the moment at which it is asked. */
  why: () => string = () => "This node starts.";
  readonly #parts: StartingParts;
  #handle: ((exchange: Exchange) => void) | undefined;

  constructor(parts: StartingParts) {
    this.#parts = parts;
  }

  /** For the API's listener, from the beginning. */
  readonly handle = (exchange: Exchange): void => {
    if (this.#handle !== undefined) this.#handle(exchange);
    else this.#answer(exchange);
  };

  /** From now on the API answers itself. */
  ready(handle: (exchange: Exchange) => void): void {
    this.#handle = handle;
  }

  /**
   * Takes a step of the start that needs a leader, again and again until there is one; it may be taken twice. Rejects with
   * START_ABORTED once the signal is aborted.
   */
  async withLeader<T>(step: () => Promise<T>): Promise<T> {
    const { timers, logger } = this.#parts;
    for (let isTold = false; ; isTold = true) {
      try {
        return await this.unlessAborted(step());
      } catch (error) {
        if (!isPassing(error)) throw error;
        if (!isTold) logger.warning("cluster.waits", { why: this.why() });
        await this.unlessAborted(new Promise<void>((resolve) => void timers.after(RETRY_MILLIS, resolve)));
      }
    }
  }

  /** What is under way ends with what it works on. */
  async unlessAborted<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#parts;
    if (signal === undefined) return work;
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(serverFailure("START_ABORTED"));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.catch(() => {});
    try {
      return await Promise.race([aborted.promise, work]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  #answer(exchange: Exchange): void {
    const isAlive = exchange.target.split("?")[0] === "/healthz";
    const body = utf8(isAlive ? "ok\n" : `${this.why()}\n`);
    const headers = ["Content-Type", "text/plain; charset=utf-8", "Content-Length", `${body.length}`];
    exchange.reply(isAlive ? 200 : 503, isAlive ? headers : [...headers, ...RETRY_AFTER], body).catch(() => {});
  }
}
