// Temporary credentials. They are no rows: all that is to be known of them, their secret too, travels in the session
// token, sealed, so that issuing them costs no commit and their number has no limit. They end
//   - at their expiry,
//   - with the user, when it is deleted or disabled, or its tokens are revoked (UserRecord.tokensFromMillis),
//   - with the permanent key that they were issued with, and they keep that key's narrowing policy.

import type { Random } from "../../env/index.ts";
import { utf8 } from "../../std/bytes.ts";
import { ByteReader, MalformedBytes } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import { fromBase64Url, toBase64Url } from "./base64-url.ts";
import { BoundedMap } from "./bounded-map.ts";
import { ACCESS_LIMITS } from "./limits.ts";
import { makeSecret, makeTemporaryKeyId } from "./names.ts";
import { type Policy, parsePolicy } from "./policy/policy.ts";
import type { Cipher } from "./secrets.ts";

export interface TokenClaims {
  readonly accessKeyId: string;
  readonly secret: string;
  /** Of the user, or of the root key. */
  readonly ownerId: string;
  /** The permanent key that the token was issued with. */
  readonly parentKeyId: string;
  readonly issuedMillis: number;
  readonly expiresMillis: number;
  /** Narrows what the token's bearer may do. */
  readonly policy: Policy | undefined;
}

export interface TemporaryCredentials {
  readonly accessKeyId: string;
  readonly secret: string;
  readonly sessionToken: string;
  readonly expiresMillis: number;
}

export interface TokenOrder {
  readonly ownerId: string;
  readonly parentKeyId: string;
  readonly issuedMillis: number;
  readonly expiresMillis: number;
  readonly policyDocument: string | undefined;
}

const VERSION = 1;
const ASSOCIATED = utf8("ashlar session token");

export class TokenSealer {
  readonly #cipher: Cipher;
  readonly #random: Random;
  readonly #opened: BoundedMap<{ readonly token: string; readonly claims: TokenClaims }>;

  constructor(cipher: Cipher, random: Random) {
    this.#cipher = cipher;
    this.#random = random;
    this.#opened = new BoundedMap(ACCESS_LIMITS.cachedTokensMax);
  }

  /** Throws POLICY_MALFORMED. */
  issue(order: TokenOrder): TemporaryCredentials {
    if (order.policyDocument !== undefined) parseNarrowing(order.policyDocument);
    const accessKeyId = makeTemporaryKeyId(this.#random);
    const secret = makeSecret(this.#random);
    const plain = new ByteWriter()
      .u8(VERSION)
      .string(accessKeyId)
      .string(secret)
      .string(order.ownerId)
      .string(order.parentKeyId)
      .u64(order.issuedMillis)
      .u64(order.expiresMillis)
      .string(order.policyDocument ?? "")
      .finish();
    const sessionToken = toBase64Url(this.#cipher.seal(plain, ASSOCIATED));
    return { accessKeyId, secret, sessionToken, expiresMillis: order.expiresMillis };
  }

  /** Undefined where the token is not one of these credentials. Says nothing on whether they are still good. */
  open(accessKeyId: string, token: string): TokenClaims | undefined {
    const known = this.#opened.get(accessKeyId);
    if (known?.token === token) return known.claims;
    if (token.length > ACCESS_LIMITS.tokenCharactersMax) return undefined;
    const sealed = fromBase64Url(token);
    const plain = sealed === undefined ? undefined : this.#cipher.open(sealed, ASSOCIATED);
    const claims = plain === undefined ? undefined : decodeClaims(plain);
    if (claims?.accessKeyId !== accessKeyId) return undefined;
    this.#opened.set(accessKeyId, { token, claims });
    return claims;
  }
}

function decodeClaims(plain: Uint8Array): TokenClaims | undefined {
  try {
    const reader = new ByteReader(plain);
    // A token lives days at most: one of another version is as good as expired.
    if (reader.u8() !== VERSION) return undefined;
    const fields = {
      accessKeyId: reader.string(),
      secret: reader.string(),
      ownerId: reader.string(),
      parentKeyId: reader.string(),
      issuedMillis: reader.u64(),
      expiresMillis: reader.u64(),
    };
    const document = reader.string();
    return { ...fields, policy: document === "" ? undefined : parseNarrowing(document) };
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined;
    throw error;
  }
}

function parseNarrowing(document: string): Policy {
  const bytesMax = ACCESS_LIMITS.temporaryPolicyBytesMax;
  return parsePolicy(document, { name: "temporary credentials", source: "session", bytesMax });
}
