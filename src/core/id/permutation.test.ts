import { deepEqual, equal, notEqual, ok, throws } from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { hasCode } from "../../std/errors.ts";
import { KeyedPermutation } from "./permutation.ts";

const KEY = Uint8Array.from({ length: 16 }, (_, at) => at * 7);

function permutation(widthBits: number, key = KEY): KeyedPermutation {
  return new KeyedPermutation({ key, widthBits });
}

describe("the keyed permutation", () => {
  test("is turned back by its key, in every width", () => {
    const anyWidth = fc.integer({ min: 8, max: 128 });
    const property = fc.property(anyWidth, fc.bigInt(0n, 2n ** 128n - 1n), (widthBits, wide) => {
      const id = BigInt.asUintN(widthBits, wide);
      const hidden = permutation(widthBits).hide(id);
      ok(hidden >= 0n && hidden < 1n << BigInt(widthBits));
      equal(permutation(widthBits).reveal(hidden), id);
    });
    fc.assert(property);
  });

  test("meets every number of its width exactly once, of even and odd widths", () => {
    for (const widthBits of [8, 9, 12, 13]) {
      const seen = new Uint8Array(2 ** widthBits);
      const permuted = permutation(widthBits);
      for (let id = 0; id < seen.length; id++) seen[Number(permuted.hide(BigInt(id)))]!++;
      ok(
        seen.every((count) => count === 1),
        `${widthBits} bits`,
      );
    }
  });

  test("keeps nothing of the order: of neighbours, about half are swapped", () => {
    const permuted = permutation(63);
    const forms = Array.from({ length: 2000 }, (_, at) => permuted.hide(1_541_815_603_606_036_480n + BigInt(at)));
    const rises = forms.filter((form, at) => at > 0 && form > forms[at - 1]!).length;
    // Seven deviations of a fair coin. The forms depend on nothing but the key: this fails always or never.
    ok(Math.abs(rises - 1000) < 160, `${rises} of 1999`);
  });

  test("one bit of the id, or of the key, changes about half of the form's bits", () => {
    const bitsOf = (value: bigint): number => value.toString(2).replaceAll("0", "").length;
    const other = KEY.with(3, KEY[3]! ^ 1);
    let [byId, byKey] = [0, 0];
    for (let at = 0n; at < 63n; at++) {
      const form = permutation(63).hide(at);
      byId += bitsOf(form ^ permutation(63).hide(at ^ (1n << at)));
      byKey += bitsOf(form ^ permutation(63, other).hide(at));
    }
    for (const changed of [byId, byKey]) ok(Math.abs(changed / 63 - 31.5) < 2.5, `${changed / 63} bits`);
  });

  test("another width, or another key, is another permutation", () => {
    notEqual(permutation(63).hide(5n), permutation(64).hide(5n));
    notEqual(permutation(63).hide(5n), permutation(63, KEY.toReversed()).hide(5n));
  });

  test("its forms stay what they are: who stored them can turn them back for ever", () => {
    deepEqual(
      [16, 53, 63, 64, 128].map((widthBits) => permutation(widthBits).hide(12345n)),
      [38414n, 7060472022123858n, 7901117514584698524n, 7121500964532230079n, 41404949490373465866469176973503001179n],
    );
  });

  test("a number beyond the width and a key of another length are refused", () => {
    throws(
      () => permutation(63).hide(1n << 63n),
      (error) => hasCode(error, "OUT_OF_RANGE"),
    );
    throws(
      () => permutation(63).reveal(-1n),
      (error) => hasCode(error, "OUT_OF_RANGE"),
    );
    throws(
      () => permutation(63, new Uint8Array(8)),
      (error) => hasCode(error, "KEY_INVALID"),
    );
    throws(() => permutation(7), /8 bits/);
    throws(() => permutation(129), /128 bits/);
  });
});
