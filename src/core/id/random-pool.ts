import { assert } from "../../std/assert.ts";

/** So many bytes that are fit for secrets: in a browser or Node `(length) => crypto.getRandomValues(new Uint8Array(length))`. */
export type RandomBytes = (length: number) => Uint8Array;

const WORDS = 1024;

/** Random words, fetched 4 KiB at a time: asking for a few bytes each time costs more than making the id. */
export class RandomPool {
  readonly #random: RandomBytes;
  readonly #words = new Uint32Array(WORDS);
  #at = WORDS;

  constructor(random: RandomBytes) {
    this.#random = random;
  }

  u32(): number {
    if (this.#at === WORDS) this.#fill();
    const word = this.#words[this.#at]!;
    // What was given out is not kept where somebody could find it.
    this.#words[this.#at++] = 0;
    return word;
  }

  #fill(): void {
    const bytes = this.#random(WORDS * 4);
    assert(bytes.length === WORDS * 4, "the source of random bytes gives as many as it is asked for");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at < WORDS; at++) this.#words[at] = view.getUint32(at * 4);
    this.#at = 0;
  }
}
