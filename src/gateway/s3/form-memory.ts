import { s3Failure } from "./errors.ts";

/** Memory that browser uploads may hold together while their files' lengths are not known. */
export class FormMemory {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Dispose to give it back. Fails with SlowDown where there is not enough. */
  take(bytes: number): Disposable {
    if (this.#bytes + bytes > this.#bytesMax) throw s3Failure("SlowDown");
    this.#bytes += bytes;
    let held = bytes;
    return {
      [Symbol.dispose]: () => {
        this.#bytes -= held;
        held = 0;
      },
    };
  }
}
