import { assert } from "../../std/assert.ts";
import { EMPTY, utf8 } from "../../std/bytes.ts";
import { type Sha256, writeByteString } from "./sha256.ts";
import { writeHex } from "./timing-safe.ts";

/** Where and when a key is valid: the part of a credential behind the access key. */
export interface CredentialScope {
  /** YYYYMMDD */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export interface SecretCredentials {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string;
}

export function scopeText(scope: CredentialScope): string {
  return `${scope.date}/${scope.region}/${scope.service}/aws4_request`;
}

/** What SigningKeys takes in beside the hash. */
export interface SigningKeysOptions {
  /** Keys kept: one for each access key, date, region and service in use. */
  readonly entriesMax: number;
}

/**
 * Derives signing keys and keeps those that have proved themselves. Deriving costs four HMACs, signing with a kept key
 * two hashes.
 *
 * A key enters the cache only by `remember`, after a signature of the holder of the secret matched: strangers who
 * invent regions can not push keys out. The cache has two generations; when the young one is full it becomes the old
 * one, so that what is in use survives and no order has to be kept on a hit.
 */
export class SigningKeys {
  readonly #sha256: Sha256;
  readonly #generationMax: number;
  #young = new Map<string, SigningKey>();
  #old = new Map<string, SigningKey>();
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);

  constructor(sha256: Sha256, options: SigningKeysOptions) {
    assert(options.entriesMax >= 2, "a cache of signing keys has room for two");
    this.#sha256 = sha256;
    this.#generationMax = Math.floor(options.entriesMax / 2);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get sha256(): Sha256 {
    return this.#sha256;
  }

  /** The kept key, or a new one. A changed secret never finds the key of the old one. */
  find(credentials: SecretCredentials, scope: CredentialScope): SigningKey {
    const name = keyName(credentials, scope);
    const young = this.#young.get(name);
    if (young?.isOf(credentials.secretKey)) return young;
    const old = this.#old.get(name);
    if (old?.isOf(credentials.secretKey)) {
      this.#keep(name, old);
      return old;
    }
    return deriveKey(this.#sha256, name, credentials.secretKey, scope);
  }

  remember(key: SigningKey): void {
    if (!key.kept) this.#keep(key.name, key);
  }

  /** The SHA-256 of a byte string. */
  hashText(text: string): Uint8Array {
    const room = text.length * 3;
    const buffer = room <= SCRATCH_BYTES ? this.#scratch : new Uint8Array(room);
    return this.#sha256.hash(buffer.subarray(0, writeByteString(text, buffer)));
  }

  #keep(name: string, key: SigningKey): void {
    if (this.#young.size >= this.#generationMax && !this.#young.has(name)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(name, key);
    key.kept = true;
  }
}

/**
 * An HMAC-SHA256 key with both pads laid out, so that a signature is two hashes over memory that is there already.
 *
 *     inner  | key ^ 0x36.. (64 bytes) | message               |
 *     outer  | key ^ 0x5c.. (64 bytes) | SHA-256(inner) (32)   |
 */
export class SigningKey {
  /** Its name in the cache, and whether it was taken in there. */
  readonly name: string;
  kept = false;
  readonly #secretKey: string;
  readonly #sha256: Sha256;
  readonly #inner = new Uint8Array(BLOCK_BYTES + MESSAGE_BYTES);
  readonly #outer = new Uint8Array(BLOCK_BYTES + 32);

  constructor(sha256: Sha256, name: string, secretKey: string, key: Uint8Array) {
    assert(key.length <= BLOCK_BYTES, "a signing key fits a block of SHA-256");
    this.name = name;
    this.#secretKey = secretKey;
    this.#sha256 = sha256;
    for (let at = 0; at < BLOCK_BYTES; at++) {
      const byte = key[at] ?? 0;
      this.#inner[at] = byte ^ 0x36;
      this.#outer[at] = byte ^ 0x5c;
    }
  }

  isOf(secretKey: string): boolean {
    return this.#secretKey === secretKey;
  }

  /**
   * The signature of a byte string, followed by the digest (if there is one) in hexadecimal: how every string to sign
   * ends.
   */
  sign(message: string, digest: Uint8Array = EMPTY): Uint8Array {
    const room = BLOCK_BYTES + message.length * 3 + digest.length * 2;
    let buffer = this.#inner;
    if (room > buffer.length) {
      buffer = new Uint8Array(room);
      buffer.set(this.#inner.subarray(0, BLOCK_BYTES));
    }
    const end = BLOCK_BYTES + writeByteString(message, buffer.subarray(BLOCK_BYTES));
    writeHex(digest, buffer, end);
    this.#outer.set(this.#sha256.hash(buffer.subarray(0, end + digest.length * 2)), BLOCK_BYTES);
    return this.#sha256.hash(this.#outer);
  }
}

const BLOCK_BYTES = 64;
/** A string to sign is about 140 bytes, and room is taken for three bytes a character. */
const MESSAGE_BYTES = 640;
const SCRATCH_BYTES = 16_384;

function keyName(credentials: SecretCredentials, scope: CredentialScope): string {
  return `${credentials.accessKey}/${scope.date}/${scope.region}/${scope.service}`;
}

function deriveKey(sha256: Sha256, name: string, secretKey: string, scope: CredentialScope): SigningKey {
  const ofDate = sha256.hmac(utf8(`AWS4${secretKey}`), utf8(scope.date));
  const ofRegion = sha256.hmac(ofDate, utf8(scope.region));
  const ofService = sha256.hmac(ofRegion, utf8(scope.service));
  return new SigningKey(sha256, name, secretKey, sha256.hmac(ofService, utf8("aws4_request")));
}
