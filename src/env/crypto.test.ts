import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { toHex, utf8 } from "../std/bytes.ts";
import { Prng } from "../std/prng.ts";
import { hmacSha256, SealingCipher, sha256 } from "./crypto.ts";

describe("cryptography of the platform", () => {
  test("hashes of several parts are the hash of the whole", () => {
    assert.equal(toHex(sha256(utf8("ab"), utf8("c"))), toHex(sha256(utf8("abc"))));
    assert.equal(toHex(sha256(utf8("abc"))).slice(0, 16), "ba7816bf8f01cfea");
  });

  test("HMAC-SHA256 gives the answers of RFC 4231", () => {
    const mac = hmacSha256(utf8("Jefe"), utf8("what do ya want "), utf8("for nothing?"));
    assert.equal(toHex(mac), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  });

  test("what was sealed opens only with the same key, unchanged, and with the same associated data", () => {
    const random = new Prng(1);
    const cipher = new SealingCipher(random.bytes(32), (length) => random.bytes(length));
    const sealed = cipher.seal(utf8("a secret"), utf8("its name"));
    assert.deepEqual(new Uint8Array(cipher.open(sealed, utf8("its name"))!), utf8("a secret"));
    assert.equal(cipher.open(sealed, utf8("another name")), undefined);
    for (let at = 0; at < sealed.length; at++) {
      const changed = Uint8Array.from(sealed);
      changed[at]! ^= 1;
      assert.equal(cipher.open(changed, utf8("its name")), undefined);
    }
    assert.equal(cipher.open(sealed.subarray(0, 20), utf8("its name")), undefined);
    const other = new SealingCipher(random.bytes(32), (length) => random.bytes(length));
    assert.equal(other.open(sealed, utf8("its name")), undefined);
  });
});
