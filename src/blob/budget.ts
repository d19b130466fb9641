import { assert } from "../std/assert.ts";
import { blobFailure } from "./errors.ts";

/**
 * Memory that running appends share, first come first served. Each takes all that it will need before it reads anything
 * of its body: appends that held half of their memory could wait for each other for ever.
 */
export class Budget {
  readonly #bytesMax: number;
  readonly #waitingMax: number;
  readonly #waiting: { readonly bytes: number; readonly admit: () => void; readonly refuse: (error: Error) => void }[] =
    [];
  #used = 0;
  #closed = false;

  constructor(bytesMax: number, waitingMax: number) {
    this.#bytesMax = bytesMax;
    this.#waitingMax = waitingMax;
  }

  get used(): number {
    return this.#used;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Undefined where there is room at once. Rejects with BLOBS_OVERLOADED where too many wait. A request above the limit
   * waits to be alone.
   */
  take(bytes: number): Promise<void> | undefined {
    if (this.#closed) throw blobFailure("BLOBS_CLOSED");
    if (this.#waiting.length === 0 && this.#fits(bytes)) {
      this.#used += bytes;
      return undefined;
    }
    if (this.#waiting.length >= this.#waitingMax) throw blobFailure("BLOBS_OVERLOADED");
    return new Promise((resolve, reject) => {
      const admit = (): void => {
        this.#used += bytes;
        resolve();
      };
      this.#waiting.push({ bytes, admit, refuse: reject });
    });
  }

  give(bytes: number): void {
    this.#used -= bytes;
    assert(this.#used >= 0, "memory is given back once");
    while (this.#waiting.length > 0 && this.#fits(this.#waiting[0]!.bytes)) this.#waiting.shift()!.admit();
  }

  close(): void {
    this.#closed = true;
    for (const { refuse } of this.#waiting.splice(0)) refuse(blobFailure("BLOBS_CLOSED"));
  }

  #fits(bytes: number): boolean {
    return this.#used === 0 || this.#used + bytes <= this.#bytesMax;
  }
}
