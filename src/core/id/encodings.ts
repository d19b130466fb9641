import { type IdError, idFailure } from "./errors.ts";

/**
 * An unsigned number of a known width as text. There is one text for each number, but that hex and base32 are read in
 * either case; anything else is refused with MALFORMED, and what does not fit the width with OUT_OF_RANGE.
 */
export interface IdEncoding {
  readonly name: "decimal" | "hex" | "base32" | "base62";
  /** The texts of a width all have one length, and sort as the numbers do. */
  readonly isSortable: boolean;
  encode(id: bigint, widthBits: number): string;
  decode(text: string, widthBits: number): bigint;
}

/** Of 2^128 - 1. Reading digits takes quadratic time, so that longer texts are refused unread. */
const DECIMAL_LENGTH_MAX = 39;

export const decimal: IdEncoding = {
  name: "decimal",
  isSortable: false,
  encode: (id, widthBits) => mustFit(id, widthBits).toString(),
  decode(text, widthBits) {
    if (text.length > DECIMAL_LENGTH_MAX || !/^(?:0|[1-9][0-9]*)$/.test(text))
      throw malformed(`a decimal number of ${DECIMAL_LENGTH_MAX} digits at most`);
    return mustFit(BigInt(text), widthBits);
  },
};

/** Lower case. */
export const hex: IdEncoding = {
  name: "hex",
  isSortable: true,
  encode: (id, widthBits) => mustFit(id, widthBits).toString(16).padStart(lengthIn(16, widthBits), "0"),
  decode(text, widthBits) {
    const isHex = text.length === lengthIn(16, widthBits) && /^[0-9a-fA-F]+$/.test(text);
    if (!isHex) throw malformed(`a hexadecimal number of ${widthBits} bits`);
    return mustFit(BigInt(`0x${text}`), widthBits);
  },
};

/** Crockford's, upper case, without I, L, O and U: what ULIDs are written in. A check symbol is not part of it. */
export const base32: IdEncoding = digitsOf("base32", "0123456789ABCDEFGHJKMNPQRSTVWXYZ");

/** Digits, upper case, lower case, as their codes are ordered. 63 bits have 11 of them. */
export const base62: IdEncoding = digitsOf("base62", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

export const ENCODINGS: readonly IdEncoding[] = [decimal, hex, base32, base62];

export function malformed(expected: string): IdError {
  return idFailure("MALFORMED", { what: `That is not ${expected}.` });
}

/** The number itself, which has to be from 0 to 2^widthBits - 1. */
export function mustFit(id: bigint, widthBits: number): bigint {
  if (id >= 0n && id >> BigInt(widthBits) === 0n) return id;
  throw idFailure("OUT_OF_RANGE", { what: `The number does not fit into ${widthBits} bits.` });
}

/** Digits that the greatest number of a width has. */
function lengthIn(radix: number, widthBits: number): number {
  return Math.ceil(widthBits / Math.log2(radix));
}

function digitsOf(name: "base32" | "base62", digits: string): IdEncoding {
  const radix = digits.length;
  // As many digits at a time as a safe integer has.
  const chunkDigits = Math.floor(53 / Math.log2(radix));
  const chunkSize = BigInt(radix) ** BigInt(chunkDigits);
  const values = new Map([...digits].map((digit, value) => [digit, value]));
  if (radix === 32) for (const [digit, value] of [...values]) values.set(digit.toLowerCase(), value);
  return {
    name,
    isSortable: true,
    encode(id, widthBits) {
      let left = mustFit(id, widthBits);
      let text = "";
      for (let missing = lengthIn(radix, widthBits); missing > 0; left /= chunkSize) {
        let chunk = Number(left % chunkSize);
        for (let count = Math.min(missing, chunkDigits); count > 0; count--, missing--) {
          const rest = Math.floor(chunk / radix);
          text = digits[chunk - rest * radix]! + text;
          chunk = rest;
        }
      }
      return text;
    },
    decode(text, widthBits) {
      if (text.length !== lengthIn(radix, widthBits)) throw malformed(`a ${name} number of ${widthBits} bits`);
      let id = 0n;
      for (const digit of text) {
        const value = values.get(digit);
        if (value === undefined) throw malformed(`a ${name} number`);
        id = id * BigInt(radix) + BigInt(value);
      }
      return mustFit(id, widthBits);
    },
  };
}
