import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromHex, toHex, utf8 } from "../std/bytes.ts";
import { crc32c } from "../std/checksums/index.ts";
import { hasCode } from "../std/errors.ts";
import { encodeAddress } from "./key-codec.ts";
import { decodeRow, encodeRow } from "./row-codec.ts";

const KEY = encodeAddress({ table: 18, key: utf8("a key") });

describe("stored rows", () => {
  test("decode to what was encoded", () => {
    for (const row of [
      { revision: 1, lease: 0, value: new Uint8Array(0) },
      { revision: 4_294_967_295, lease: 1, value: utf8("value") },
      { revision: 4_294_967_296, lease: 4_294_967_296, value: new Uint8Array(70_000).fill(9) },
      { revision: Number.MAX_SAFE_INTEGER, lease: Number.MAX_SAFE_INTEGER, value: utf8("v") },
    ]) {
      assert.deepEqual(decodeRow(KEY, encodeRow(KEY, row)), row);
    }
  });

  test("are damaged by a flip of any one bit", () => {
    for (const lease of [0, 300]) {
      const stored = encodeRow(KEY, { revision: 77, lease, value: utf8("short") });
      for (let bit = 0; bit < stored.length * 8; bit++) {
        const flipped = stored.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        assert.throws(
          () => decodeRow(KEY, flipped),
          (error) => hasCode(error, "ROW_DAMAGED"),
          `bit ${bit}`,
        );
      }
    }
  });

  test("are damaged by being cut at any length or found under another key", () => {
    const stored = encodeRow(KEY, { revision: 77, lease: 0, value: utf8("short") });
    for (let length = 0; length < stored.length; length++) {
      assert.throws(
        () => decodeRow(KEY, stored.subarray(0, length)),
        (error) => hasCode(error, "ROW_DAMAGED"),
      );
    }
    assert.throws(
      () => decodeRow(encodeAddress({ table: 19, key: utf8("a key") }), stored),
      (error) => hasCode(error, "ROW_DAMAGED"),
    );
  });

  test("of a newer format are refused by that name", () => {
    const stored = encodeRow(KEY, { revision: 77, lease: 0, value: utf8("short") });
    stored[4] = 9;
    const crc = crc32c(stored.subarray(4), crc32c(KEY));
    new DataView(stored.buffer).setUint32(0, crc, true);
    assert.throws(
      () => decodeRow(KEY, stored),
      (error) => hasCode(error, "FORMAT_NEWER"),
    );
  });

  test("of version 1 look like this", () => {
    const plain = "e0f3ff5b014d0000000000000076616c7565";
    const leased = "9a5adfa7024d00000000000000050000000000000076616c7565";
    assert.equal(toHex(encodeRow(KEY, { revision: 77, lease: 0, value: utf8("value") })), plain);
    assert.equal(toHex(encodeRow(KEY, { revision: 77, lease: 5, value: utf8("value") })), leased);
    assert.deepEqual(decodeRow(KEY, fromHex(plain)!), { revision: 77, lease: 0, value: utf8("value") });
    assert.deepEqual(decodeRow(KEY, fromHex(leased)!), { revision: 77, lease: 5, value: utf8("value") });
  });
});
