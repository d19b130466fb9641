import { deepEqual, equal, throws } from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { hasCode } from "../../std/errors.ts";
import { base32, base62, decimal, ENCODINGS, hex, type IdEncoding } from "./encodings.ts";

function refused(encoding: IdEncoding, texts: readonly string[], widthBits: number): void {
  for (const text of texts) {
    throws(
      () => encoding.decode(text, widthBits),
      (error) => hasCode(error, "MALFORMED") || hasCode(error, "OUT_OF_RANGE"),
      `${encoding.name} ${JSON.stringify(text)}`,
    );
  }
}

const GREATEST = 2n ** 63n - 1n;

describe("encodings of ids", () => {
  test("print known numbers as everybody does", () => {
    equal(decimal.encode(GREATEST, 63), "9223372036854775807");
    equal(hex.encode(GREATEST, 63), "7fffffffffffffff");
    // 32^12 * 7 + ... and 62^11 is a little more than 2^65.
    equal(base32.encode(GREATEST, 63), "7ZZZZZZZZZZZZ");
    equal(base62.encode(GREATEST, 63), "AzL8n0Y58m7");
    equal(base62.encode(61n, 6), "0z");
    deepEqual(
      ENCODINGS.map((encoding) => encoding.encode(0n, 63)),
      ["0", "0000000000000000", "0000000000000", "00000000000"],
    );
  });

  test("read what they print, in every width", () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 128 }),
      fc.bigInt(0n, 2n ** 128n - 1n),
      (widthBits, wide) => {
        const id = BigInt.asUintN(widthBits, wide);
        for (const encoding of ENCODINGS)
          equal(encoding.decode(encoding.encode(id, widthBits), widthBits), id, encoding.name);
      },
    );
    fc.assert(property);
  });

  test("sort as the numbers do where they say so", () => {
    const property = fc.property(fc.bigInt(0n, GREATEST), fc.bigInt(0n, GREATEST), (left, right) => {
      for (const encoding of ENCODINGS.filter(({ isSortable }) => isSortable))
        equal(encoding.encode(left, 63) < encoding.encode(right, 63), left < right, encoding.name);
    });
    fc.assert(property);
  });

  test("hex and base32 are read in either case, base62 is not", () => {
    equal(hex.decode("7FFFffffFFFFffff", 63), GREATEST);
    equal(base32.decode("7zzzzzzzzzzzz", 63), GREATEST);
    equal(base62.decode("AzL8n0Y58m7", 63), GREATEST);
    equal(base62.decode("00000000A00", 63) === base62.decode("00000000a00", 63), false);
  });

  test("anything but the one text of a number is refused", () => {
    refused(
      decimal,
      ["", " 1", "1 ", "+1", "-1", "01", "00", "1.0", "1e3", "0x10", "1n", "1_000", "٣", "9223372036854775808"],
      63,
    );
    refused(decimal, ["9".repeat(40), "9".repeat(1_000_000)], 128);
    refused(
      hex,
      ["", "7fffffffffffffff ", "fffffffffffffff", "0x7fffffffffffff", "gfffffffffffffff", "8000000000000000"],
      63,
    );
    refused(base32, ["", "7ZZZZZZZZZZZ", "7ZZZZZZZZZZZZZ", "8000000000000", "000000000000I", "000000000000L"], 63);
    refused(base32, ["000000000000O", "000000000000U", "000000-000000", "0000000000ſ00"], 63);
    refused(base62, ["", "AzL8n0Y58m8", "zzzzzzzzzzz", "0000000000", "000000000000", "0000000000-", "0000000000é"], 63);
  });

  test("a number that does not fit is not printed", () => {
    for (const encoding of ENCODINGS) {
      for (const id of [-1n, 2n ** 63n])
        throws(
          () => encoding.encode(id, 63),
          (error) => hasCode(error, "OUT_OF_RANGE"),
        );
    }
  });
});
