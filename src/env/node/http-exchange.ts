import type { IncomingMessage, ServerResponse } from "node:http";
import { assert } from "../../std/assert.ts";
import type { ByteSource } from "../../std/source.ts";
import type { Exchange } from "../env.ts";
import { type EnvError, envFailure } from "../errors.ts";
import { findHeader, isBodyless, lengthToAdd } from "../http-headers.ts";
import { EMPTY_BODY, RequestBody } from "./http-body.ts";
import { DRAIN_BYTES_MAX, LINGER_BYTES_MAX } from "./http-limits.ts";

/** What an exchange needs of its connection. */
export interface Carrier {
  readonly remoteAddress: string;
  readonly isSecure: boolean;
  /** No further exchange is wanted on it. */
  readonly isLast: boolean;
  /** Sends what was written so far, then nothing: the client sees that the reply broke off. */
  reset(): void;
  /** When it is closed, waits for this a little: the client still sends, and a reset would overtake the reply. */
  lingerFor(dropped: Promise<void>): void;
  /** The exchange is over, the next one may begin. */
  ended(exchange: NodeExchange): void;
}

interface Outcome {
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * One request of node:http. The usual case, a short reply to a request that was read, touches as little of it as it
 * can.
 */
export class NodeExchange implements Exchange {
  readonly #carrier: Carrier;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #expectsContinue: boolean;
  #body: RequestBody | undefined;
  #replyBody: ByteSource | undefined;
  #outcome: Outcome | undefined;
  #abort: AbortController | undefined;
  #hasReplied = false;
  #isGone = false;

  constructor(carrier: Carrier, request: IncomingMessage, response: ServerResponse, expectsContinue: boolean) {
    this.#carrier = carrier;
    this.#request = request;
    this.#response = response;
    this.#expectsContinue = expectsContinue;
  }

  get method(): string {
    return this.#request.method!;
  }

  get target(): string {
    return this.#request.url!;
  }

  get rawHeaders(): readonly string[] {
    return this.#request.rawHeaders;
  }

  header(name: string): string | undefined {
    return findHeader(this.#request.rawHeaders, name);
  }

  get remoteAddress(): string {
    return this.#carrier.remoteAddress;
  }

  get secure(): boolean {
    return this.#carrier.isSecure;
  }

  get body(): ByteSource {
    return this.#body ?? (this.#hasBody ? this.#requestBody() : EMPTY_BODY);
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#isGone) this.#abort.abort(envFailure("CLIENT_GONE"));
    }
    return this.#abort.signal;
  }

  get replied(): boolean {
    return this.#hasReplied;
  }

  reply(status: number, headers: readonly string[], body?: Uint8Array | ByteSource): Promise<void> {
    assert(!this.#hasReplied, "an exchange is answered once");
    this.#hasReplied = true;
    const isSource = body !== undefined && !(body instanceof Uint8Array);
    if (this.#isGone || this.#request.socket.destroyed) {
      if (isSource) body.cancel();
      return Promise.reject(envFailure("CLIENT_GONE"));
    }
    const promise = new Promise<void>((resolve, reject) => {
      this.#outcome = { resolve, reject };
    });
    if (isSource || this.#isBodyLeft) {
      this.#replyInSteps(status, headers, body).catch((error: unknown) => this.#broke(error));
    } else {
      this.#replyAtOnce(status, headers, body);
    }
    return promise;
  }

  /** Whether the client has the next move: to send more of the body, or to take more of the reply. */
  get waitsForClient(): boolean {
    return this.#body?.isWaiting === true || this.#response.writableLength > 0 || this.#response.writableNeedDrain;
  }

  /** The connection is closed. */
  gone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    const error = envFailure("CLIENT_GONE");
    this.#body?.gone();
    this.#abort?.abort(error);
    this.#fail(error);
  }

  get #hasBody(): boolean {
    const { headers } = this.#request;
    const length = headers["content-length"];
    return (length !== undefined && length !== "0") || headers["transfer-encoding"] !== undefined;
  }

  #requestBody(): RequestBody {
    this.#body ??= new RequestBody(
      this.#request,
      this.#expectsContinue
        ? () => {
            if (!this.#hasReplied) this.#response.writeContinue();
          }
        : undefined,
    );
    return this.#body;
  }

  #replyAtOnce(status: number, headers: readonly string[], body: Uint8Array | undefined): void {
    // Node drops what nobody touched; what was read in part we drop, or its socket would stay paused.
    if (this.#body !== undefined && !this.#body.isUntouched && !this.#body.isEnded)
      void this.#body.drop(DRAIN_BYTES_MAX);
    try {
      this.#response.writeHead(status, this.#completeHeaders(status, headers, body, this.#carrier.isLast));
      this.#response.end(body, () => this.#finished());
    } catch (error) {
      this.#broke(error);
    }
  }

  /** For a reply that streams, and for one that comes before the request's body is over. */
  async #replyInSteps(
    status: number,
    headers: readonly string[],
    body: Uint8Array | ByteSource | undefined,
  ): Promise<void> {
    const response = this.#response;
    // Failures reach us as the end of the connection; without a listener a late write would end the process.
    response.on("error", () => {});
    const isSource = body !== undefined && !(body instanceof Uint8Array);
    const isLast = this.#carrier.isLast || (this.#isBodyLeft && !this.#canDrain());
    const complete = this.#completeHeaders(status, headers, body, isLast);
    response.writeHead(status, complete);
    // A reply that streams may be made of the body, unless nobody asked for that or somebody gave it up.
    if (!isSource || this.#body === undefined || this.#body.isCancelled) this.#dropBody(isLast);
    const hasNoBody = isBodyless(status, this.method);
    if (isSource) await this.#pump(body, hasNoBody, findHeader(complete, "content-length"));
    else if (body !== undefined && body.length > 0 && !hasNoBody) await this.#write(body);
    if (this.#isGone) return;
    this.#dropBody(isLast);
    response.end(() => this.#finished());
  }

  /**
   * What the client still sends of this request is taken in, so that the connection can go on or be closed in order.
   */
  #dropBody(isLast: boolean): void {
    if (!this.#isBodyLeft || this.#body?.isDropping === true) return;
    const dropped = this.#requestBody().drop(isLast ? LINGER_BYTES_MAX : DRAIN_BYTES_MAX);
    if (isLast) this.#carrier.lingerFor(dropped);
  }

  /** The client may still send bytes of this request. */
  get #isBodyLeft(): boolean {
    return !this.#request.complete && this.#hasBody;
  }

  /** Whether the rest of the body is known to be short. A client that waits for 100 may never send it. */
  #canDrain(): boolean {
    if (this.#expectsContinue && (this.#body === undefined || this.#body.isUntouched)) return false;
    const length = Number(this.#request.headers["content-length"]);
    return length - (this.#body?.bytesReceived ?? 0) <= DRAIN_BYTES_MAX;
  }

  /** One chunk at a time: the source may reuse its memory as soon as it is asked for the next one. */
  async #pump(source: ByteSource, isDropped: boolean, declared: string | undefined): Promise<void> {
    this.#replyBody = source;
    if (isDropped) {
      source.cancel();
      this.#response.flushHeaders();
      return;
    }
    const length = declared === undefined ? undefined : Number(declared);
    let sent = 0;
    for (;;) {
      const chunk = await source.read();
      if (this.#isGone) return;
      if (chunk === null) break;
      sent += chunk.length;
      if (length !== undefined && sent > length) throw wrongLength(length, sent);
      await this.#write(chunk);
    }
    if (length !== undefined && sent !== length) throw wrongLength(length, sent);
  }

  #write(chunk: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#response.write(chunk, (error) => {
        if (error) reject(envFailure("CLIENT_GONE", { cause: error }));
        else resolve();
      });
    });
  }

  #completeHeaders(
    status: number,
    headers: readonly string[],
    body: Uint8Array | ByteSource | undefined,
    isLast: boolean,
  ): string[] {
    const length = lengthToAdd(status, this.method, body);
    const addsLength = length !== undefined && findHeader(headers, "content-length") === undefined;
    if (!addsLength && !isLast) return headers as string[];
    const all = headers.slice();
    if (addsLength) all.push("content-length", String(length));
    if (isLast) all.push("connection", "close");
    return all;
  }

  #finished(): void {
    this.#succeed();
    this.#carrier.ended(this);
  }

  /** The reply can not be completed: nobody may take what was sent for the whole. */
  #broke(error: unknown): void {
    this.#replyBody?.cancel(error);
    this.#fail(error);
    this.#carrier.reset();
  }

  #succeed(): void {
    this.#outcome?.resolve();
    this.#outcome = undefined;
  }

  #fail(error: unknown): void {
    this.#replyBody?.cancel(error);
    this.#outcome?.reject(error);
    this.#outcome = undefined;
  }
}

function wrongLength(declared: number, sent: number): EnvError {
  return envFailure("REPLY_LENGTH_WRONG", { data: { declared, sent } });
}
