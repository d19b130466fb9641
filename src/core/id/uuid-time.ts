import { assert } from "../../std/assert.ts";
import { OrderedMillis, type OrderedTimeOptions } from "./ordered-millis.ts";
import { type RandomBytes, RandomPool } from "./random-pool.ts";
import { uuidBytes, uuidText } from "./uuid.ts";

export interface UuidTimeOptions extends OrderedTimeOptions {
  /** 6 holds the time's bits in their order, so that its texts sort; 1 does not. */
  readonly version: 1 | 6;
  readonly random: RandomBytes;
  /** Six bytes that nobody else uses, such as a MAC address; random ones where none are given (RFC 9562 6.10). */
  readonly node?: Uint8Array;
  /** 14 bits; random where none are given. */
  readonly clockSequence?: number;
}

/** From the Gregorian calendar's first day to 1970. */
export const GREGORIAN_OFFSET_MILLIS = 12_219_292_800_000;
/** The time is counted in units of 100 ns. */
const UNITS = 10_000;
/** Of the 60 bits of time. */
const MILLIS_MAX = Math.floor(2 ** 60 / UNITS) - 1 - GREGORIAN_OFFSET_MILLIS;
const CLOCK_SEQUENCES = 2 ** 14;

/**
 * UUIDs of versions 1 and 6 (RFC 9562 5.1, 5.6). Each has a later time than the one before: those of one millisecond
 * count in units of 100 ns, and after 10,000 of them the time runs ahead. A clock that is set back changes nothing until
 * the bound; who then goes on with `restart` gets another clock sequence.
 */
export class UuidTimeGenerator {
  readonly #version: 1 | 6;
  readonly #time: OrderedMillis;
  readonly #pool: RandomPool;
  /** The first two bytes of the node, and the other four. */
  readonly #nodeHigh: number;
  readonly #nodeLow: number;
  #clockSequence: number;
  #unit = 0;
  #word0 = 0;
  #word1 = 0;

  constructor(options: UuidTimeOptions) {
    const { version, random, node, clockSequence } = options;
    assert(node === undefined || node.length === 6, "a node has six bytes");
    const isSequence = clockSequence === undefined || (Number.isInteger(clockSequence) && clockSequence >= 0);
    assert(isSequence && (clockSequence ?? 0) < CLOCK_SEQUENCES, "a clock sequence has 14 bits");
    this.#version = version;
    this.#time = new OrderedMillis(MILLIS_MAX, options);
    this.#pool = new RandomPool(random);
    // The bit of multicast addresses, which no network card has, marks a random node.
    this.#nodeHigh = node === undefined ? (this.#pool.u32() >>> 16) | 0x0100 : (node[0]! << 8) | node[1]!;
    const low = (bytes: Uint8Array): number => (bytes[2]! << 24) | (bytes[3]! << 16) | (bytes[4]! << 8) | bytes[5]!;
    this.#nodeLow = node === undefined ? this.#pool.u32() : low(node);
    this.#clockSequence = clockSequence ?? this.#pool.u32() % CLOCK_SEQUENCES;
  }

  next(nowMillis: number): string {
    this.#draw(nowMillis);
    return uuidText(this.#word0, this.#word1, this.#word2(), this.#nodeLow);
  }

  nextBytes(nowMillis: number): Uint8Array {
    this.#draw(nowMillis);
    return uuidBytes(this.#word0, this.#word1, this.#word2(), this.#nodeLow);
  }

  /** Forgets the time and goes on at the clock's, with the next clock sequence. */
  restart(): void {
    this.#time.restart();
    this.#clockSequence = (this.#clockSequence + 1) % CLOCK_SEQUENCES;
  }

  #draw(nowMillis: number): void {
    if (this.#time.follow(nowMillis)) {
      this.#unit = 0;
    } else if (++this.#unit >= UNITS) {
      this.#unit = UNITS;
      this.#time.advance(nowMillis);
      this.#unit = 0;
    }
    // 60 bits, in two parts that numbers hold exactly: below bit 28 and above.
    const millis = this.#time.millis + GREGORIAN_OFFSET_MILLIS;
    const below = (millis % 0x1000_0000) * UNITS + this.#unit;
    const high = Math.floor(millis / 0x1000_0000) * UNITS + Math.floor(below / 0x1000_0000);
    const low = below % 0x1000_0000;
    this.#compose(high, low);
  }

  #compose(high: number, low: number): void {
    if (this.#version === 6) {
      this.#word0 = high;
      this.#word1 = ((low >>> 12) << 16) | 0x6000 | (low & 0xfff);
    } else {
      this.#word0 = ((high & 0xf) << 28) | low;
      this.#word1 = (((high >>> 4) & 0xffff) << 16) | 0x1000 | (high >>> 20);
    }
  }

  #word2(): number {
    return 0x8000_0000 | (this.#clockSequence << 16) | this.#nodeHigh;
  }
}
