import { assert } from "../../std/assert.ts";
import { OrderedMillis, type OrderedTimeOptions } from "./ordered-millis.ts";
import { type RandomBytes, RandomPool } from "./random-pool.ts";
import { uuidBytes, uuidText } from "./uuid.ts";

export interface UuidV7Options extends OrderedTimeOptions {
  readonly random: RandomBytes;
  /** From 12 to 32. What the counter leaves of 74 bits is drawn for each UUID. */
  readonly counterBits?: number;
}

const MILLIS_MAX = 2 ** 48 - 1;
const COUNTER_END = 2 ** 32;

/**
 * UUIDs of version 7 (RFC 9562 5.7), each greater than the one before: a counter right behind the time (6.2, method 1),
 * which each millisecond begins at a random number in its lower half, so that at least half of it is left to count in.
 * Then the time runs ahead by one millisecond, it never wraps. A clock that is set back changes nothing until the bound.
 *
 *      word 0: time 32    word 1: time 16, version 4, counter 12
 *      word 2: variant 2, counter 20, random 10    word 3: random 32
 */
export class UuidV7Generator {
  readonly #time: OrderedMillis;
  readonly #pool: RandomPool;
  /** The counter is the upper bits of a 32-bit number; below, each UUID has chance. */
  readonly #step: number;
  #counter = 0;
  #word0 = 0;
  #word1 = 0;
  #word2 = 0;
  #word3 = 0;

  constructor(options: UuidV7Options) {
    const { random, counterBits = 32 } = options;
    assert(Number.isInteger(counterBits) && counterBits >= 12 && counterBits <= 32, "the counter has 12 to 32 bits");
    this.#time = new OrderedMillis(MILLIS_MAX, options);
    this.#pool = new RandomPool(random);
    this.#step = 2 ** (32 - counterBits);
  }

  next(nowMillis: number): string {
    this.#draw(nowMillis);
    return uuidText(this.#word0, this.#word1, this.#word2, this.#word3);
  }

  nextBytes(nowMillis: number): Uint8Array {
    this.#draw(nowMillis);
    return uuidBytes(this.#word0, this.#word1, this.#word2, this.#word3);
  }

  /** Forgets the time: the next UUID is of the clock's, whether it is greater than those before or not. */
  restart(): void {
    this.#time.restart();
  }

  #draw(nowMillis: number): void {
    const time = this.#time;
    if (time.follow(nowMillis)) {
      this.#begin();
    } else if ((this.#counter += this.#step) >= COUNTER_END) {
      // Where it must wait it is still full afterwards.
      this.#counter = COUNTER_END;
      time.advance(nowMillis);
      this.#begin();
    }
    const chance = this.#pool.u32();
    const counter = this.#counter + ((chance >>> 10) & (this.#step - 1));
    this.#word1 = (this.#word1 & 0xffff_f000) | (counter >>> 20);
    this.#word2 = 0x8000_0000 | ((counter & 0xf_ffff) << 10) | (chance & 0x3ff);
    this.#word3 = this.#pool.u32();
  }

  #begin(): void {
    const { millis } = this.#time;
    this.#counter = (this.#pool.u32() >>> 1) & -this.#step;
    this.#word0 = Math.floor(millis / 0x1_0000);
    this.#word1 = ((millis % 0x1_0000) << 16) | 0x7000;
  }
}
