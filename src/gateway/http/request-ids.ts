import type { Random } from "../../env/index.ts";
import { toBase64, toHex } from "../../std/bytes.ts";

const COUNT_MAX = 0x1_0000_0000;

/**
 * Request ids: 8 random digits of this process, then a count; so they are unique, cheap, and in the order of arrival.
 */
export class RequestIds {
  readonly #random: Random;
  /** Names this process in replies beside the request's id. */
  readonly hostId: string;
  #prefix: string;
  #count = 0;

  constructor(random: Random) {
    this.#random = random;
    this.hostId = toBase64(random.bytes(30));
    this.#prefix = this.#newPrefix();
  }

  next(): string {
    if (this.#count === COUNT_MAX) {
      this.#count = 0;
      this.#prefix = this.#newPrefix();
    }
    const digits = (this.#count++).toString(16).toUpperCase();
    return this.#prefix + "00000000".slice(digits.length) + digits;
  }

  #newPrefix(): string {
    return toHex(this.#random.bytes(4)).toUpperCase();
  }
}
