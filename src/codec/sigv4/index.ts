export type {
  AnonymousAuthorization,
  Authorization,
  AuthorizationOptions,
  V2Authorization,
  V4Authorization,
} from "./authorization.ts";
export { SIGV4_ERRORS, type SigV4Error, type SigV4ErrorCode } from "./errors.ts";
export { parseAuthorization } from "./parse.ts";
export type { PayloadMode } from "./payload-mode.ts";
export {
  decodePolicy,
  type FormAuthorization,
  type FormAuthorizationOptions,
  type PostPolicyOptions,
  parseFormAuthorization,
  signPostPolicy,
  verifyFormSignature,
} from "./post-form.ts";
export type { RequestHead } from "./request.ts";
export type { HmacSha1, Sha256 } from "./sha256.ts";
export {
  escapeText,
  type PresignOptions,
  presign,
  type SignedHead,
  type SigningHeaderOptions,
  type SigningOptions,
  signRequest,
} from "./sign.ts";
export { SignatureChain, signatureChain } from "./signature-chain.ts";
export { type CredentialScope, type SecretCredentials, SigningKeys, type SigningKeysOptions } from "./signing-key.ts";
export { parseQuery, type QueryParameter, splitTarget, type Target } from "./target.ts";
export { timingSafeEqual } from "./timing-safe.ts";
export { type V2Verification, verifyV2Signature } from "./v2.ts";
export { type Verification, verifySignature } from "./verify.ts";
