import type { IncomingMessage } from "node:http";
import { assert } from "../../std/assert.ts";
import type { ByteSource } from "../../std/source.ts";
import { envFailure } from "../errors.ts";
import { BODY_BYTES_QUEUED_MAX } from "./http-limits.ts";

interface Reader {
  resolve(chunk: Uint8Array | null): void;
  reject(error: unknown): void;
}

/**
 * The body of a request as its reader pulls it. The socket is read only while somebody waits or the queue is short, so
 * a slow reader slows its client down instead of filling memory.
 */
export class RequestBody implements ByteSource {
  readonly #request: IncomingMessage;
  readonly #sendContinue: (() => void) | undefined;
  /** NaN where the body comes in chunks and only its end tells. */
  readonly #bytesExpected: number;
  readonly #queue: Uint8Array[] = [];
  #bytesQueued = 0;
  #bytesReceived = 0;
  #reader: Reader | undefined;
  #state: "untouched" | "reading" | "cancelled" | "dropping" = "untouched";
  #isListening = false;
  #isEnded = false;
  #isGone = false;
  #bytesDroppable = 0;
  #dropped: (() => void) | undefined;

  constructor(request: IncomingMessage, sendContinue: (() => void) | undefined) {
    this.#request = request;
    this.#sendContinue = sendContinue;
    this.#bytesExpected = Number(request.headers["content-length"]);
  }

  get isCancelled(): boolean {
    return this.#state === "cancelled";
  }

  get isDropping(): boolean {
    return this.#state === "dropping";
  }

  /** No byte of it was asked for. */
  get isUntouched(): boolean {
    return this.#state === "untouched";
  }

  /** Its end was seen: nothing of it is left in the connection. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  get isWaiting(): boolean {
    return this.#reader !== undefined || this.#state === "dropping";
  }

  read(): Promise<Uint8Array | null> {
    assert(this.#reader === undefined, "a body has one reader at a time");
    const chunk = this.#queue.shift();
    if (chunk !== undefined) {
      this.#bytesQueued -= chunk.length;
      return Promise.resolve(chunk);
    }
    if (this.#isEnded) return Promise.resolve(null);
    if (this.#isGone || this.#request.destroyed) return Promise.reject(envFailure("CLIENT_GONE"));
    if (this.#state === "cancelled" || this.#state === "dropping") return Promise.resolve(null);
    if (this.#state === "untouched") {
      this.#state = "reading";
      this.#sendContinue?.();
      this.#listen();
    } else {
      this.#request.resume();
    }
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  /** Stops the flow. What is still to come is dropped when the exchange is answered. */
  cancel(): void {
    if (this.#state !== "untouched" && this.#state !== "reading") return;
    if (this.#state === "reading") this.#request.pause();
    this.#state = "cancelled";
    this.#queue.length = 0;
    this.#settle((reader) => reader.resolve(null));
  }

  /**
   * Takes in up to so many bytes and forgets them. Resolves when the body is over, the limit reached or the client
   * gone.
   */
  drop(bytesMax: number): Promise<void> {
    this.cancel();
    this.#state = "dropping";
    this.#bytesDroppable = bytesMax;
    if (this.#isEnded || this.#isGone || this.#request.destroyed) return Promise.resolve();
    this.#listen();
    this.#request.resume();
    return new Promise((resolve) => {
      this.#dropped = resolve;
    });
  }

  /** The connection is gone: what was not received will not come. */
  gone(): void {
    this.#isGone = true;
    this.#settle((reader) => reader.reject(envFailure("CLIENT_GONE")));
    this.#dropped?.();
  }

  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    this.#request.on("data", (chunk: Buffer) => this.#take(chunk));
    if (Number.isNaN(this.#bytesExpected)) this.#request.on("end", () => this.#end());
  }

  #take(buffer: Buffer): void {
    this.#bytesReceived += buffer.length;
    // The event "end" would come a turn later.
    if (this.#bytesReceived === this.#bytesExpected) this.#isEnded = true;
    if (this.#state === "dropping") this.#forget(buffer.length);
    if (this.#state !== "reading") return;
    // Not a Buffer: its `slice` would share what callers expect to be copied.
    const chunk = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
    const reader = this.#reader;
    if (reader !== undefined) {
      this.#reader = undefined;
      reader.resolve(chunk);
      return;
    }
    this.#queue.push(chunk);
    this.#bytesQueued += chunk.length;
    if (this.#bytesQueued >= BODY_BYTES_QUEUED_MAX && !this.#isEnded) this.#request.pause();
  }

  #forget(bytes: number): void {
    this.#bytesDroppable -= bytes;
    if (this.#bytesDroppable < 0) this.#request.pause();
    if (this.#bytesDroppable < 0 || this.#isEnded) this.#dropped?.();
  }

  #end(): void {
    this.#isEnded = true;
    this.#settle((reader) => reader.resolve(null));
    this.#dropped?.();
  }

  #settle(act: (reader: Reader) => void): void {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader !== undefined) act(reader);
  }
}

/** For a request without one. */
export const EMPTY_BODY: ByteSource = { read: () => Promise.resolve(null), cancel() {} };
