// A lease that keeps itself alive. Its end is judged early on this side: a tenth of its time before the server could end
// it, counted by this machine's monotonic clock from before the last keep-alive that succeeded was sent.

import type { Clock, Timer, Timers } from "../env/index.ts";
import { hasCode } from "../std/errors.ts";
import type { Lease } from "./api.ts";
import type { CallOptions } from "./call-options.ts";
import type { Caller } from "./caller.ts";
import { clientFailure } from "./errors.ts";
import { jsonBody } from "./json-body.ts";

export interface LeaseParts {
  readonly caller: Caller;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** Part of its time that the client does not count on: for clocks that run apart. */
const MARGIN = 0.1;
const RENEWALS = 3;

export class KeptLease implements Lease {
  readonly id: string;
  readonly ttlMillis: number;
  readonly #parts: LeaseParts;
  readonly #lost = new AbortController();
  #heldUntil: number;
  #renewal: Timer | undefined;
  #end: Timer | undefined;
  #ended = false;

  static async grant(parts: LeaseParts, ttlMillis: number, options: CallOptions): Promise<KeptLease> {
    const sentAt = parts.clock.monotonic();
    const call = { method: "POST", path: "/v1/kv/leases", body: jsonBody({ ttlMillis }) } as const;
    const granted = (await parts.caller.call(call, "reads", options)) as { readonly lease: string };
    return new KeptLease(parts, granted.lease, ttlMillis, sentAt);
  }

  private constructor(parts: LeaseParts, id: string, ttlMillis: number, sentAt: number) {
    this.#parts = parts;
    this.id = id;
    this.ttlMillis = ttlMillis;
    this.#heldUntil = sentAt;
    parts.caller.closing.addEventListener("abort", this.#onClose, { once: true });
    this.#renewed(sentAt);
  }

  get signal(): AbortSignal {
    this.#check();
    return this.#lost.signal;
  }

  get isHeld(): boolean {
    return !this.signal.aborted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const wasHeld = !this.#ended;
    this.#lose(clientFailure("LEASE_LOST", { what: "The lease was given back." }));
    if (!wasHeld) return;
    const call = { method: "DELETE", path: `/v1/kv/leases/${this.id}` } as const;
    try {
      await this.#parts.caller.call(call, "reads", { timeoutMillis: this.ttlMillis });
    } catch (error) {
      // An earlier attempt had ended it; or its time does, for nobody keeps it alive any more.
      if (!hasCode(error, "LEASE_UNKNOWN") && !hasCode(error, "SERVER_UNREACHABLE")) throw error;
    }
  }

  readonly #onClose = (): void => this.#lose(this.#parts.caller.closing.reason);

  #renewed(sentAt: number): void {
    const { clock, timers } = this.#parts;
    this.#heldUntil = sentAt + this.ttlMillis * (1 - MARGIN);
    const now = clock.monotonic();
    this.#end?.cancel();
    this.#end = timers.after(Math.max(0, this.#heldUntil - now), () => this.#check());
    const next = sentAt + this.ttlMillis / RENEWALS - now;
    this.#renewal = timers.after(Math.max(0, next), () => void this.#renew());
  }

  /** The time left is the time to succeed in: the caller tries every server in it. */
  async #renew(): Promise<void> {
    const { caller, clock } = this.#parts;
    const sentAt = clock.monotonic();
    const call = { method: "POST", path: `/v1/kv/leases/${this.id}/keep-alive` } as const;
    try {
      const timeoutMillis = Math.max(1, this.#heldUntil - sentAt);
      await caller.call(call, "reads", { timeoutMillis, signal: this.#lost.signal });
      // Late, it has been given up already.
      this.#check();
      if (!this.#ended) this.#renewed(sentAt);
    } catch (cause) {
      this.#lose(clientFailure("LEASE_LOST", { cause }));
    }
  }

  #check(): void {
    if (this.#ended) return;
    const { clock, timers } = this.#parts;
    const left = this.#heldUntil - clock.monotonic();
    if (left <= 0) this.#lose(clientFailure("LEASE_LOST"));
    else if (this.#end === undefined) this.#end = timers.after(left, () => this.#check());
  }

  #lose(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#renewal?.cancel();
    this.#end?.cancel();
    this.#parts.caller.closing.removeEventListener("abort", this.#onClose);
    this.#lost.abort(reason);
  }
}
