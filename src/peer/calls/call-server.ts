import type { Timers } from "../../env/index.ts";
import type { AshlarError } from "../../std/errors.ts";
import { peerFailure } from "../errors.ts";
import { FRAME_KINDS } from "../wire.ts";
import type { CallHandler, CallLimits } from "./calls.ts";
import { ServedCall } from "./served-call.ts";
import { callOf, decodeRequest, failureFrame, type RequestFrame } from "./wire.ts";

export interface CallServerOptions {
  readonly from: number;
  readonly timers: Timers;
  readonly limits: CallLimits;
  readonly handlers: ReadonlyMap<number, CallHandler>;
  readonly put: (frame: Uint8Array) => void;
  /** A handler rejected with what is no operating error. */
  readonly onBug: (method: number, error: unknown) => void;
}

/** Another node's calls on one connection, and the answers. */
export class CallServer {
  readonly #options: CallServerOptions;
  readonly #calls = new Map<number, ServedCall>();

  constructor(options: CallServerOptions) {
    this.#options = options;
  }

  /** False for what no node of this protocol sends. */
  take(kind: number, payload: Uint8Array): boolean {
    const parts = callOf(payload);
    if (parts === undefined) return false;
    const [number, rest] = parts;
    if (kind === FRAME_KINDS.request) {
      const request = decodeRequest(number, rest);
      if (request === undefined || this.#calls.has(number)) return false;
      this.#serve(request);
      return true;
    }
    if (kind < FRAME_KINDS.data || kind > FRAME_KINDS.cancel) return false;
    return this.#calls.get(number)?.take(kind, rest) ?? true;
  }

  /** The connection is gone: nobody waits for answers. */
  close(reason: Error): void {
    for (const call of [...this.#calls.values()]) call.abort(reason);
  }

  #serve(request: RequestFrame): void {
    const { from, timers, limits, handlers, put, onBug } = this.#options;
    const { call: number, method, head } = request;
    const handler = handlers.get(method);
    if (handler === undefined) this.#refuse(number, peerFailure("METHOD_UNKNOWN", { data: { method } }));
    else if (this.#calls.size >= limits.callsMax) this.#refuse(number, peerFailure("CALLS_OVERLOADED"));
    else if (head.length > limits.headBytesMax) this.#refuse(number, peerFailure("FRAME_TOO_LARGE"));
    else {
      const call = new ServedCall({
        ...{ from, request, timers, handler, windowBytes: limits.windowBytes, put },
        onBug: (error) => onBug(method, error),
        over: () => void this.#calls.delete(number),
      });
      this.#calls.set(number, call);
      call.begin();
    }
  }

  #refuse(call: number, { code, message: what, advice, data }: AshlarError): void {
    this.#options.put(failureFrame({ call, code, what, advice, data }));
  }
}
