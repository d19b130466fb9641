import { base32, malformed } from "./encodings.ts";
import { OrderedMillis, type OrderedTimeOptions } from "./ordered-millis.ts";
import { type RandomBytes, RandomPool } from "./random-pool.ts";
import { fromBytes, toBytes } from "./words.ts";

export interface UlidOptions extends OrderedTimeOptions {
  readonly random: RandomBytes;
}

const MILLIS_MAX = 2 ** 48 - 1;
const LIMB_END = 2 ** 20;

/**
 * ULIDs, each greater than the one before: 48 bits of milliseconds, then 80 bits that each millisecond begins at random and
 * counts up by one. Where they are used up the time runs ahead by a millisecond, it never wraps. A clock that is set back
 * changes nothing until the bound.
 */
export class UlidGenerator {
  readonly #time: OrderedMillis;
  readonly #pool: RandomPool;
  /** The 80 bits, 20 in each. */
  #limb0 = 0;
  #limb1 = 0;
  #limb2 = 0;
  #limb3 = 0;

  constructor(options: UlidOptions) {
    this.#time = new OrderedMillis(MILLIS_MAX, options);
    this.#pool = new RandomPool(options.random);
  }

  next(nowMillis: number): string {
    this.#draw(nowMillis);
    const { millis } = this.#time;
    return ulidText(millis, this.#limb0, this.#limb1, this.#limb2, this.#limb3);
  }

  nextBytes(nowMillis: number): Uint8Array {
    return parseUlid(this.next(nowMillis));
  }

  /** Forgets the time: the next ULID is of the clock's, whether it is greater than those before or not. */
  restart(): void {
    this.#time.restart();
  }

  #draw(nowMillis: number): void {
    if (this.#time.follow(nowMillis)) {
      this.#begin();
    } else if (!this.#increment()) {
      this.#time.advance(nowMillis);
      this.#begin();
    }
  }

  /** False, and nothing changed, where the greatest number has been used. */
  #increment(): boolean {
    const isLast = (limb: number): boolean => limb === LIMB_END - 1;
    if (!isLast(this.#limb3)) {
      this.#limb3++;
      return true;
    }
    if (isLast(this.#limb0) && isLast(this.#limb1) && isLast(this.#limb2)) return false;
    this.#limb3 = 0;
    if (!isLast(this.#limb2)) {
      this.#limb2++;
      return true;
    }
    this.#limb2 = 0;
    this.#limb1 = isLast(this.#limb1) ? 0 : this.#limb1 + 1;
    if (this.#limb1 === 0) this.#limb0++;
    return true;
  }

  #begin(): void {
    const [upper, lower, rest] = [this.#pool.u32(), this.#pool.u32(), this.#pool.u32()];
    this.#limb0 = upper >>> 12;
    this.#limb1 = ((upper & 0xfff) << 8) | (rest >>> 24);
    this.#limb2 = lower >>> 12;
    this.#limb3 = ((lower & 0xfff) << 8) | ((rest >>> 16) & 0xff);
  }
}

/** Strict: 26 digits of Crockford's base32, of either case. Throws MALFORMED, and OUT_OF_RANGE above 7ZZZ... */
export function parseUlid(text: string): Uint8Array {
  return toBytes(base32.decode(text, 128), 16);
}

/** Of 16 bytes, upper case. */
export function formatUlid(bytes: Uint8Array): string {
  if (bytes.length !== 16) throw malformed("a ULID of 16 bytes");
  return base32.encode(fromBytes(bytes), 128);
}

const CODES = Uint8Array.from("0123456789ABCDEFGHJKMNPQRSTVWXYZ", (digit) => digit.charCodeAt(0));

/** All codes in one call make one flat string: several times sooner than a joining of parts. */
function ulidText(millis: number, limb0: number, limb1: number, limb2: number, limb3: number): string {
  const timeHigh = Math.floor(millis / 0x200_0000);
  const timeLow = millis % 0x200_0000;
  return String.fromCharCode(
    CODES[(timeHigh >>> 20) & 31]!,
    CODES[(timeHigh >>> 15) & 31]!,
    CODES[(timeHigh >>> 10) & 31]!,
    CODES[(timeHigh >>> 5) & 31]!,
    CODES[timeHigh & 31]!,
    CODES[(timeLow >>> 20) & 31]!,
    CODES[(timeLow >>> 15) & 31]!,
    CODES[(timeLow >>> 10) & 31]!,
    CODES[(timeLow >>> 5) & 31]!,
    CODES[timeLow & 31]!,
    CODES[limb0 >>> 15]!,
    CODES[(limb0 >>> 10) & 31]!,
    CODES[(limb0 >>> 5) & 31]!,
    CODES[limb0 & 31]!,
    CODES[limb1 >>> 15]!,
    CODES[(limb1 >>> 10) & 31]!,
    CODES[(limb1 >>> 5) & 31]!,
    CODES[limb1 & 31]!,
    CODES[limb2 >>> 15]!,
    CODES[(limb2 >>> 10) & 31]!,
    CODES[(limb2 >>> 5) & 31]!,
    CODES[limb2 & 31]!,
    CODES[limb3 >>> 15]!,
    CODES[(limb3 >>> 10) & 31]!,
    CODES[(limb3 >>> 5) & 31]!,
    CODES[limb3 & 31]!,
  );
}
