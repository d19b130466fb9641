import type { Timer, Timers } from "../../env/index.ts";
import type { Transport, TransportHandlers } from "../../host/index.ts";
import { type CallHandler, type CallOptions, type CallReply, type CallRequest, peerFailure } from "../../peer/index.ts";
import { EMPTY } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import { ByteReader } from "../../std/reader.ts";
import { type ByteSource, collect, sourceOf } from "../../std/source.ts";
import { ByteWriter } from "../../std/writer.ts";
import type { PeerCalls } from "../ranges/group-calls.ts";

const MESSAGE = 0;
const REQUEST = 1;
const REPLY = 2;
const FAILURE = 3;

const BODY_BYTES_MAX = 64 * 1024 * 1024;

interface OpenCall {
  readonly settle: (outcome: { readonly reply: CallReply } | { readonly error: unknown }) => void;
}

/**
 * The calls of a PeerTransport over the frames of a simulated network, so that what cuts the one cuts the other. Bodies
 * go in one piece. A call whose frame or answer is lost ends by its time limit only.
 */
export class CallingTransport implements Transport, PeerCalls {
  readonly #inner: Transport;
  readonly #timers: Timers;
  /** False once the process that it belongs to is gone. */
  readonly #isAlive: () => boolean;
  readonly #handlers = new Map<number, CallHandler>();
  readonly #open = new Map<number, OpenCall>();
  #number = 0;

  constructor(inner: Transport, timers: Timers, isAlive: () => boolean) {
    this.#inner = inner;
    this.#timers = timers;
    this.#isAlive = isAlive;
  }

  start(handlers: TransportHandlers): Promise<void> {
    return this.#inner.start({
      unreachable: (node) => handlers.unreachable(node),
      receive: (from, frame) => {
        if (!this.#isAlive()) return;
        if (frame[0] === MESSAGE) handlers.receive(from, frame.subarray(1));
        else this.#receive(from, frame);
      },
    });
  }

  send(to: number, frame: Uint8Array): boolean {
    return this.#inner.send(to, new ByteWriter(frame.length + 1).u8(MESSAGE).raw(frame).end());
  }

  handle(method: number, handler: CallHandler): void {
    this.#handlers.set(method, handler);
  }

  async call(to: number, method: number, request: CallRequest, options: CallOptions = {}): Promise<CallReply> {
    const { signal, timeoutMillis } = options;
    signal?.throwIfAborted();
    const number = ++this.#number;
    const body = await bytesOf(request.body);
    const answered = Promise.withResolvers<CallReply>();
    let timer: Timer | undefined;
    const abort = (): void => settle({ error: signal!.reason });
    const settle: OpenCall["settle"] = (outcome) => {
      if (!this.#open.delete(number)) return;
      timer?.cancel();
      signal?.removeEventListener("abort", abort);
      if ("reply" in outcome) answered.resolve(outcome.reply);
      else answered.reject(outcome.error);
    };
    this.#open.set(number, { settle });
    signal?.addEventListener("abort", abort);
    const timeOut = (): void => settle({ error: peerFailure("CALL_TIMED_OUT", { data: { node: to } }) });
    if (timeoutMillis !== undefined) timer = this.#timers.after(timeoutMillis, timeOut);
    const frame = new ByteWriter(request.head.length + body.length + 32);
    frame.u8(REQUEST).u32(number).varint(method).blob(request.head).blob(body);
    if (!this.#inner.send(to, frame.end())) {
      settle({ error: peerFailure("PEER_UNREACHABLE", { data: { node: to } }) });
    }
    return answered.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { settle } of [...this.#open.values()]) settle({ error: peerFailure("CALL_BROKEN") });
    await this.#inner[Symbol.asyncDispose]();
  }

  #receive(from: number, frame: Uint8Array): void {
    const reader = new ByteReader(frame);
    const kind = reader.u8();
    const number = reader.u32();
    if (kind === REQUEST) {
      const [method, head, body] = [reader.varint(), reader.blob(), reader.blob()];
      void this.#serve(from, number, method, { head, body });
    } else if (kind === REPLY) {
      this.#open.get(number)?.settle({ reply: { head: reader.blob(), body: sourceOf(reader.blob()) } });
    } else {
      const [code, what, data] = [reader.string(), reader.string(), JSON.parse(reader.string()) as object];
      const error = peerFailure("CALL_FAILED", { what, data: { ...data, node: from, remoteCode: code } });
      this.#open.get(number)?.settle({ error });
    }
  }

  async #serve(
    from: number,
    number: number,
    method: number,
    request: { readonly head: Uint8Array; readonly body: Uint8Array },
  ): Promise<void> {
    const writer = new ByteWriter();
    try {
      const handler = this.#handlers.get(method);
      if (handler === undefined) throw peerFailure("METHOD_UNKNOWN", { data: { method } });
      const { signal } = new AbortController();
      const reply = await handler({ from, head: request.head, body: sourceOf(request.body), signal });
      writer
        .u8(REPLY)
        .u32(number)
        .blob(reply.head)
        .blob(await bytesOf(reply.body));
    } catch (error) {
      if (!(error instanceof AshlarError)) throw error;
      writer.reset().u8(FAILURE).u32(number);
      writer.string(error.code).string(error.message).string(JSON.stringify(error.data));
    }
    if (this.#isAlive()) this.#inner.send(from, writer.end());
  }
}

async function bytesOf(source: ByteSource | undefined): Promise<Uint8Array> {
  return source === undefined ? EMPTY : (await collect(source, BODY_BYTES_MAX))!;
}
