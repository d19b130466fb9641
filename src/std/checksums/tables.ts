import type { Polynomial } from "./polynomials.ts";

/** How many bytes one step of the table loop takes in. */
export const SLICES = 16;

/** Words of 32 bits in a table's entry. */
export function entryWords(polynomial: Polynomial): number {
  return polynomial.width / 32;
}

export function tableBytes(polynomial: Polynomial): number {
  return SLICES * 256 * 4 * entryWords(polynomial);
}

/**
 * Tables for slicing (Kounavis and Berry, "Novel Table Lookup-Based Algorithms for High-Performance CRC Generation",
 * 2008): entry `byte` of table `slice` is the register after that byte and `slice` zero bytes. An entry of 64 bits is
 * its low word, then its high word.
 */
export function fillTables(polynomial: Polynomial, tables: Int32Array): void {
  const words = entryWords(polynomial);
  for (let byte = 0; byte < 256; byte++) {
    let low = byte;
    let high = 0;
    for (let bit = 0; bit < 8; bit++) {
      const odd = low & 1;
      low = (low >>> 1) | (high << 31);
      high >>>= 1;
      if (odd === 0) continue;
      low ^= polynomial.low;
      high ^= polynomial.high;
    }
    tables[byte * words] = low;
    if (words === 2) tables[byte * words + 1] = high;
  }
  for (let at = 256; at < SLICES * 256; at++) {
    const low = tables[(at - 256) * words]!;
    const high = words === 2 ? tables[(at - 256) * words + 1]! : 0;
    const first = (low & 0xff) * words;
    tables[at * words] = ((low >>> 8) | (high << 24)) ^ tables[first]!;
    if (words === 2) tables[at * words + 1] = (high >>> 8) ^ tables[first + 1]!;
  }
}
