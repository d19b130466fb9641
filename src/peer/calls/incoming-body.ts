import type { ByteSource } from "../../std/source.ts";

/** What a body tells the connection that it comes over. */
export interface BodyLink {
  /** So many bytes more may come. */
  credit(bytes: number): void;
  /** No more of it is wanted. */
  stop(): void;
}

/**
 * The bytes of a body as they come in. At most a window of them waits here: the sender gets credit for a chunk when its
 * reader asks for the next one.
 */
export class IncomingBody implements ByteSource {
  readonly #link: BodyLink;
  readonly #windowBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #waiting: PromiseWithResolvers<Uint8Array | null> | undefined;
  /** Come and not yet given credit for. */
  #heldBytes = 0;
  /** Taken by the reader and not yet given credit for: small credits would cost more than what they allow. */
  #owedBytes = 0;
  #lentBytes = 0;
  #end: "ended" | { readonly error: unknown } | undefined;

  constructor(link: BodyLink, windowBytes: number) {
    this.#link = link;
    this.#windowBytes = windowBytes;
  }

  /** Whether nothing comes any more. */
  get isOver(): boolean {
    return this.#end !== undefined;
  }

  read(): Promise<Uint8Array | null> {
    this.#repay();
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#lentBytes = chunk.length;
      return Promise.resolve(chunk);
    }
    if (this.#end === "ended") return Promise.resolve(null);
    if (this.#end !== undefined) return Promise.reject(this.#end.error);
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  cancel(reason?: unknown): void {
    this.#chunks.length = 0;
    if (this.#end !== undefined) return;
    this.fail(reason ?? new DOMException("The body was given up.", "AbortError"));
    this.#link.stop();
  }

  /** False where the sender does not keep to the window. */
  take(bytes: Uint8Array): boolean {
    if (this.#end !== undefined) return true;
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > this.#windowBytes) return false;
    if (bytes.length === 0) return true;
    const waiting = this.#waiting;
    if (waiting === undefined) {
      this.#chunks.push(bytes);
      return true;
    }
    this.#waiting = undefined;
    this.#lentBytes = bytes.length;
    waiting.resolve(bytes);
    return true;
  }

  end(): void {
    if (this.#end !== undefined) return;
    this.#end = "ended";
    this.#waiting?.resolve(null);
  }

  /** What has come is still read, then this. */
  fail(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#waiting?.reject(error);
  }

  #repay(): void {
    this.#owedBytes += this.#lentBytes;
    this.#lentBytes = 0;
    if (this.#end !== undefined || this.#owedBytes * 4 < this.#windowBytes) return;
    this.#heldBytes -= this.#owedBytes;
    this.#link.credit(this.#owedBytes);
    this.#owedBytes = 0;
  }
}
