// A watch that outlives its connections. It holds the position behind the last whole event and connects again with that,
// at any server: each commit is given out once and in order, or the watch ends with an error that says why it can not.

import { EventStreamDecoder, type StreamEvent } from "../codec/event-stream/index.ts";
import { AshlarError } from "../std/errors.ts";
import type { Watch, WatchEvent, WatchOptions } from "./api.ts";
import { type Caller, TIMEOUT_MILLIS_DEFAULT } from "./caller.ts";
import { clientFailure, kindOf } from "./errors.ts";
import type { Nodes } from "./nodes.ts";
import { changeOf, type JsonChange, type KeyRange, type Position, rangeQuery } from "./rows.ts";
import { type Query, serverFailure, type Transport } from "./transport.ts";

export interface WatchParts {
  readonly caller: Caller;
  readonly nodes: Nodes;
  readonly transport: Transport;
}

/** Servers give a sign of life three times as often. */
const SILENCE_MILLIS_MAX = 15_000;
/** One commit: a mebibyte, in the form that takes most room. */
const EVENT_CHARACTERS_MAX = 4 * 1024 * 1024;

type Next = IteratorResult<WatchEvent, undefined>;

export class ResumedWatch implements Watch {
  readonly opened: Promise<Position>;
  readonly #parts: WatchParts;
  readonly #range: KeyRange;
  readonly #stop = new AbortController();
  readonly #events: AsyncGenerator<WatchEvent, undefined>;
  readonly #begun = Promise.withResolvers<Position>();
  readonly #release: () => void;
  /** Asked for at once: a watch begins with its call, not with its first read. */
  #first: Promise<Next> | undefined;
  #position: Position | undefined;

  constructor(parts: WatchParts, range: KeyRange, { since, signal }: WatchOptions) {
    this.#parts = parts;
    this.#range = range;
    this.#position = since;
    this.opened = this.#begun.promise;
    this.opened.catch(() => {});
    const stop = (): void => this.#stop.abort(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    if (signal?.aborted) stop();
    this.#release = () => signal?.removeEventListener("abort", stop);
    this.#events = this.#run();
    this.#first = this.#events.next();
    this.#first.catch((error: unknown) => this.#begun.reject(error));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Next> {
    const first = this.#first;
    this.#first = undefined;
    return first ?? this.#events.next();
  }

  async return(): Promise<Next> {
    this.#stop.abort(ENDED);
    await this.#events.return(undefined).catch(() => {});
    this.#begun.reject(clientFailure("CLOSED", { what: "The watch was ended." }));
    return { done: true, value: undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async *#run(): AsyncGenerator<WatchEvent, undefined> {
    const { caller, nodes } = this.#parts;
    try {
      for (let attempt = 0; ; attempt++) {
        const node = nodes.current;
        try {
          for await (const event of this.#connect(node)) {
            attempt = 0;
            if (event !== undefined) yield event;
          }
        } catch (error) {
          if (this.#stop.signal.aborted || caller.closing.aborted) throw error;
          if (!(error instanceof AshlarError) || kindOf(error) === "final") throw error;
          nodes.leave(node);
        }
        await caller.pause(attempt, TIMEOUT_MILLIS_DEFAULT, this.#stop.signal);
        this.#stop.signal.throwIfAborted();
      }
    } catch (error) {
      if (error === ENDED) return undefined;
      throw error;
    } finally {
      this.#release();
    }
  }

  /** Undefined: only the position has moved. Returns where the server ends the stream without a failure: its time is over. */
  async *#connect(node: URL): AsyncGenerator<WatchEvent | undefined, void> {
    const query = { ...rangeQuery(this.#range), since: this.#position };
    const decoder = new EventStreamDecoder({
      eventCharactersMax: EVENT_CHARACTERS_MAX,
      tooLong: () => clientFailure("REPLY_UNREADABLE", { what: "An event is too long." }),
    });
    const reader = await this.#open(node, query);
    try {
      for (;;) {
        const chunk = await this.#read(reader);
        if (chunk === undefined) return;
        for (const event of decoder.push(chunk)) yield this.#take(event);
      }
    } finally {
      await reader.cancel().catch(() => {});
    }
  }

  async #open(node: URL, query: Query): Promise<ReadableStreamDefaultReader<Uint8Array>> {
    const { caller, transport } = this.#parts;
    // Until the server answers; what comes then is read with a limit of its own.
    using limits = caller.limits(SILENCE_MILLIS_MAX, this.#stop.signal);
    const { body } = await transport.open(node, { method: "GET", path: "/v1/kv/watch", query }, limits.signal);
    if (body === null) throw clientFailure("REPLY_UNREADABLE");
    return body.getReader();
  }

  #take({ type, data }: StreamEvent): WatchEvent | undefined {
    if (type === "failure") throw serverFailure(JSON.parse(data));
    const { position, changes } = JSON.parse(data) as Message;
    this.#position = position;
    this.#begun.resolve(position);
    return type === "commit" && changes ? { changes: changes.map(changeOf), position } : undefined;
  }

  /** Undefined at the end. Only a wait for the server counts as silence, not the time that the reader takes. */
  async #read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> {
    using limits = this.#parts.caller.limits(SILENCE_MILLIS_MAX, this.#stop.signal);
    const { promise, reject } = Promise.withResolvers<never>();
    limits.signal.addEventListener("abort", () => reject(limits.signal.reason), { once: true });
    limits.signal.throwIfAborted();
    try {
      const { value } = await Promise.race([reader.read(), promise]);
      return value;
    } catch (error) {
      if (error instanceof AshlarError || limits.signal.aborted) throw error;
      throw clientFailure("SERVER_UNREACHABLE", { what: "The connection broke off.", cause: error });
    }
  }
}

interface Message {
  readonly position: Position;
  readonly changes?: readonly JsonChange[];
}

const ENDED = Symbol("the reader has left");
