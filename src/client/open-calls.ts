// Calls that wait for something that others wait for too: one timer and one listener a signal watch over all of them, so
// that a hundred thousand cost little. A call is over once: who deletes it first settles it.

import type { Clock, Timer, Timers } from "../env/index.ts";
import { clientFailure } from "./errors.ts";

export interface OpenCall {
  /** Monotonic. */
  readonly endMillis: number;
  readonly signal: AbortSignal | undefined;
}

export interface OpenCallsParts<Call> {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly callsMax: number;
  /** The call is open no more: its time is over (DEADLINE_EXCEEDED), or its signal was aborted. */
  readonly over: (call: Call, reason: unknown) => void;
}

interface WatchedSignal {
  calls: number;
  readonly onAbort: () => void;
}

/** The timer looks at all calls; where they end one after the other it does so no more often than this. */
const LOOK_MILLIS_MIN = 10;

export class OpenCalls<Call extends OpenCall> {
  readonly #parts: OpenCallsParts<Call>;
  readonly #calls = new Set<Call>();
  readonly #signals = new Map<AbortSignal, WatchedSignal>();
  #timer: Timer | undefined;
  #timerMillis = Number.POSITIVE_INFINITY;

  constructor(parts: OpenCallsParts<Call>) {
    this.#parts = parts;
  }

  /** Throws OVERLOADED where there are too many, and the reason of a signal that is aborted. */
  add(call: Call): void {
    const { callsMax } = this.#parts;
    call.signal?.throwIfAborted();
    if (this.#calls.size >= callsMax) throw clientFailure("OVERLOADED", { data: { waitingMax: callsMax } });
    this.#calls.add(call);
    if (call.signal !== undefined) this.#watch(call.signal);
    if (call.endMillis < this.#timerMillis) this.#lookAt(call.endMillis);
  }

  has(call: Call): boolean {
    return this.#calls.has(call);
  }

  /** False where it is over already. */
  delete(call: Call): boolean {
    if (!this.#calls.delete(call)) return false;
    if (call.signal !== undefined) this.#unwatch(call.signal);
    if (this.#calls.size === 0) this.#lookAt(Number.POSITIVE_INFINITY);
    return true;
  }

  #watch(signal: AbortSignal): void {
    const watched = this.#signals.get(signal);
    if (watched !== undefined) {
      watched.calls++;
      return;
    }
    const onAbort = (): void => this.#endAll((call) => call.signal === signal, signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    this.#signals.set(signal, { calls: 1, onAbort });
  }

  #unwatch(signal: AbortSignal): void {
    const watched = this.#signals.get(signal)!;
    if (--watched.calls > 0) return;
    signal.removeEventListener("abort", watched.onAbort);
    this.#signals.delete(signal);
  }

  #lookAt(millis: number): void {
    const { clock, timers } = this.#parts;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerMillis = millis;
    if (millis === Number.POSITIVE_INFINITY) return;
    this.#timer = timers.after(Math.max(0, millis - clock.monotonic()), () => this.#look());
  }

  #look(): void {
    const now = this.#parts.clock.monotonic();
    this.#endAll(({ endMillis }) => endMillis <= now, clientFailure("DEADLINE_EXCEEDED"));
    let next = Number.POSITIVE_INFINITY;
    for (const { endMillis } of this.#calls) if (endMillis < next) next = endMillis;
    this.#lookAt(Math.max(next, now + LOOK_MILLIS_MIN));
  }

  #endAll(isOver: (call: Call) => boolean, reason: unknown): void {
    for (const call of this.#calls) {
      if (isOver(call) && this.delete(call)) this.#parts.over(call, reason);
    }
  }
}
