import { toHex } from "../../std/bytes.ts";
import type { V4Authorization } from "./authorization.ts";
import { EMPTY_SHA256 } from "./sha256.ts";
import { type SigningKey, type SigningKeys, scopeText } from "./signing-key.ts";
import { timingSafeEqual } from "./timing-safe.ts";

/** What a chain starts from: the signature of the request's head and what it was made with. */
export interface ChainSeed {
  readonly key: SigningKey;
  readonly timestamp: string;
  /** date/region/service/aws4_request */
  readonly scope: string;
  readonly signature: string;
}

/**
 * The signatures of a body in signed chunks. Each covers the one before it, so chunks can not be dropped, repeated or
 * moved.
 *
 *     AWS4-HMAC-SHA256-PAYLOAD \n timestamp \n scope \n signature before \n SHA-256 of nothing \n SHA-256 of the chunk
 *     AWS4-HMAC-SHA256-TRAILER \n timestamp \n scope \n signature before \n SHA-256 of the trailer's lines
 *
 * One chain serves one body, in order; after a signature that did not hold it is of no more use.
 */
export class SignatureChain {
  readonly #key: SigningKey;
  readonly #keys: SigningKeys;
  readonly #context: string;
  #signature: string;

  constructor(keys: SigningKeys, seed: ChainSeed) {
    this.#keys = keys;
    this.#key = seed.key;
    this.#context = `${seed.timestamp}\n${seed.scope}\n`;
    this.#signature = seed.signature;
  }

  signChunk(sha256: Uint8Array): string {
    const covered = `${this.#context}${this.#signature}\n${EMPTY_SHA256}\n`;
    this.#signature = toHex(this.#key.sign(`AWS4-HMAC-SHA256-PAYLOAD\n${covered}`, sha256));
    return this.#signature;
  }

  /** `lines` are `name:value\n` for each trailer. */
  signTrailer(lines: string): string {
    const covered = `${this.#context}${this.#signature}\n`;
    this.#signature = toHex(this.#key.sign(`AWS4-HMAC-SHA256-TRAILER\n${covered}`, this.#keys.hashText(lines)));
    return this.#signature;
  }

  verifyChunk(signature: string, sha256: Uint8Array): boolean {
    return timingSafeEqual(this.signChunk(sha256), signature);
  }

  verifyTrailer(signature: string, lines: string): boolean {
    return timingSafeEqual(this.signTrailer(lines), signature);
  }
}

/** The chain for the body of a request whose head verifySignature has let through. */
export function signatureChain(keys: SigningKeys, authorization: V4Authorization, secretKey: string): SignatureChain {
  const { accessKey, scope, timestamp, signature } = authorization;
  const key = keys.find({ accessKey, secretKey }, scope);
  return new SignatureChain(keys, { key, timestamp, scope: scopeText(scope), signature });
}
