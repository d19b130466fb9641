import { concatBytes, utf8 } from "../../std/bytes.ts";

const BILLION = 1_000_000_000;
const THREE_DIGITS = Array.from({ length: 1000 }, (_, number) => String(number).padStart(3, "0"));
const DIGIT_CODES = utf8(THREE_DIGITS.join(""));

/**
 * The decimal digits of numbers that lie behind a first one. All but the last three digits are kept until they change, so
 * that a number costs one joining of two strings.
 */
export class DecimalRun {
  /** The first number, in billions and what is below. */
  #billions = 0n;
  #rest = 0;
  /** The thousands, counted from `#billions` on, that `#prefix` prints. */
  #thousands = -1;
  #prefix = "";

  set(first: bigint): void {
    this.#billions = first / 1_000_000_000n;
    this.#rest = Number(first % 1_000_000_000n);
    this.#thousands = -1;
  }

  /** The digits of the first number plus `offset`, which is below 2^52. */
  text(offset: number): string {
    const low = this.#rest + offset;
    const thousands = Math.floor(low / 1000);
    if (thousands !== this.#thousands) this.#turnTo(thousands);
    return this.#prefix === "" ? String(low) : this.#prefix + THREE_DIGITS[low - thousands * 1000];
  }

  /**
   * The digits of `count` numbers from `offset` on, `step` apart, each with `after` behind it, as bytes from `at` on;
   * returns where they end. Numbers that share all but their last three digits are written as one text many times over,
   * then each one's digits into it.
   */
  write(offset: number, step: number, count: number, after: Uint8Array, target: Uint8Array, at: number): number {
    let end = at;
    for (let left = count, low = this.#rest + offset; left > 0; ) {
      const thousands = Math.floor(low / 1000);
      if (thousands !== this.#thousands) this.#turnTo(thousands);
      const last = low - thousands * 1000;
      // Without a prefix there are no leading zeros either: such numbers are printed one by one.
      const alike = this.#prefix === "" ? 1 : Math.min(left, Math.ceil((1000 - last) / step));
      const first = concatBytes([utf8(this.text(low - this.#rest)), after]);
      repeat(first, alike, target, end);
      const digitsAt = end + first.length - after.length - 3;
      if (alike > 1) setDigits(target, digitsAt, first.length, last, step, alike);
      end += alike * first.length;
      left -= alike;
      low += alike * step;
    }
    return end;
  }

  #turnTo(thousands: number): void {
    this.#thousands = thousands;
    const billions = Math.floor((thousands * 1000) / BILLION);
    const rest = thousands - billions * 1_000_000;
    const high = this.#billions + BigInt(billions);
    const millions = Math.floor(rest / 1000);
    if (high > 0n) this.#prefix = `${high}${THREE_DIGITS[millions]}${THREE_DIGITS[rest - millions * 1000]}`;
    else this.#prefix = thousands === 0 ? "" : String(thousands);
  }
}

/** Twice as many at a time, which costs as little as moving memory does. */
function repeat(bytes: Uint8Array, count: number, target: Uint8Array, at: number): void {
  target.set(bytes, at);
  const end = at + count * bytes.length;
  for (let size = bytes.length; at + size < end; size *= 2)
    target.copyWithin(at + size, at, Math.min(at + size, end - size));
}

/** The last three digits of each of `count` numbers, which stand `stride` bytes apart. */
function setDigits(target: Uint8Array, at: number, stride: number, first: number, step: number, count: number): void {
  for (let index = 0, place = at, code = first * 3; index < count; index++) {
    target[place] = DIGIT_CODES[code]!;
    target[place + 1] = DIGIT_CODES[code + 1]!;
    target[place + 2] = DIGIT_CODES[code + 2]!;
    place += stride;
    code += step * 3;
  }
}
