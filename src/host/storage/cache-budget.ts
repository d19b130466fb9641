/** Bytes of entries that all groups of a node together keep in memory for followers and machines that are a little behind. */
export class CacheBudget {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isExceeded(): boolean {
    return this.#bytes > this.#bytesMax;
  }

  /** Negative where something was given up. */
  add(bytes: number): void {
    this.#bytes += bytes;
  }
}
