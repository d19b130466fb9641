import { assert } from "../assert.ts";
import { CRC32_POLYNOMIAL, CRC32C_POLYNOMIAL, CRC64NVME_POLYNOMIAL, type Polynomial } from "./polynomials.ts";

// The checksum of A followed by B from those of A and B alone: appending length(B) bytes to A multiplies A's checksum
// by x^(8 * length(B)) modulo G, and adds B's. That power is a product of powers x^(8 * 2^k), one for each bit of the
// length. S3 needs it for the full-object checksum of a multipart upload, whose parts arrive in any order.

/** The CRC32 of A || B, from that of A, that of B and the length of B in bytes. */
export function combineCrc32(first: number, second: number, secondLength: number): number {
  return combineNarrow(CRC32_POLYNOMIAL, first, second, secondLength);
}

export function combineCrc32c(first: number, second: number, secondLength: number): number {
  return combineNarrow(CRC32C_POLYNOMIAL, first, second, secondLength);
}

export function combineCrc64nvme(first: bigint, second: bigint, secondLength: number): bigint {
  const moved = appendZeros(CRC64NVME_POLYNOMIAL, residueOf(first), secondLength);
  return ((BigInt(moved.high) << 32n) | BigInt(moved.low)) ^ second;
}

/** A polynomial modulo G, reflected like G itself, as two unsigned words. */
export interface Residue {
  readonly low: number;
  readonly high: number;
}

/** x to the power of 8 * `bytes`, modulo G. */
export function powerOfBytes(polynomial: Polynomial, bytes: number): Residue {
  return appendZeros(polynomial, monomial(polynomial, 0), bytes);
}

function combineNarrow(polynomial: Polynomial, first: number, second: number, secondLength: number): number {
  return (appendZeros(polynomial, { low: first, high: 0 }, secondLength).low ^ second) >>> 0;
}

function appendZeros(polynomial: Polynomial, residue: Residue, bytes: number): Residue {
  assert(Number.isSafeInteger(bytes) && bytes >= 0, "a length is an unsigned safe integer");
  const powers = powersOf(polynomial);
  let moved = residue;
  for (let bit = 0, rest = bytes; rest > 0; bit++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) moved = multiply(polynomial, moved, powers[bit]!);
  }
  return moved;
}

const LENGTH_BITS = 53;
const powersByPolynomial = new Map<Polynomial, readonly Residue[]>();

/** x^(8 * 2^k) for every bit k of a length, each the square of the one before. */
function powersOf(polynomial: Polynomial): readonly Residue[] {
  const known = powersByPolynomial.get(polynomial);
  if (known !== undefined) return known;
  let power = monomial(polynomial, 8);
  const powers = [power];
  while (powers.length < LENGTH_BITS) powers.push((power = multiply(polynomial, power, power)));
  powersByPolynomial.set(polynomial, powers);
  return powers;
}

/** The sum of `right` times x^exponent over the exponents in `left`. */
function multiply(polynomial: Polynomial, left: Residue, right: Residue): Residue {
  let low = 0;
  let high = 0;
  let shiftedLow = right.low;
  let shiftedHigh = right.high;
  for (let bit = polynomial.width - 1; bit >= 0; bit--) {
    const word = bit < 32 ? left.low : left.high;
    if (((word >>> (bit & 31)) & 1) === 1) {
      low ^= shiftedLow;
      high ^= shiftedHigh;
    }
    const overflow = -(shiftedLow & 1);
    shiftedLow = ((shiftedLow >>> 1) | (shiftedHigh << 31)) ^ (polynomial.low & overflow);
    shiftedHigh = (shiftedHigh >>> 1) ^ (polynomial.high & overflow);
  }
  return { low: low >>> 0, high: high >>> 0 };
}

/** x^exponent, for exponents below 32: x^0 is the highest bit of the reflected form. */
function monomial(polynomial: Polynomial, exponent: number): Residue {
  const word = 0x8000_0000 >>> exponent;
  return polynomial.width === 32 ? { low: word, high: 0 } : { low: 0, high: word };
}

function residueOf(crc: bigint): Residue {
  return { low: Number(crc & 0xffff_ffffn), high: Number(crc >> 32n) };
}
