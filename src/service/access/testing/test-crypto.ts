import { createHash } from "node:crypto";
import type { Random } from "../../../env/index.ts";
import { concatBytes, equalBytes } from "../../../std/bytes.ts";
import type { Cipher } from "../secrets.ts";

const NONCE_BYTES = 16;
const TAG_BYTES = 32;

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  return createHash("sha256").update(concatBytes(parts)).digest();
}

/**
 * Keeps the promises of a Cipher without being one to rely on: a stream of hashes for a key stream, a hash for a tag.
 */
export class TestCipher implements Cipher {
  readonly #key: Uint8Array;
  readonly #random: Random;

  constructor(key: Uint8Array, random: Random) {
    this.#key = key;
    this.#random = random;
  }

  seal(plain: Uint8Array, associated: Uint8Array): Uint8Array {
    const nonce = this.#random.bytes(NONCE_BYTES);
    const hidden = this.#mask(nonce, plain);
    return concatBytes([nonce, hidden, this.#tag(nonce, hidden, associated)]);
  }

  open(sealed: Uint8Array, associated: Uint8Array): Uint8Array | undefined {
    if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const nonce = sealed.subarray(0, NONCE_BYTES);
    const hidden = sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES);
    const tag = sealed.subarray(sealed.length - TAG_BYTES);
    return equalBytes(tag, this.#tag(nonce, hidden, associated)) ? this.#mask(nonce, hidden) : undefined;
  }

  #mask(nonce: Uint8Array, bytes: Uint8Array): Uint8Array {
    const masked = bytes.slice();
    for (let at = 0; at < bytes.length; at += 32) {
      const block = sha256(this.#key, nonce, Uint8Array.of(at / 32, at >>> 13));
      for (let within = 0; within < 32 && at + within < bytes.length; within++) masked[at + within]! ^= block[within]!;
    }
    return masked;
  }

  #tag(nonce: Uint8Array, hidden: Uint8Array, associated: Uint8Array): Uint8Array {
    return sha256(this.#key, nonce, hidden, sha256(associated));
  }
}
