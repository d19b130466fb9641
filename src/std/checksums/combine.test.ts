import assert from "node:assert/strict";
import { test } from "node:test";
import { AssertionError } from "../assert.ts";
import { utf8 } from "../bytes.ts";
import { Prng } from "../prng.ts";
import { crc32, crc32c, crc64nvme } from "./checksums.ts";
import { combineCrc32, combineCrc32c, combineCrc64nvme } from "./combine.ts";

test("every split combines to the checksum of the whole", () => {
  const bytes = new Prng(1).bytes(600);
  for (let at = 0; at <= bytes.length; at++) {
    const [first, second] = [bytes.subarray(0, at), bytes.subarray(at)];
    assert.equal(combineCrc32(crc32(first), crc32(second), second.length), crc32(bytes), `split at ${at}`);
    assert.equal(combineCrc32c(crc32c(first), crc32c(second), second.length), crc32c(bytes), `split at ${at}`);
    assert.equal(
      combineCrc64nvme(crc64nvme(first), crc64nvme(second), second.length),
      crc64nvme(bytes),
      `split at ${at}`,
    );
  }
});

test("parts of every size combine in any grouping", () => {
  const random = new Prng(2);
  for (let round = 0; round < 20; round++) {
    const parts = Array.from({ length: 3 }, () => random.bytes(random.below(100_000)));
    const [a, b, c] = parts.map((part) => crc64nvme(part)) as [bigint, bigint, bigint];
    const [, second, third] = parts.map((part) => part.length) as [number, number, number];
    const whole = parts.reduce((crc, part) => crc64nvme(part, crc), 0n);
    assert.equal(combineCrc64nvme(combineCrc64nvme(a, b, second), c, third), whole);
    assert.equal(combineCrc64nvme(a, combineCrc64nvme(b, c, third), second + third), whole);
  }
});

test("lengths up to 2^53 - 1 combine as the sum of their halves would", () => {
  const longest = Number.MAX_SAFE_INTEGER;
  const zerosCrc = (length: number): number => combineZeros(length).narrow;
  const zerosCrc64 = (length: number): bigint => combineZeros(length).wide;
  for (const first of [1, 1000, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 52, longest - 1]) {
    const second = longest - first;
    assert.equal(combineCrc32c(zerosCrc(first), zerosCrc(second), second), zerosCrc(longest), `after ${first}`);
    assert.equal(
      combineCrc64nvme(zerosCrc64(first), zerosCrc64(second), second),
      zerosCrc64(longest),
      `after ${first}`,
    );
  }
});

test("a CRC32 moved by 2^32 - 1 bytes, the order of x, is where it was, and not before", () => {
  const crc = crc32(utf8("123456789"));
  assert.equal(combineCrc32(crc, 0, 2 ** 32 - 1), crc);
  for (const factor of [3, 5, 17, 257, 65_537]) assert.notEqual(combineCrc32(crc, 0, (2 ** 32 - 1) / factor), crc);
});

test("a length that is not an unsigned safe integer is a bug", () => {
  for (const length of [-1, 0.5, 2 ** 53, Number.NaN]) assert.throws(() => combineCrc32(1, 2, length), AssertionError);
});

/** The checksums of that many zero bytes, by doubling. */
function combineZeros(length: number): { narrow: number; wide: bigint } {
  let [narrow, wide, done] = [0, 0n, 0];
  let power = { narrow: crc32c(Uint8Array.of(0)), wide: crc64nvme(Uint8Array.of(0)), length: 1 };
  for (let rest = length; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) {
      narrow = combineCrc32c(narrow, power.narrow, power.length);
      wide = combineCrc64nvme(wide, power.wide, power.length);
      done += power.length;
    }
    if (power.length < 2 ** 52) {
      power = {
        narrow: combineCrc32c(power.narrow, power.narrow, power.length),
        wide: combineCrc64nvme(power.wide, power.wide, power.length),
        length: 2 * power.length,
      };
    }
  }
  assert.equal(done, length);
  return { narrow, wide };
}
