import type { DiskFile } from "../env/index.ts";
import { alignUp } from "./format.ts";

export interface GrowthLimits {
  readonly volumeBytes: number;
  readonly volumeStepBytes: number;
}

/** Lengthens a file by steps, so that most writes do not change its length. */
export class GrowingFile {
  readonly #file: DiskFile;
  readonly #limits: GrowthLimits;
  #fileBytes: number;
  #lengthening: Promise<void> = Promise.resolve();

  constructor(file: DiskFile, fileBytes: number, limits: GrowthLimits) {
    this.#file = file;
    this.#fileBytes = fileBytes;
    this.#limits = limits;
  }

  reach(end: number): Promise<void> {
    if (end <= this.#fileBytes) return Promise.resolve();
    return this.#inTurn(async () => {
      if (end <= this.#fileBytes) return;
      const step = alignUp(end, this.#limits.volumeStepBytes);
      await this.#setLength(Math.max(end, Math.min(step, this.#limits.volumeBytes)));
    });
  }

  /** Ends the file there, once nothing is written any more. */
  cut(length: number): Promise<void> {
    return this.#inTurn(() => this.#setLength(length));
  }

  async #setLength(length: number): Promise<void> {
    await this.#file.setLength(length);
    this.#fileBytes = length;
  }

  #inTurn(run: () => Promise<void>): Promise<void> {
    const lengthened = this.#lengthening.then(run);
    this.#lengthening = lengthened.catch(() => {});
    return lengthened;
  }
}
