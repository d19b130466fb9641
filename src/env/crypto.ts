import { createCipheriv, createDecipheriv, createHash, createHmac, hash, timingSafeEqual } from "node:crypto";

// Cryptography from the platform. It is here because floors above import nothing of Node; being a function of its input it
// needs no simulated twin.

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** One-shot for a single part, which is several times cheaper. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return hash("sha256", parts[0]!, "buffer");
  const running = createHash("sha256");
  for (const part of parts) running.update(part);
  return running.digest();
}

export function hmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const running = createHmac("sha256", key);
  for (const part of parts) running.update(part);
  return running.digest();
}

export function hmacSha1(key: Uint8Array, message: Uint8Array): Uint8Array {
  return createHmac("sha1", key).update(message).digest();
}

export function equalInConstantTime(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * AES-256-GCM under one key of 32 bytes. The result is nonce, ciphertext, tag; `associated` is bound to it but not in it.
 * Nonces are random: one key seals at most 2^32 values (NIST SP 800-38D, 8.3).
 */
export class SealingCipher {
  readonly #key: Uint8Array;
  readonly #randomBytes: (length: number) => Uint8Array;

  constructor(key: Uint8Array, randomBytes: (length: number) => Uint8Array) {
    this.#key = key;
    this.#randomBytes = randomBytes;
  }

  seal(plain: Uint8Array, associated: Uint8Array): Uint8Array {
    const nonce = this.#randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce).setAAD(associated);
    return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  /** Undefined where the bytes were not sealed with this key and this associated data. */
  open(sealed: Uint8Array, associated: Uint8Array): Uint8Array | undefined {
    if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv("aes-256-gcm", this.#key, sealed.subarray(0, NONCE_BYTES)).setAAD(associated);
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    try {
      return Buffer.concat([
        decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES)),
        decipher.final(),
      ]);
    } catch {
      return undefined;
    }
  }
}

/** A SHA-256 that takes its input piece by piece. */
export function runningSha256(): { update(bytes: Uint8Array): void; digest(): Uint8Array } {
  const running = createHash("sha256");
  return { update: (bytes) => void running.update(bytes), digest: () => running.digest() };
}
