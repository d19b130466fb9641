import type { Timer, Timers } from "../../env/index.ts";
import { AshlarError } from "../../std/errors.ts";
import { sourceOf } from "../../std/source.ts";
import { peerFailure } from "../errors.ts";
import { FRAME_KINDS } from "../wire.ts";
import type { CallHandler, CallReply } from "./calls.ts";
import { IncomingBody } from "./incoming-body.ts";
import { OutgoingBody } from "./outgoing-body.ts";
import { creditFrame, decodeCredit, failureFrame, type RequestFrame, replyFrame, signalFrame } from "./wire.ts";

export interface ServedCallOptions {
  readonly from: number;
  readonly request: RequestFrame;
  readonly timers: Timers;
  readonly handler: CallHandler;
  readonly windowBytes: number;
  readonly put: (frame: Uint8Array) => void;
  readonly onBug: (error: unknown) => void;
  /** Nothing is sent or expected any more. */
  readonly over: () => void;
}

/** One call that this node answers, until both bodies are through. */
export class ServedCall {
  readonly #options: ServedCallOptions;
  readonly #number: number;
  readonly #abort = new AbortController();
  readonly #receiving: IncomingBody | undefined;
  #timer: Timer | undefined;
  #sending: OutgoingBody | undefined;
  #isOver = false;

  constructor(options: ServedCallOptions) {
    const { request, windowBytes, put } = options;
    this.#options = options;
    this.#number = request.call;
    if (!request.hasBody) return;
    const link = {
      credit: (bytes: number) => put(creditFrame(this.#number, bytes)),
      stop: () => put(signalFrame("stop", this.#number)),
    };
    this.#receiving = new IncomingBody(link, windowBytes);
  }

  begin(): void {
    const { from, request, timers, handler } = this.#options;
    const { head, timeoutMillis } = request;
    const late = (): void => this.abort(peerFailure("CALL_TIMED_OUT", { data: { node: from } }));
    if (timeoutMillis > 0) this.#timer = timers.after(timeoutMillis, late);
    const body = this.#receiving ?? sourceOf();
    handler({ from, head, body, signal: this.#abort.signal }).then(
      (reply) => this.#answer(reply),
      (error: unknown) => this.#fail(error),
    );
  }

  /** False for what no node of this protocol sends. */
  take(kind: number, rest: Uint8Array): boolean {
    switch (kind) {
      case FRAME_KINDS.data:
        return this.#receiving?.take(rest) ?? false;
      case FRAME_KINDS.end:
        this.#receiving?.end();
        return true;
      case FRAME_KINDS.credit: {
        const bytes = decodeCredit(rest);
        return bytes !== undefined && (this.#sending?.credit(bytes) ?? true);
      }
      case FRAME_KINDS.stop:
        this.#sending?.stop();
        return true;
      default:
        this.abort(new DOMException("The caller gave up.", "AbortError"));
        return true;
    }
  }

  /** Nobody waits for the answer. */
  abort(reason: unknown): void {
    if (this.#isOver) return;
    this.#receiving?.fail(reason);
    this.#end();
    this.#abort.abort(reason);
    this.#sending?.stop(reason);
  }

  #answer({ head, body }: CallReply): void {
    if (this.#isOver) {
      body?.cancel(this.#abort.signal.reason);
      return;
    }
    const { put, windowBytes } = this.#options;
    this.#timer?.cancel();
    put(replyFrame({ call: this.#number, hasBody: body !== undefined, head }));
    if (body === undefined) {
      this.#end();
      return;
    }
    this.#sending = new OutgoingBody({
      ...{ call: this.#number, source: body, windowBytes, send: put },
      over: (failure) => {
        if (failure !== undefined) this.#fail(failure.error);
        else this.#end();
      },
    });
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    const { put, onBug } = this.#options;
    if (error instanceof AshlarError) {
      const { code, message: what, advice, data } = error;
      put(failureFrame({ call: this.#number, code, what, advice, data }));
    } else {
      onBug(error);
      const internal = { code: "INTERNAL", what: "The other node failed at it.", advice: "See its log.", data: {} };
      put(failureFrame({ call: this.#number, ...internal }));
    }
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    // The caller sends nothing more of a request that is answered.
    this.#receiving?.fail(peerFailure("CALL_BROKEN"));
    this.#options.over();
  }
}
