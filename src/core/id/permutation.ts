import { assert } from "../../std/assert.ts";
import { mustFit } from "./encodings.ts";
import { idFailure } from "./errors.ts";
import { type SipState, sipBegin, sipBlock, sipEnd, sipKey, sipState } from "./siphash.ts";
import { highWord, joinWords, lowWord } from "./words.ts";

const ROUNDS = 12;
const WIDTH_MIN = 8;

/**
 * A form of ids that hides their order, and so how many are made and when: a permutation of all numbers of a width, chosen
 * by a key. Whoever has the key turns it back; two ids never get the same form, and the form is as wide as the id.
 *
 * It is a Feistel network of 12 rounds: the number's two halves take turns to be changed by a keyed hash (SipHash-2-4) of
 * the other one. An odd width has halves of unequal length, which changes nothing of that.
 *
 * Its strength: without the key the forms look like numbers drawn without repetition, to whoever sees far fewer of them
 * than 2^(width / 2) (Patarin, "Security of Random Feistel Schemes with 5 or More Rounds", 2004; 5 rounds would do). It is
 * no proof of origin: every number is some id's form. Equal ids have equal forms. Who may have chosen ids hidden can list a
 * narrow width. So it hides an order and a volume; it is no reason to leave out a check of who may see what.
 */
export class KeyedPermutation {
  readonly widthBits: number;
  readonly #key: Uint32Array;
  readonly #lowBits: number;
  readonly #state: SipState = sipState();

  constructor(options: { readonly key: Uint8Array; readonly widthBits: number }) {
    const { key, widthBits } = options;
    assert(Number.isInteger(widthBits) && widthBits >= WIDTH_MIN, "a permutation is of 8 bits at least");
    assert(widthBits <= 128, "a permutation is of 128 bits at most");
    if (key.length !== 16) throw idFailure("KEY_INVALID", { data: { keyBytes: key.length } });
    this.widthBits = widthBits;
    this.#key = sipKey(key);
    this.#lowBits = widthBits >> 1;
  }

  hide(id: bigint): bigint {
    return this.#run(mustFit(id, this.widthBits), 0, 1);
  }

  reveal(hidden: bigint): bigint {
    return this.#run(mustFit(hidden, this.widthBits), ROUNDS - 1, -1);
  }

  /** Even rounds change the upper half by the lower one, odd rounds the lower by the upper: each one is its own inverse. */
  #run(value: bigint, firstRound: number, direction: 1 | -1): bigint {
    const [lowBits, highBits] = [this.#lowBits, this.widthBits - this.#lowBits];
    let lower = BigInt.asUintN(lowBits, value);
    let upper = value >> BigInt(lowBits);
    for (let count = 0, round = firstRound; count < ROUNDS; count++, round += direction) {
      if (round % 2 === 0) upper ^= this.#mix(round, lower, highBits);
      else lower ^= this.#mix(round, upper, lowBits);
    }
    return (upper << BigInt(lowBits)) | lower;
  }

  /** The hash of ten bytes: the half, the round and the width, so that no two rounds or widths share a function. */
  #mix(round: number, half: bigint, bits: number): bigint {
    const state = this.#state;
    sipBegin(state, this.#key);
    sipBlock(state, lowWord(half), highWord(half));
    sipEnd(state, round | (this.widthBits << 8), 10 << 24);
    return BigInt.asUintN(bits, joinWords(state[1]!, state[0]!));
  }
}
