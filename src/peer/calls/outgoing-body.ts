import type { ByteSource } from "../../std/source.ts";
import { DATA_BYTES_MAX, dataFrame, signalFrame } from "./wire.ts";

export interface OutgoingBodyOptions {
  readonly call: number;
  readonly source: ByteSource;
  readonly windowBytes: number;
  readonly send: (frame: Uint8Array) => void;
  /** Once: all of it is sent, or the other side wants no more, or the source broke off with this error. */
  readonly over: (failure?: { readonly error: unknown }) => void;
}

/** Sends the bytes of a source, at most a window ahead of what the other side has taken. */
export class OutgoingBody {
  readonly #options: OutgoingBodyOptions;
  #creditBytes: number;
  #resume: (() => void) | undefined;
  #isOver = false;

  constructor(options: OutgoingBodyOptions) {
    this.#options = options;
    this.#creditBytes = options.windowBytes;
    void this.#pump();
  }

  /** False where the other side gives credit for what it never got. */
  credit(bytes: number): boolean {
    this.#creditBytes += bytes;
    this.#resume?.();
    return this.#creditBytes <= this.#options.windowBytes;
  }

  /** No more is sent. */
  stop(reason?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.source.cancel(reason);
    this.#resume?.();
    this.#options.over();
  }

  async #pump(): Promise<void> {
    const { call, source, send, over } = this.#options;
    try {
      for (;;) {
        const chunk = await source.read();
        if (this.#isOver) return;
        if (chunk === null) break;
        await this.#sendChunk(chunk);
        if (this.#isOver) return;
      }
      this.#isOver = true;
      send(signalFrame("end", call));
      over();
    } catch (error) {
      if (this.#isOver) return;
      this.#isOver = true;
      over({ error });
    }
  }

  async #sendChunk(chunk: Uint8Array): Promise<void> {
    const { call, send } = this.#options;
    for (let at = 0; at < chunk.length; ) {
      while (this.#creditBytes === 0 && !this.#isOver) await this.#creditComes();
      if (this.#isOver) return;
      const length = Math.min(chunk.length - at, DATA_BYTES_MAX, this.#creditBytes);
      send(dataFrame(call, chunk.subarray(at, at + length)));
      this.#creditBytes -= length;
      at += length;
    }
  }

  #creditComes(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = () => {
        this.#resume = undefined;
        resolve();
      };
    });
  }
}
