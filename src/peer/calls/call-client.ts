import type { Timers } from "../../env/index.ts";
import { assert } from "../../std/assert.ts";
import { peerFailure } from "../errors.ts";
import { FRAME_KINDS } from "../wire.ts";
import type { CallLimits, CallOptions, CallReply, CallRequest } from "./calls.ts";
import { OutgoingCall } from "./outgoing-call.ts";
import { callOf } from "./wire.ts";

/** The connection that calls go out on, as its owner makes it again and again. */
export interface CallLink {
  readonly isOpen: boolean;
  /** Makes it now, where it waits for its next attempt. */
  connect(): void;
  put(frame: Uint8Array): void;
}

/** This node's calls of one other node. */
export class CallClient {
  readonly #node: number;
  readonly #timers: Timers;
  readonly #limits: CallLimits;
  readonly #link: CallLink;
  readonly #calls = new Map<number, OutgoingCall>();
  readonly #waiting = new Set<() => void>();
  #number = 0;
  #isClosed = false;

  constructor(node: number, timers: Timers, limits: CallLimits, link: CallLink) {
    this.#node = node;
    this.#timers = timers;
    this.#limits = limits;
    this.#link = link;
  }

  get callsOpen(): number {
    return this.#calls.size;
  }

  /** Whether calls wait for a connection. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  async call(method: number, request: CallRequest, options: CallOptions): Promise<CallReply> {
    const { callsMax, headBytesMax } = this.#limits;
    assert(request.head.length <= headBytesMax, "the head of a call is not longer than its limit");
    try {
      options.signal?.throwIfAborted();
      if (this.#calls.size + this.#waiting.size >= callsMax) throw this.#failure("CALLS_OVERLOADED");
      if (!this.#link.isOpen) await this.#connection(options.signal);
    } catch (error) {
      request.body?.cancel(error);
      throw error;
    }
    this.#number = this.#number === 0xffff_ffff ? 1 : this.#number + 1;
    const number = this.#number;
    const call = new OutgoingCall({
      ...{ node: this.#node, number, method, request, options },
      ...{ timers: this.#timers, windowBytes: this.#limits.windowBytes },
      put: (frame) => {
        if (this.#calls.has(number)) this.#link.put(frame);
      },
      over: () => void this.#calls.delete(number),
    });
    this.#calls.set(number, call);
    return call.begin();
  }

  /** The connection is there. */
  opened(): void {
    for (const go of [...this.#waiting]) go();
  }

  /** False for what no node of this protocol sends. */
  take(kind: number, payload: Uint8Array): boolean {
    const parts = callOf(payload);
    if (parts === undefined) return false;
    const [number, rest] = parts;
    if (kind < FRAME_KINDS.reply || kind > FRAME_KINDS.stop) return false;
    // One that is over here: what was on its way says nothing any more.
    return this.#calls.get(number)?.take(kind, rest) ?? true;
  }

  /** The connection is gone: what was asked over it may have been done. */
  lost(cause: Error | undefined): void {
    for (const call of [...this.#calls.values()]) call.fail(this.#failure("CALL_BROKEN", cause));
  }

  close(): void {
    this.#isClosed = true;
    this.lost(undefined);
    for (const go of [...this.#waiting]) go();
  }

  /** Rejects with PEER_UNREACHABLE where there is none in time, or with the signal's reason: nothing was asked. */
  async #connection(signal: AbortSignal | undefined): Promise<void> {
    if (this.#isClosed) throw this.#failure("PEER_UNREACHABLE");
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#timers.after(this.#limits.connectMillisMax, resolve);
    this.#waiting.add(resolve);
    signal?.addEventListener("abort", () => resolve(), { once: true });
    this.#link.connect();
    await promise;
    timer.cancel();
    this.#waiting.delete(resolve);
    signal?.throwIfAborted();
    if (!this.#link.isOpen || this.#isClosed) throw this.#failure("PEER_UNREACHABLE");
  }

  #failure(code: "CALLS_OVERLOADED" | "CALL_BROKEN" | "PEER_UNREACHABLE", cause?: Error): Error {
    return peerFailure(code, { data: { node: this.#node }, ...(cause !== undefined && { cause }) });
  }
}
