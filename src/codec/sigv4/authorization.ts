// Who a request claims to be from. Nothing in here is proved yet: the gateway looks up the secret of `accessKey`
// (InvalidAccessKeyId is its answer) and calls verifySignature or verifyV2Signature.

import type { PayloadMode } from "./payload-mode.ts";
import type { CredentialScope } from "./signing-key.ts";

export type Authorization = AnonymousAuthorization | V4Authorization | V2Authorization;

export interface AnonymousAuthorization {
  readonly kind: "anonymous";
  /** Never signed chunks: there is no signature that a chain could start from. */
  readonly payload: PayloadMode;
}

export interface V4Authorization {
  readonly kind: "v4";
  readonly form: "header" | "query";
  readonly accessKey: string;
  readonly scope: CredentialScope;
  /** In lower case, as listed by the client; `host` and every x-amz-* header that was sent are among them. */
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** The time of signing as the string to sign has it, and in milliseconds since 1970. */
  readonly timestamp: string;
  readonly signedAtMillis: number;
  /** Only in a query: how long the link is good. */
  readonly expiresSeconds: number | undefined;
  readonly payload: PayloadMode;
  readonly sessionToken: string | undefined;
}

export interface AuthorizationOptions {
  /** The services that a credential may be made for: `s3`, or `ashlar` on the HTTP API. */
  readonly services: readonly string[];
  /** Whether Signature Version 2 is let in. It covers less and lives on SHA-1. */
  readonly legacyV2: boolean;
  /** Whether a signed request without x-amz-content-sha256 is refused, as S3 does. Else its payload is `undeclared`. */
  readonly payloadHashRequired: boolean;
}

export interface V2Authorization {
  readonly kind: "v2";
  readonly form: "header" | "query";
  readonly accessKey: string;
  /** Base64 of an HMAC-SHA1. */
  readonly signature: string;
  /** The line of the string to sign that holds the date: the Date header, empty beside x-amz-date, or Expires. */
  readonly dateLine: string;
  /** The time of signing for a header, of expiry for a query; milliseconds since 1970. */
  readonly timeMillis: number;
  readonly payload: PayloadMode;
  readonly sessionToken: string | undefined;
}
