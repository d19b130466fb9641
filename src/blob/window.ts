import type { DiskFile } from "../env/index.ts";
import { hasCode } from "../std/errors.ts";

const JUMP_BYTES = 16_384;

/** What is only read: a file here, or one on another node. */
export type ReadableFile = Pick<DiskFile, "read" | "length">;

export interface WindowOptions {
  readonly windowBytes?: number;
  /**
   * Bytes that the disk can not read count as zeros, so that a walk finds what lies behind them. Else the walk rejects.
   */
  readonly skipsUnreadable?: boolean;
  /** Waits for the right to read that many bytes: how a background walk keeps its rate. */
  readonly pace?: (bytes: number) => Promise<void>;
}

/** Reads a file mostly forwards through one window: large reads while it goes on, small ones where it jumps. */
export class ReadWindow {
  readonly #file: ReadableFile;
  readonly #windowBytes: number;
  readonly #skipsUnreadable: boolean;
  readonly #pace: ((bytes: number) => Promise<void>) | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  #position = 0;

  constructor(file: ReadableFile, options: WindowOptions = {}) {
    this.#file = file;
    this.#windowBytes = options.windowBytes ?? 1_048_576;
    this.#skipsUnreadable = options.skipsUnreadable ?? false;
    this.#pace = options.pace;
  }

  /**
   * The bytes at the position, fewer only at the end of the file. They stay valid: a window is never written to again.
   */
  async view(position: number, length: number): Promise<Uint8Array> {
    const end = this.#position + this.#bytes.length;
    if (position < this.#position || position + length > end) {
      const goesOn = position >= this.#position && position <= end && end > 0;
      await this.#fill(position, length, goesOn ? this.#windowBytes : JUMP_BYTES);
    }
    const from = position - this.#position;
    return this.#bytes.subarray(from, from + length);
  }

  async #fill(position: number, wanted: number, ahead: number): Promise<void> {
    const length = Math.max(wanted, ahead);
    await this.#pace?.(length);
    try {
      this.#bytes = await this.#file.read(position, length);
    } catch (error) {
      if (!this.#skipsUnreadable || !hasCode(error, "DISK_FAILED")) throw error;
      this.#bytes = await this.#readWanted(position, wanted);
    }
    this.#position = position;
  }

  /** Without reading ahead, so that no more is given up than must be. */
  async #readWanted(position: number, wanted: number): Promise<Uint8Array> {
    try {
      return await this.#file.read(position, wanted);
    } catch (error) {
      if (!hasCode(error, "DISK_FAILED")) throw error;
      return new Uint8Array(wanted);
    }
  }
}
