// Makes a call until it is answered, at whichever server answers, within the call's time. What may have taken effect is
// only repeated where the call says that repeating does no harm.

import type { Clock, Random, Timers } from "../env/index.ts";
import { AshlarError } from "../std/errors.ts";
import type { CallOptions } from "./call-options.ts";
import { clientFailure, kindOf } from "./errors.ts";
import type { Gate } from "./gate.ts";
import type { Nodes } from "./nodes.ts";
import type { HttpCall, Transport } from "./transport.ts";

export interface CallerParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly transport: Transport;
  readonly nodes: Nodes;
  readonly gate: Gate;
  readonly attemptMillisMax: number;
}

export type Effect = "reads" | "repeatable" | "once";

/** What becomes known of a call while it is made. */
export class Attempts {
  /** One of them may have taken effect, though none was answered. */
  uncertain = false;
  /** Why the last one failed, where another may do better. */
  last: AshlarError | undefined;
}

export const TIMEOUT_MILLIS_DEFAULT = 15_000;
const BACKOFF_MILLIS_MIN = 25;
const BACKOFF_MILLIS_MAX = 1000;

export class Caller {
  readonly #parts: CallerParts;
  readonly #closing = new AbortController();

  constructor(parts: CallerParts) {
    this.#parts = parts;
  }

  /** Aborted when the client is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  close(): void {
    this.#closing.abort(clientFailure("CLOSED"));
  }

  /**
   * Rejects with the server's error, or with that of the last attempt when the time is over; for a call with effect that
   * may have taken it, with OUTCOME_UNKNOWN.
   */
  async call(
    call: HttpCall,
    effect: Effect,
    options: CallOptions = {},
    attempts: Attempts = new Attempts(),
  ): Promise<unknown> {
    const { clock, nodes, gate } = this.#parts;
    const { signal, timeoutMillis = TIMEOUT_MILLIS_DEFAULT } = options;
    const end = clock.monotonic() + timeoutMillis;
    for (let attempt = 0; ; attempt++) {
      const node = nodes.current;
      let sent = false;
      try {
        this.#throwIfAborted(signal);
        if (clock.monotonic() >= end)
          throw attempts.last ?? clientFailure("DEADLINE_EXCEEDED", { data: { timeoutMillis } });
        await this.#enter(end, signal);
        sent = true;
        return await this.#attempt(node, call, end, signal).finally(() => gate.leave());
      } catch (error) {
        const isOver = !sent || this.#closing.signal.aborted || signal?.aborted === true;
        const kind = isOver || !(error instanceof AshlarError) ? "final" : kindOf(error);
        if (kind === "uncertain" || (isOver && sent)) attempts.uncertain = true;
        if (attempts.uncertain && effect !== "reads" && (isOver || effect === "once")) {
          throw clientFailure("OUTCOME_UNKNOWN", { cause: error });
        }
        if (kind === "final") throw error;
        attempts.last = error as AshlarError;
        nodes.leave(node);
      }
      await this.pause(attempt, end - clock.monotonic(), signal);
    }
  }

  /** Every server is tried once at once; then with growing pauses. Does not reject: the next attempt looks at the signal. */
  async pause(attempt: number, millisMax: number, signal: AbortSignal | undefined): Promise<void> {
    const { nodes, random } = this.#parts;
    const round = attempt + 1 - nodes.count;
    if (round < 0) return;
    const longest = Math.min(BACKOFF_MILLIS_MAX, BACKOFF_MILLIS_MIN * 2 ** Math.min(round, 10));
    using limits = this.limits(Math.min(longest * (0.5 + random.u32() / 2 ** 33), millisMax), signal);
    const over = limits.signal;
    if (!over.aborted) await new Promise<void>((resolve) => over.addEventListener("abort", () => resolve()));
  }

  /** Rejects with OVERLOADED where too many calls wait, and with DEADLINE_EXCEEDED where this one waited too long. */
  async #enter(end: number, signal: AbortSignal | undefined): Promise<void> {
    const { gate, clock } = this.#parts;
    if (gate.tryEnter()) return;
    using limits = this.limits(end - clock.monotonic(), signal);
    await gate.enter(limits.signal);
  }

  async #attempt(node: URL, call: HttpCall, end: number, signal: AbortSignal | undefined): Promise<unknown> {
    const { clock, transport, attemptMillisMax } = this.#parts;
    const millis = Math.min(end - clock.monotonic(), attemptMillisMax);
    // The server gives up with its client: what nobody waits for is not worth its while.
    const timeoutMillis = Math.max(1, Math.floor(millis));
    const query = { ...call.query, ...(call.path.startsWith("/v1/kv/") && { timeoutMillis }) };
    using limits = this.limits(millis, signal);
    return await transport.call(node, { ...call, query }, limits.signal);
  }

  /** Aborted with DEADLINE_EXCEEDED after the time, and with the reason of the signal, or of the client's end. */
  limits(millis: number, signal: AbortSignal | undefined): Disposable & { readonly signal: AbortSignal } {
    const stop = new AbortController();
    const timer = this.#parts.timers.after(Math.max(0, millis), () => stop.abort(clientFailure("DEADLINE_EXCEEDED")));
    const sources = [signal, this.#closing.signal].filter((each) => each !== undefined);
    const follow = (event: Event): void => stop.abort((event.target as AbortSignal).reason);
    for (const source of sources) {
      if (source.aborted) stop.abort(source.reason);
      source.addEventListener("abort", follow, { once: true });
    }
    return {
      signal: stop.signal,
      [Symbol.dispose]() {
        timer.cancel();
        for (const source of sources) source.removeEventListener("abort", follow);
      },
    };
  }

  #throwIfAborted(signal: AbortSignal | undefined): void {
    this.#closing.signal.throwIfAborted();
    signal?.throwIfAborted();
  }
}
