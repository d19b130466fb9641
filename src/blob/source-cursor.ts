import type { ByteSource } from "../std/source.ts";

/** Copies a source into memory of any cut. What is left of a chunk stays in the source's memory until it is used. */
export class SourceCursor {
  readonly #source: ByteSource;
  #chunk: Uint8Array | null = null;
  #at = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Fills the target; returns how many bytes there were, fewer only at the source's end. */
  async fill(target: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      if (this.#chunk === null || this.#at === this.#chunk.length) {
        this.#chunk = await this.#source.read();
        this.#at = 0;
        if (this.#chunk === null) return filled;
      }
      const taken = Math.min(target.length - filled, this.#chunk.length - this.#at);
      target.set(this.#chunk.subarray(this.#at, this.#at + taken), filled);
      this.#at += taken;
      filled += taken;
    }
    return filled;
  }

  async ended(): Promise<boolean> {
    if (this.#chunk !== null && this.#at < this.#chunk.length) return false;
    return (await this.#source.read()) === null;
  }

  cancel(reason: unknown): void {
    this.#source.cancel(reason);
  }
}
