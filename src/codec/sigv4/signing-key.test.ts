import assert from "node:assert/strict";
import { createHmac, hash } from "node:crypto";
import { describe, test } from "node:test";
import { hmacSha256, sha256 } from "../../env/crypto.ts";
import { toHex, utf8 } from "../../std/bytes.ts";
import { writeByteString } from "./sha256.ts";
import { type CredentialScope, SigningKey, SigningKeys } from "./signing-key.ts";

const credentials = { accessKey: "AK", secretKey: "secret" };

function scope(region: string): CredentialScope {
  return { date: "20260101", region, service: "s3" };
}

describe("a signing key", () => {
  test("signs as HMAC-SHA256 does, whatever the length of key and message", () => {
    for (const keyLength of [0, 1, 32, 64]) {
      const key = new Uint8Array(keyLength).fill(7);
      const signer = new SigningKey({ hash: sha256, hmac: hmacSha256 }, "n", "s", key);
      for (const length of [0, 1, 55, 56, 64, 213, 214, 1000]) {
        const message = "m".repeat(length);
        assert.equal(toHex(signer.sign(message)), createHmac("sha256", key).update(message).digest("hex"));
        const withDigest = createHmac("sha256", key).update(`${message}00ff9a`).digest("hex");
        assert.equal(toHex(signer.sign(message, Uint8Array.of(0, 255, 0x9a))), withDigest);
      }
    }
  });

  test("does not remember the message before", () => {
    const signer = new SigningKey({ hash: sha256, hmac: hmacSha256 }, "n", "s", utf8("key"));
    const short = signer.sign("short");
    signer.sign("a much longer message than the one before");
    assert.deepEqual(signer.sign("short"), short);
  });
});

describe("the cache of signing keys", () => {
  test("keeps what was remembered, and nothing else", () => {
    const keys = new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: 4 });
    const first = keys.find(credentials, scope("a"));
    assert.notEqual(keys.find(credentials, scope("a")), first);
    assert.equal(keys.size, 0);
    keys.remember(first);
    assert.equal(keys.find(credentials, scope("a")), first);
  });

  test("never gives the key of an old secret, and takes the new one in its place", () => {
    const keys = new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: 4 });
    const before = keys.find(credentials, scope("a"));
    keys.remember(before);
    const rotated = { ...credentials, secretKey: "another" };
    const after = keys.find(rotated, scope("a"));
    assert.notDeepEqual(after.sign("x"), before.sign("x"));
    keys.remember(after);
    assert.equal(keys.find(rotated, scope("a")), after);
    assert.equal(keys.size, 1);
  });

  test("holds no more than its limit, and keeps what is in use", () => {
    const keys = new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: 8 });
    const used = keys.find(credentials, scope("used"));
    keys.remember(used);
    for (let at = 0; at < 100; at++) {
      keys.remember(keys.find(credentials, scope(`r${at}`)));
      assert.ok(keys.size <= 8);
      assert.equal(keys.find(credentials, scope("used")), used);
    }
  });

  test("hashes byte strings of any length", () => {
    const keys = new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: 2 });
    for (const text of ["", "plain", "\u00e9\u00ff", "x".repeat(20_000)]) {
      assert.equal(toHex(keys.hashText(text)), hash("sha256", Buffer.from(text, "latin1"), "hex"));
    }
  });
});

describe("byte strings", () => {
  test("are written a byte a character, and other text as UTF-8", () => {
    const target = new Uint8Array(30);
    assert.equal(writeByteString("a\u0080\u00ff", target), 3);
    assert.deepEqual([...target.subarray(0, 3)], [0x61, 0x80, 0xff]);
    assert.equal(writeByteString("\u00ff€", target), 5);
    assert.deepEqual([...target.subarray(0, 5)], [0xc3, 0xbf, 0xe2, 0x82, 0xac]);
  });
});
