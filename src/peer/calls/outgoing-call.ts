import type { Timer, Timers } from "../../env/index.ts";
import { peerFailure } from "../errors.ts";
import { FRAME_KINDS } from "../wire.ts";
import type { CallOptions, CallReply, CallRequest } from "./calls.ts";
import { IncomingBody } from "./incoming-body.ts";
import { OutgoingBody } from "./outgoing-body.ts";
import { creditFrame, decodeCredit, decodeFailure, decodeReply, requestFrame, signalFrame } from "./wire.ts";

export interface OutgoingCallOptions {
  readonly node: number;
  readonly number: number;
  readonly method: number;
  readonly request: CallRequest;
  readonly options: CallOptions;
  readonly timers: Timers;
  readonly windowBytes: number;
  readonly put: (frame: Uint8Array) => void;
  /** Nothing is sent or expected any more. */
  readonly over: () => void;
}

/** One call that this node makes, until both bodies are through. */
export class OutgoingCall {
  readonly #options: OutgoingCallOptions;
  readonly #reply = Promise.withResolvers<CallReply>();
  #timer: Timer | undefined;
  #sending: OutgoingBody | undefined;
  #receiving: IncomingBody | undefined;
  #isReplied = false;
  #isOver = false;

  constructor(options: OutgoingCallOptions) {
    this.#options = options;
  }

  begin(): Promise<CallReply> {
    const { number, method, request, options, timers, put, node, windowBytes } = this.#options;
    const { signal, timeoutMillis = 0 } = options;
    const { head, body } = request;
    put(requestFrame({ call: number, method, timeoutMillis, hasBody: body !== undefined, head }));
    if (body !== undefined) {
      const send = (frame: Uint8Array): void => put(frame);
      const over = (failure?: { readonly error: unknown }): void => this.#sent(failure);
      this.#sending = new OutgoingBody({ call: number, source: body, windowBytes, send, over });
    }
    if (timeoutMillis > 0) {
      const late = (): void => this.#giveUp(peerFailure("CALL_TIMED_OUT", { data: { node, timeoutMillis } }));
      this.#timer = timers.after(timeoutMillis, late);
    }
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    return this.#reply.promise;
  }

  /** False for what no node of this protocol sends. */
  take(kind: number, rest: Uint8Array): boolean {
    const { number, node } = this.#options;
    switch (kind) {
      case FRAME_KINDS.reply: {
        const reply = decodeReply(number, rest);
        if (reply === undefined || this.#isReplied) return false;
        this.#replied(reply.head, reply.hasBody);
        return true;
      }
      case FRAME_KINDS.failure: {
        const failure = decodeFailure(number, rest);
        if (failure === undefined) return false;
        const { code, what, advice, data } = failure;
        this.fail(peerFailure("CALL_FAILED", { what, advice, data: { ...data, node, remoteCode: code } }));
        return true;
      }
      case FRAME_KINDS.data:
        return this.#receiving?.take(rest) ?? false;
      case FRAME_KINDS.end:
        this.#receiving?.end();
        this.#settle();
        return true;
      case FRAME_KINDS.credit: {
        const bytes = decodeCredit(rest);
        return bytes !== undefined && (this.#sending?.credit(bytes) ?? true);
      }
      default:
        this.#sending?.stop();
        return true;
    }
  }

  /** It is over without an answer, or without the whole of it. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#end();
    this.#sending?.stop(error);
    this.#receiving?.fail(error);
    this.#reply.reject(error);
  }

  readonly #onAbort = (): void => this.#giveUp(this.#options.options.signal?.reason);

  #giveUp(reason: unknown): void {
    if (this.#isOver) return;
    this.#options.put(signalFrame("cancel", this.#options.number));
    this.fail(reason);
  }

  #replied(head: Uint8Array, hasBody: boolean): void {
    const { number, put, windowBytes } = this.#options;
    this.#isReplied = true;
    this.#timer?.cancel();
    if (hasBody) {
      const link = {
        credit: (bytes: number) => put(creditFrame(number, bytes)),
        stop: () => this.#giveUp(new DOMException("The reply was given up.", "AbortError")),
      };
      this.#receiving = new IncomingBody(link, windowBytes);
    }
    this.#reply.resolve(hasBody ? { head, body: this.#receiving! } : { head });
    this.#settle();
  }

  /** The request's body is through, or broke off: then nobody can answer it. */
  #sent(failure: { readonly error: unknown } | undefined): void {
    this.#sending = undefined;
    if (failure !== undefined) this.#giveUp(failure.error);
    else this.#settle();
  }

  /** Once the whole answer is there, what the other side has not taken of the request is not wanted. */
  #settle(): void {
    if (!this.#isReplied || this.#receiving?.isOver === false) return;
    this.#end();
    this.#sending?.stop();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#options.options.signal?.removeEventListener("abort", this.#onAbort);
    this.#options.over();
  }
}
