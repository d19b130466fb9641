// The client's side: signs a request by header, or makes a presigned link. The target is signed in S3's canonical
// spelling and sent as it was given, so any verifier that goes by the book agrees.

import { assert } from "../../std/assert.ts";
import { toHex } from "../../std/bytes.ts";
import { canonicalRequest } from "./canonical-request.ts";
import { ALGORITHM } from "./credential.ts";
import { EXPIRES_SECONDS_MAX } from "./query-form.ts";
import { isAmzHeader, isNamed, type RequestHead } from "./request.ts";
import { SignatureChain } from "./signature-chain.ts";
import {
  type CredentialScope,
  type SecretCredentials,
  type SigningKey,
  type SigningKeys,
  scopeText,
} from "./signing-key.ts";
import { byteString, escapeBytes, escapedPath, escapedQuery, splitTarget } from "./target.ts";
import { formatTimestamp } from "./timestamp.ts";

export interface SigningOptions {
  readonly credentials: SecretCredentials;
  readonly region: string;
  readonly service: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface SigningHeaderOptions extends SigningOptions {
  /** x-amz-content-sha256: the body's SHA-256 in hexadecimal, UNSIGNED-PAYLOAD, or one of the streaming forms. */
  readonly payload: string;
}

export interface SignedHead {
  /** The headers given and those that sign them, names and values in turn. */
  readonly rawHeaders: readonly string[];
  /** For a body in signed chunks. */
  readonly chain: SignatureChain;
}

export interface PresignOptions extends SigningOptions {
  readonly expiresSeconds: number;
}

/**
 * Signs Host, Content-Type, Content-MD5, Content-Encoding and all x-amz-* headers: what a proxy does not change.
 * The request's headers must hold Host and none of those that are added here.
 */
export function signRequest(keys: SigningKeys, request: RequestHead, options: SigningHeaderOptions): SignedHead {
  const { credentials, payload } = options;
  const { timestamp, scope, key } = signingContext(keys, options);
  const rawHeaders = [...request.rawHeaders, "x-amz-date", timestamp, "x-amz-content-sha256", payload];
  if (credentials.sessionToken !== undefined) rawHeaders.push("x-amz-security-token", credentials.sessionToken);
  const { path, query } = splitTarget(request.target);
  const signedHeaders = namesToSign(rawHeaders);
  const canonical = canonicalRequest(
    { ...request, rawHeaders },
    { path: canonicalPath(path, scope), query: escapedQuery(query), signedHeaders, payloadHash: payload },
  );
  const signature = signCanonical(keys, { timestamp, scope, key }, canonical);
  const credential = `Credential=${credentials.accessKey}/${scopeText(scope)}`;
  const fields = `${credential}, SignedHeaders=${signedHeaders.join(";")}, Signature=${signature}`;
  rawHeaders.push("authorization", `${ALGORITHM} ${fields}`);
  return { rawHeaders, chain: new SignatureChain(keys, { key, timestamp, scope: scopeText(scope), signature }) };
}

/**
 * The target with a signature in its query. Whoever has it can send the method with that target, and the given headers,
 * until it expires. The headers must hold Host; the body is not covered.
 */
export function presign(keys: SigningKeys, request: RequestHead, options: PresignOptions): string {
  const { credentials, expiresSeconds } = options;
  assert(Number.isInteger(expiresSeconds) && expiresSeconds >= 1, "a link is good for a second at least");
  assert(expiresSeconds <= EXPIRES_SECONDS_MAX, "a link is good for a week at most");
  const context = signingContext(keys, options);
  const { path, query } = splitTarget(request.target);
  const signedHeaders = namesToSign(request.rawHeaders);
  const parameters = [
    `X-Amz-Algorithm=${ALGORITHM}`,
    `X-Amz-Credential=${escapeText(`${credentials.accessKey}/${scopeText(context.scope)}`)}`,
    `X-Amz-Date=${context.timestamp}`,
    `X-Amz-Expires=${expiresSeconds}`,
    `X-Amz-SignedHeaders=${escapeText(signedHeaders.join(";"))}`,
  ];
  if (credentials.sessionToken !== undefined) {
    parameters.push(`X-Amz-Security-Token=${escapeText(credentials.sessionToken)}`);
  }
  const unsigned = `${query === "" ? "" : `${query}&`}${parameters.join("&")}`;
  const canonical = canonicalRequest(request, {
    path: canonicalPath(path, context.scope),
    query: escapedQuery(unsigned),
    signedHeaders,
    payloadHash: "UNSIGNED-PAYLOAD",
  });
  return `${path}?${unsigned}&X-Amz-Signature=${signCanonical(keys, context, canonical)}`;
}

/** Escapes text for a path or (with the slashes) for a query, as S3 signs it. */
export function escapeText(text: string, keepSlash = false): string {
  return escapeBytes(byteString(text), keepSlash);
}

export interface SigningContext {
  readonly timestamp: string;
  readonly scope: CredentialScope;
  readonly key: SigningKey;
}

export function signingContext(keys: SigningKeys, options: SigningOptions): SigningContext {
  const timestamp = formatTimestamp(options.now);
  const scope = { date: timestamp.slice(0, 8), region: options.region, service: options.service };
  const key = keys.find(options.credentials, scope);
  keys.remember(key);
  return { timestamp, scope, key };
}

const SIGNED_BESIDE_AMZ = ["host", "content-type", "content-md5", "content-encoding"];

function namesToSign(rawHeaders: readonly string[]): string[] {
  const names = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const rawName = rawHeaders[at]!;
    if (isAmzHeader(rawName) || SIGNED_BESIDE_AMZ.some((name) => isNamed(rawName, name)))
      names.add(rawName.toLowerCase());
  }
  assert(names.has("host"), "a request that is signed has a Host header");
  return [...names].sort();
}

/** S3 escapes a path once; the other services escape what the target has escaped already again. */
function canonicalPath(path: string, scope: CredentialScope): string {
  return scope.service === "s3" ? escapedPath(path) : escapeBytes(path, true);
}

function signCanonical(keys: SigningKeys, context: SigningContext, canonical: string): string {
  const { timestamp, scope, key } = context;
  return toHex(key.sign(`${ALGORITHM}\n${timestamp}\n${scopeText(scope)}\n`, keys.hashText(canonical)));
}
