// One client's connection. Its requests are answered in the order in which they came, those that came together at once.
//
//   data -> frames -> requests ahead -> answer -> send
//            |                              |
//            unreadable: told, then the end  as long as the client takes what it is sent

import {
  applicationException,
  encodeFrame,
  encodeMessage,
  type ThriftError,
  ThriftFrameParser,
  type ThriftHeader,
} from "../../codec/thrift/index.ts";
import type { Connection, Timer, Timers } from "../../env/index.ts";
import { AshlarError } from "../../std/errors.ts";
import { type AnswerParts, answer } from "./answer.ts";
import { THRIFT_LIMITS } from "./limits.ts";
import { readRequest, type ThriftRequest } from "./requests.ts";

export interface ClientParts extends AnswerParts {
  readonly timers: Timers;
  /** A client that sends nothing for so long, and waits for nothing, is gone. */
  readonly idleMillisMax: number;
}

export class ThriftClient {
  readonly #parts: ClientParts;
  readonly #connection: Connection;
  readonly #onClosed: () => void;
  readonly #parser: ThriftFrameParser;
  #ahead: ThriftRequest[] = [];
  #isAnswering = false;
  #isPaused = false;
  /** Nothing more is read: what is there is answered, the refusal is sent, and the connection ends. */
  #last: { readonly refusal: Uint8Array | undefined } | undefined;
  #isEnded = false;
  #isOver = false;
  #heardMillis: number;
  #timer: Timer;
  #drained: (() => void) | undefined;

  constructor(parts: ClientParts, connection: Connection, onClosed: () => void) {
    this.#parts = parts;
    this.#connection = connection;
    this.#onClosed = onClosed;
    this.#parser = new ThriftFrameParser(THRIFT_LIMITS.frameBytesMax, (frame) => this.#take(frame));
    this.#heardMillis = parts.clock.monotonic();
    this.#timer = parts.timers.after(parts.idleMillisMax, () => this.#checkIdle());
  }

  begin(): void {
    this.#connection.begin({
      data: (bytes) => this.#read(bytes),
      ended: () => this.finish(),
      drained: () => this.#drained?.(),
      closed: () => this.destroy(),
    });
  }

  /** What has come is answered, then the connection ends. */
  finish(): void {
    this.#finish(undefined);
  }

  destroy(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#ahead = [];
    this.#timer.cancel();
    this.#connection.destroy();
    this.#drained?.();
    this.#onClosed();
  }

  #read(bytes: Uint8Array): void {
    this.#heardMillis = this.#parts.clock.monotonic();
    if (this.#last !== undefined) return;
    const failure = this.#parser.take(bytes);
    if (failure !== undefined) this.#finish(refusalTo(failure));
    if (this.#ahead.length >= THRIFT_LIMITS.requestsAheadMax && !this.#isPaused) {
      this.#isPaused = true;
      this.#connection.pause();
    }
    void this.#answerAll();
  }

  /** Behind one that can not be read nothing has a meaning: the client does not speak this protocol. */
  #take(frame: Uint8Array): void {
    if (this.#last !== undefined) return;
    try {
      this.#ahead.push(readRequest(frame));
    } catch (error) {
      if (!(error instanceof AshlarError)) throw error;
      this.#finish(refusalTo(error as ThriftError));
    }
  }

  #finish(refusal: Uint8Array | undefined): void {
    if (this.#last !== undefined) return;
    this.#last = { refusal };
    void this.#answerAll();
  }

  async #answerAll(): Promise<void> {
    if (this.#isAnswering || this.#isEnded) return;
    this.#isAnswering = true;
    while (this.#ahead.length > 0) {
      const requests = this.#ahead.splice(0, THRIFT_LIMITS.requestsAheadMax);
      const replies = await answer(this.#parts, requests);
      if (this.#isOver) return;
      if (replies.length > 0) this.#connection.send(replies);
      await this.#untilTaken();
      if (this.#isOver) return;
    }
    this.#isAnswering = false;
    if (this.#last !== undefined) this.#end(this.#last.refusal);
    else if (this.#isPaused) {
      this.#isPaused = false;
      this.#connection.resume();
    }
  }

  /** A client that does not take its answers is answered no more of them. It is quiet then, and gone after a while. */
  async #untilTaken(): Promise<void> {
    while (!this.#isOver && this.#connection.queuedBytes > THRIFT_LIMITS.unsentBytesMax) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#drained = resolve;
      await promise;
    }
  }

  /** Cut off only after a while: what the client has sent and we do not read would take our last words from him. */
  #end(refusal: Uint8Array | undefined): void {
    if (this.#isOver) return;
    this.#isEnded = true;
    if (refusal !== undefined) this.#connection.send(refusal);
    this.#connection.end();
    this.#connection.resume();
    this.#timer.cancel();
    this.#timer = this.#parts.timers.after(THRIFT_LIMITS.lingerMillis, () => this.destroy());
  }

  #checkIdle(): void {
    const { clock, timers, idleMillisMax } = this.#parts;
    const isWaiting = this.#isAnswering && this.#connection.queuedBytes <= THRIFT_LIMITS.unsentBytesMax;
    const leftMillis = this.#heardMillis + idleMillisMax - clock.monotonic();
    if (leftMillis <= 0 && !isWaiting) this.destroy();
    else this.#timer = timers.after(isWaiting ? idleMillisMax : leftMillis, () => this.#checkIdle());
  }
}

const UNKNOWN: ThriftHeader = { kind: "exception", name: "", sequence: 0, isStrict: true };

/** In the form that the client is about to read. */
function refusalTo(failure: ThriftError): Uint8Array {
  const message = applicationException(UNKNOWN, "protocolError", `${failure.message} ${failure.advice}`);
  return failure.code === "UNFRAMED" ? encodeMessage(message) : encodeFrame(message);
}
