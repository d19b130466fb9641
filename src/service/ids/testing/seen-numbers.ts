/** One bit for each number that there can be: a number that comes again is noticed at once. */
export class SeenNumbers {
  readonly #bits: Uint8Array;
  #count = 0;

  constructor(numbersMax: number) {
    this.#bits = new Uint8Array(Math.ceil(numbersMax / 8));
  }

  get count(): number {
    return this.#count;
  }

  /** False where it was there before, or lies outside of what there can be. */
  add(number: number): boolean {
    const at = number >>> 3;
    const bit = 1 << (number & 7);
    if (at >= this.#bits.length || (this.#bits[at]! & bit) !== 0) return false;
    this.#bits[at]! |= bit;
    this.#count++;
    return true;
  }
}
