import type { DiskFile } from "../env/index.ts";

const JUMP_BYTES = 16_384;

export interface WindowOptions {
  readonly windowBytes?: number;
  /** Waits for the right to read that many bytes: how a background walk keeps its rate. */
  readonly pace?: (bytes: number) => Promise<void>;
}

/** Reads a file mostly forwards through one window: large reads while it goes on, small ones where it jumps. */
export class ReadWindow {
  readonly #file: DiskFile;
  readonly #windowBytes: number;
  readonly #pace: ((bytes: number) => Promise<void>) | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  #position = 0;

  constructor(file: DiskFile, options: WindowOptions = {}) {
    this.#file = file;
    this.#windowBytes = options.windowBytes ?? 1_048_576;
    this.#pace = options.pace;
  }

  /** The bytes at the position, fewer only at the end of the file. They stay valid: a window is never written to again. */
  async view(position: number, length: number): Promise<Uint8Array> {
    const end = this.#position + this.#bytes.length;
    if (position < this.#position || position + length > end) {
      const goesOn = position >= this.#position && position <= end && end > 0;
      await this.#fill(position, Math.max(length, goesOn || position === 0 ? this.#windowBytes : JUMP_BYTES));
    }
    const from = position - this.#position;
    return this.#bytes.subarray(from, from + length);
  }

  async #fill(position: number, length: number): Promise<void> {
    await this.#pace?.(length);
    this.#bytes = await this.#file.read(position, length);
    this.#position = position;
  }
}
