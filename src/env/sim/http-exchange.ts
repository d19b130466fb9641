import { assert } from "../../std/assert.ts";
import { concatBytes } from "../../std/bytes.ts";
import type { ByteSource } from "../../std/source.ts";
import type { Exchange } from "../env.ts";
import { envFailure } from "../errors.ts";
import { findHeader, isBodyless, lengthToAdd } from "../http-headers.ts";

export interface SimRequest {
  readonly method: string;
  readonly target: string;
  readonly headers?: readonly string[];
  readonly body?: Uint8Array | ByteSource | undefined;
  readonly remoteAddress?: string;
  /** The client goes away. */
  readonly signal?: AbortSignal | undefined;
}

export interface SimReply {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

/** How an exchange ends for its client. */
export interface SimOutcome {
  resolve(reply: SimReply): void;
  reject(error: unknown): void;
}

const NO_BODY: ByteSource = { read: () => Promise.resolve(null), cancel() {} };

/** A request that a client in the same process makes. */
export class SimExchange implements Exchange {
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly remoteAddress: string;
  readonly secure: boolean = false;
  readonly body: ByteSource;
  readonly #outcome: SimOutcome;
  readonly #abort = new AbortController();
  #replyBody: ByteSource | undefined;
  #rejectReply: ((error: unknown) => void) | undefined;
  #rejectRead: ((error: unknown) => void) | undefined;
  #hasReplied = false;
  #isGone = false;
  #isLost = false;

  constructor(request: SimRequest, outcome: SimOutcome) {
    this.method = request.method;
    this.target = request.target;
    this.rawHeaders = request.headers ?? [];
    this.remoteAddress = request.remoteAddress ?? "127.0.0.1";
    this.#outcome = outcome;
    this.body = request.body === undefined ? NO_BODY : this.#bodyOf(request.body);
  }

  header(name: string): string | undefined {
    return findHeader(this.rawHeaders, name);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get replied(): boolean {
    return this.#hasReplied;
  }

  async reply(status: number, headers: readonly string[], body?: Uint8Array | ByteSource): Promise<void> {
    assert(!this.#hasReplied, "an exchange is answered once");
    this.#hasReplied = true;
    if (this.#isLost) return never();
    const isSource = body !== undefined && !(body instanceof Uint8Array);
    if (isSource) this.#replyBody = body;
    if (this.#isGone) {
      this.#replyBody?.cancel();
      throw envFailure("CLIENT_GONE");
    }
    const gone = new Promise<never>((_, reject) => {
      this.#rejectReply = reject;
    });
    try {
      const sent = isSource ? await Promise.race([this.#collect(status, headers, body), gone]) : body;
      this.#succeed(status, headers, body, sent);
    } catch (error) {
      this.#replyBody?.cancel(error);
      this.#outcome.reject(envFailure("CONNECTION_LOST", { cause: error }));
      throw error;
    } finally {
      this.#rejectReply = undefined;
    }
  }

  /** The client has gone away, or its server will not wait for the reply. */
  gone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    const error = envFailure("CLIENT_GONE");
    this.#outcome.reject(envFailure("CONNECTION_LOST"));
    this.#abort.abort(error);
    this.#rejectRead?.(error);
    this.#replyBody?.cancel(error);
    this.#rejectReply?.(error);
  }

  /** The server's machine is gone: its client learns it, its code does not run any more. */
  lost(): void {
    this.#isLost = true;
    this.#outcome.reject(envFailure("CONNECTION_LOST"));
  }

  #succeed(
    status: number,
    headers: readonly string[],
    body: Uint8Array | ByteSource | undefined,
    sent?: Uint8Array,
  ): void {
    const length = lengthToAdd(status, this.method, body);
    const addsLength = length !== undefined && findHeader(headers, "content-length") === undefined;
    this.#outcome.resolve({
      status,
      headers: addsLength ? [...headers, "content-length", String(length)] : headers,
      body: sent === undefined || isBodyless(status, this.method) ? new Uint8Array(0) : new Uint8Array(sent),
    });
  }

  async #collect(status: number, headers: readonly string[], source: ByteSource): Promise<Uint8Array> {
    if (isBodyless(status, this.method)) {
      source.cancel();
      return new Uint8Array(0);
    }
    const declared = findHeader(headers, "content-length");
    const length = declared === undefined ? undefined : Number(declared);
    const chunks: Uint8Array[] = [];
    let sent = 0;
    for (;;) {
      const chunk = await source.read();
      if (chunk === null) break;
      sent += chunk.length;
      if (length !== undefined && sent > length) break;
      chunks.push(new Uint8Array(chunk));
    }
    if (length !== undefined && sent !== length) {
      throw envFailure("REPLY_LENGTH_WRONG", { data: { declared: length, sent } });
    }
    return concatBytes(chunks);
  }

  #bodyOf(given: Uint8Array | ByteSource): ByteSource {
    const source = given instanceof Uint8Array ? onceSource(given) : given;
    return {
      read: () => {
        if (this.#isLost) return never();
        if (this.#isGone) return Promise.reject(envFailure("CLIENT_GONE"));
        const gone = new Promise<never>((_, reject) => {
          this.#rejectRead = reject;
        });
        const chunk = source.read().catch((cause: unknown) => {
          this.gone();
          throw envFailure("CLIENT_GONE", { cause });
        });
        return Promise.race([chunk, gone]);
      },
      cancel: (reason) => source.cancel(reason),
    };
  }
}

function onceSource(bytes: Uint8Array): ByteSource {
  let rest: Uint8Array | null = bytes.length === 0 ? null : new Uint8Array(bytes);
  return {
    async read() {
      const chunk = rest;
      rest = null;
      return chunk;
    },
    cancel() {
      rest = null;
    },
  };
}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}
