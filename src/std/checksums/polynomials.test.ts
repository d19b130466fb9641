import assert from "node:assert/strict";
import { test } from "node:test";
import { powerOfBytes } from "./combine.ts";
import { CRC32_POLYNOMIAL, CRC32C_POLYNOMIAL, CRC64NVME_POLYNOMIAL } from "./polynomials.ts";

for (const [name, polynomial] of Object.entries({ CRC32_POLYNOMIAL, CRC32C_POLYNOMIAL, CRC64NVME_POLYNOMIAL })) {
  const { foldDistances, low, high } = polynomial;
  const longest = foldDistances.at(-1)!;

  test(`${name}: x^8n is the sum of x^8(n - t) over the fold's distances t`, () => {
    let [sumLow, sumHigh] = [0, 0];
    for (const distance of foldDistances) {
      const term = powerOfBytes(polynomial, longest - distance);
      sumLow ^= term.low;
      sumHigh ^= term.high;
    }
    assert.deepEqual({ low: sumLow >>> 0, high: sumHigh >>> 0 }, powerOfBytes(polynomial, longest));
  });

  test(`${name}: distances rise, and are far enough apart from the block that they feed`, () => {
    assert.deepEqual(
      foldDistances,
      [...new Set(foldDistances)].sort((left, right) => left - right),
    );
    assert.ok(foldDistances[0]! >= 120);
  });

  test(`${name}: the coefficients are unsigned words, and x^0 is among them`, () => {
    for (const word of [low, high]) assert.equal(word, word >>> 0);
    assert.ok((polynomial.width === 32 ? low : high) >= 0x8000_0000);
  });
}
