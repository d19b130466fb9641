import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compareBytes } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { Prng } from "../std/prng.ts";
import { decodeAddress, encodeAddress, encodeRange, successor } from "./key-codec.ts";
import { type RowAddress, type RowKey, STORE_LIMITS } from "./store.ts";

const ALPHABET = [0x00, 0x01, 0xfe, 0xff];

/** Every byte string over the alphabet up to a length. */
function strings(lengthMax: number): Uint8Array[] {
  const all: Uint8Array[] = [new Uint8Array(0)];
  let longest = all;
  for (let length = 1; length <= lengthMax; length++) {
    longest = longest.flatMap((shorter) => ALPHABET.map((byte) => Uint8Array.of(...shorter, byte)));
    all.push(...longest);
  }
  return all;
}

function compareAddresses(left: RowAddress, right: RowAddress): number {
  return left.table - right.table || compareBytes(left.key, right.key) || compareBytes(left.suffix!, right.suffix!);
}

describe("encoded addresses", () => {
  const addresses: RowAddress[] = [];
  for (const key of strings(3)) for (const suffix of strings(1)) addresses.push({ table: 16, key, suffix });
  addresses.push({ table: 15, key: Uint8Array.of(0xff), suffix: Uint8Array.of(0xff) });
  addresses.push({ table: 17, key: new Uint8Array(0), suffix: new Uint8Array(0) });

  test("sort as table, key and suffix do, for every pair of short keys", () => {
    const encoded = addresses.map(encodeAddress);
    for (const [at, left] of addresses.entries()) {
      for (const [other, right] of addresses.entries()) {
        const byBytes = Math.sign(compareBytes(encoded[at]!, encoded[other]!));
        if (byBytes !== Math.sign(compareAddresses(left, right))) assert.fail(`wrong order of ${at} and ${other}`);
      }
    }
  });

  test("decode to what was encoded", () => {
    for (const address of addresses) assert.deepEqual(decodeAddress(encodeAddress(address)), address);
  });

  test("of random bytes decode to what was encoded", () => {
    const seed = 7;
    const prng = new Prng(seed);
    for (let round = 0; round < 500; round++) {
      const key = prng.bytes(prng.below(60)).map((byte) => (prng.chance(0.3) ? 0 : byte));
      const address = { table: 1 + prng.below(254), key, suffix: prng.bytes(prng.below(20)) };
      assert.deepEqual(decodeAddress(encodeAddress(address)), address, `seed ${seed}, round ${round}`);
    }
  });

  test("are limited in their encoded length, in which a zero byte of the key counts twice", () => {
    const { keyBytesMax } = STORE_LIMITS;
    const ones = (length: number) => new Uint8Array(length).fill(1);
    assert.equal(encodeAddress({ table: 16, key: ones(keyBytesMax - 3) }).length, keyBytesMax);
    assert.equal(encodeAddress({ table: 16, key: ones(1), suffix: ones(keyBytesMax - 4) }).length, keyBytesMax);
    assert.equal(encodeAddress({ table: 16, key: new Uint8Array(898), suffix: ones(1) }).length, keyBytesMax);
    for (const address of [
      { table: 16, key: ones(keyBytesMax - 2) },
      { table: 16, key: ones(1), suffix: ones(keyBytesMax - 3) },
      { table: 16, key: new Uint8Array(898), suffix: ones(2) },
    ]) {
      assert.throws(
        () => encodeAddress(address),
        (error) => hasCode(error, "TOO_LARGE"),
      );
    }
  });

  test("refuse tables that can not be", () => {
    for (const table of [0, -1, 255, 1.5, Number.NaN]) {
      assert.throws(
        () => encodeAddress({ table, key: Uint8Array.of(1) }),
        (error) => hasCode(error, "REQUEST_INVALID"),
      );
    }
  });
});

describe("encoded ranges", () => {
  const keys: RowKey[] = strings(2).flatMap((key) => strings(1).map((suffix) => ({ key, suffix })));
  const encoded = keys.map((key) => encodeAddress({ table: 16, ...key }));

  function inside(range: Parameters<typeof encodeRange>[1]): RowKey[] {
    const { from, to } = encodeRange(16, range);
    return keys.filter((_, at) => compareBytes(encoded[at]!, from) >= 0 && compareBytes(encoded[at]!, to) < 0);
  }

  function compare(left: RowKey, right: RowKey): number {
    return compareAddresses(
      { table: 16, key: left.key, suffix: left.suffix ?? new Uint8Array(0) },
      { table: 16, key: right.key, suffix: right.suffix ?? new Uint8Array(0) },
    );
  }

  test("without bounds hold the table and nothing else", () => {
    assert.equal(inside({}).length, keys.length);
    const { from, to } = encodeRange(16, {});
    for (const table of [15, 17]) {
      const other = encodeAddress({ table, key: Uint8Array.of(0xff, 0xff) });
      assert.ok(compareBytes(other, from) < 0 || compareBytes(other, to) >= 0);
    }
  });

  test("hold from <= row < to and row > after, for every bound among short keys", () => {
    for (const bound of keys) {
      assert.deepEqual(
        inside({ from: bound }),
        keys.filter((key) => compare(key, bound) >= 0),
      );
      assert.deepEqual(
        inside({ to: bound }),
        keys.filter((key) => compare(key, bound) < 0),
      );
      assert.deepEqual(
        inside({ after: bound }),
        keys.filter((key) => compare(key, bound) > 0),
      );
    }
  });

  test("take the larger one of from and after", () => {
    const [low, high] = [{ key: Uint8Array.of(1) }, { key: Uint8Array.of(0xfe) }];
    assert.deepEqual(inside({ from: low, after: high }), inside({ after: high }));
    assert.deepEqual(inside({ from: high, after: low }), inside({ from: high }));
  });

  test("take bounds that are longer than any row's key", () => {
    const long = (last: number) => {
      const key = new Uint8Array(5000).fill(7);
      key[4999] = last;
      return { key };
    };
    const row = encodeAddress({ table: 16, key: new Uint8Array(STORE_LIMITS.keyBytesMax - 3).fill(7) });
    for (const bound of [long(0), long(1)]) {
      assert.ok(
        compareBytes(encodeRange(16, { to: bound }).to, row) > 0,
        "the row is a prefix of the bound, so below it",
      );
      assert.ok(compareBytes(encodeRange(16, { from: bound }).from, row) > 0);
      assert.ok(compareBytes(encodeRange(16, { after: bound }).from, row) > 0);
    }
  });
});

test("no key stands between a key and its successor", () => {
  const all = strings(3);
  for (const key of strings(2)) {
    const next = successor(key);
    assert.ok(compareBytes(key, next) < 0);
    assert.ok(!all.some((other) => compareBytes(key, other) < 0 && compareBytes(other, next) < 0));
  }
});
