// Browser uploads: the form's fields sign a policy document, and nothing else of the request. What the policy demands
// of the other fields is the business of codec/multipart-form.

import { fromBase64, toBase64, toHex, utf8 } from "../../std/bytes.ts";
import { ALGORITHM, parseCredential } from "./credential.ts";
import { sigV4Failure } from "./errors.ts";
import type { HmacSha1 } from "./sha256.ts";
import { type SigningOptions, signingContext } from "./sign.ts";
import { type CredentialScope, type SigningKeys, scopeText } from "./signing-key.ts";
import { parseTimestamp } from "./timestamp.ts";
import { timingSafeEqual } from "./timing-safe.ts";
import { v2Signature } from "./v2.ts";

/** Who a form claims to be from; not proved yet. */
export type FormAuthorization =
  | { readonly kind: "anonymous" }
  | {
      readonly kind: "v4";
      readonly accessKey: string;
      readonly scope: CredentialScope;
      readonly signature: string;
      /** In base64, as sent: that is what is signed. */
      readonly policy: string;
      readonly sessionToken: string | undefined;
    }
  | {
      readonly kind: "v2";
      readonly accessKey: string;
      readonly signature: string;
      readonly policy: string;
      readonly sessionToken: string | undefined;
    };

export interface FormAuthorizationOptions {
  readonly services: readonly string[];
  readonly legacyV2: boolean;
}

export interface PostPolicyOptions extends SigningOptions {
  /** Milliseconds since 1970. */
  readonly expiresMillis: number;
  /** `{ field: value }`, `["starts-with", "$field", prefix]`, `["content-length-range", min, max]`. */
  readonly conditions: readonly unknown[];
}

/** `fields` are those before the file, their names in lower case. */
export function parseFormAuthorization(
  fields: ReadonlyMap<string, string>,
  options: FormAuthorizationOptions,
): FormAuthorization {
  const policy = fields.get("policy");
  const algorithm = fields.get("x-amz-algorithm");
  const legacyKey = fields.get("awsaccesskeyid");
  if (policy === undefined && algorithm === undefined && legacyKey === undefined) return { kind: "anonymous" };
  const sessionToken = fields.get("x-amz-security-token");
  if (algorithm === undefined && legacyKey !== undefined) {
    if (!options.legacyV2) throw unsupported("AWS", "Signature Version 2 is switched off.");
    const signature = requiredField(fields, "signature");
    return { kind: "v2", accessKey: legacyKey, signature, policy: requiredField(fields, "policy"), sessionToken };
  }
  if (requiredField(fields, "x-amz-algorithm") !== ALGORITHM) {
    throw unsupported(algorithm!.slice(0, 64), "The authorization mechanism is not supported.");
  }
  const { accessKey, scope } = formCredential(fields, options.services);
  const signature = requiredField(fields, "x-amz-signature");
  return { kind: "v4", accessKey, scope, signature, policy: requiredField(fields, "policy"), sessionToken };
}

/** Returns if the form's signature holds, else fails with SIGNATURE_DOES_NOT_MATCH. The policy says when it expires. */
export function verifyFormSignature(
  keys: SigningKeys,
  authorization: Exclude<FormAuthorization, { kind: "anonymous" }>,
  secretKey: string,
  hmacSha1: HmacSha1,
): void {
  const { accessKey, policy, signature } = authorization;
  let expected: string;
  if (authorization.kind === "v4") {
    const key = keys.find({ accessKey, secretKey }, authorization.scope);
    expected = toHex(key.sign(policy));
    if (timingSafeEqual(expected, signature)) keys.remember(key);
  } else {
    expected = v2Signature(hmacSha1, secretKey, policy);
  }
  if (timingSafeEqual(expected, signature)) return;
  throw sigV4Failure("SIGNATURE_DOES_NOT_MATCH", {
    data: { accessKey, signatureProvided: signature, stringToSign: policy },
  });
}

/**
 * The policy's JSON, or undefined where the field is not base64. Forms may leave the padding out or break the lines.
 */
export function decodePolicy(policy: string): Uint8Array | undefined {
  const packed = policy.replace(/\s+/g, "");
  return fromBase64(packed.padEnd(Math.ceil(packed.length / 4) * 4, "="));
}

/**
 * The fields that a form needs to carry beside those that the conditions name, the policy and its signature included.
 */
export function signPostPolicy(keys: SigningKeys, options: PostPolicyOptions): Record<string, string> {
  const { credentials } = options;
  const { timestamp, scope, key } = signingContext(keys, options);
  const fields: Record<string, string> = {
    "x-amz-algorithm": ALGORITHM,
    "x-amz-credential": `${credentials.accessKey}/${scopeText(scope)}`,
    "x-amz-date": timestamp,
  };
  if (credentials.sessionToken !== undefined) fields["x-amz-security-token"] = credentials.sessionToken;
  const document = {
    expiration: new Date(options.expiresMillis).toISOString(),
    conditions: [...options.conditions, ...Object.entries(fields).map(([name, value]) => ({ [name]: value }))],
  };
  const policy = toBase64(utf8(JSON.stringify(document)));
  return { ...fields, policy, "x-amz-signature": toHex(key.sign(policy)) };
}

function formCredential(
  fields: ReadonlyMap<string, string>,
  services: readonly string[],
): { accessKey: string; scope: CredentialScope } {
  const text = requiredField(fields, "x-amz-credential");
  const credential = parseCredential(text);
  if (credential === undefined || !services.includes(credential.scope.service)) {
    throw invalidField("x-amz-credential", text);
  }
  const timestamp = requiredField(fields, "x-amz-date");
  if (parseTimestamp(timestamp) === undefined || !timestamp.startsWith(credential.scope.date)) {
    throw invalidField("x-amz-date", timestamp);
  }
  return credential;
}

function requiredField(fields: ReadonlyMap<string, string>, name: string): string {
  const value = fields.get(name);
  if (value === undefined || value === "") {
    throw sigV4Failure("POST_FIELD_INVALID", { what: `The form has no field ${name}.`, data: { field: name } });
  }
  return value;
}

function invalidField(field: string, value: string): Error {
  return sigV4Failure("POST_FIELD_INVALID", {
    what: `The form's field ${field} is malformed.`,
    data: { field, value },
  });
}

function unsupported(algorithm: string, what: string): Error {
  return sigV4Failure("AUTHORIZATION_UNSUPPORTED", { what, data: { algorithm } });
}
