import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { toHex, utf8 } from "../../std/bytes.ts";
import { Prng } from "../../std/prng.ts";
import { hmacSha256, sha256 } from "../crypto.ts";
import { webHmacSha256, webSha256 } from "./index.ts";

describe("SHA-256 in plain JavaScript", () => {
  test("gives the values of FIPS 180-4", () => {
    assert.equal(toHex(webSha256(utf8("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert.equal(toHex(webSha256()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });

  test("gives what the platform's does, for every length around its blocks, in any parts and views", () => {
    const prng = new Prng(3);
    for (let length = 0; length < 200; length++) {
      const bytes = prng.bytes(length + 3).subarray(3);
      const cut = prng.below(length + 1);
      assert.deepEqual(webSha256(bytes), new Uint8Array(sha256(bytes)));
      assert.deepEqual(webSha256(bytes.subarray(0, cut), bytes.subarray(cut)), new Uint8Array(sha256(bytes)));
      const key = prng.bytes(length);
      assert.deepEqual(webHmacSha256(key, bytes), new Uint8Array(hmacSha256(key, bytes)));
    }
  });
});
