import { toHex } from "../../std/bytes.ts";
import type { V4Authorization } from "./authorization.ts";
import { canonicalRequest } from "./canonical-request.ts";
import { ALGORITHM } from "./credential.ts";
import { sigV4Failure } from "./errors.ts";
import type { PayloadMode } from "./payload-mode.ts";
import type { RequestHead } from "./request.ts";
import { EMPTY_SHA256 } from "./sha256.ts";
import { type SigningKeys, scopeText } from "./signing-key.ts";
import { escapeBytes, escapedPath, escapedQuery, sortedQuery, splitTarget, type Target } from "./target.ts";
import { checkTime } from "./time-check.ts";
import { timingSafeEqualHex } from "./timing-safe.ts";

export interface Verification {
  readonly secretKey: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /**
   * The body's SHA-256 in hexadecimal, for a payload that is `undeclared`. Without it the signature must be that of an
   * empty body, and the caller refuses any other.
   */
  readonly bodySha256?: string;
}

/**
 * Returns if the signature holds; fails with REQUEST_TIME_TOO_SKEWED, REQUEST_EXPIRED, REQUEST_NOT_YET_VALID or
 * SIGNATURE_DOES_NOT_MATCH, whose data hold the canonical request and the string to sign for the error's body.
 * A payload that is not `unsigned` still has to be compared with the body.
 */
export function verifySignature(
  keys: SigningKeys,
  authorization: V4Authorization,
  request: RequestHead,
  verification: Verification,
): void {
  checkTime(authorization, verification.now);
  const { accessKey, scope, signedHeaders, signature } = authorization;
  const credentials = { accessKey, secretKey: verification.secretKey };
  const key = keys.find(credentials, scope);
  const payloadHash = payloadLine(authorization.payload, verification.bodySha256);
  const preamble = `${ALGORITHM}\n${authorization.timestamp}\n${scopeText(scope)}\n`;
  let canonical = "";
  for (const spell of SPELLINGS) {
    const spelled = canonicalRequest(request, { ...spell(request, authorization), signedHeaders, payloadHash });
    if (spelled === canonical) continue;
    canonical = spelled;
    if (!timingSafeEqualHex(key.sign(preamble, keys.hashText(canonical)), signature)) continue;
    keys.remember(key);
    return;
  }
  const stringToSign = preamble + toHex(keys.hashText(canonical));
  throw sigV4Failure("SIGNATURE_DOES_NOT_MATCH", {
    data: { accessKey, signatureProvided: signature, stringToSign, canonicalRequest: canonical },
  });
}

/**
 * The ways to write path and query that clients sign, the most usual first; nearly every request needs only that one.
 * All of them mean the same request, so to accept any gives nothing away. The last is the one of the specification,
 * which is what an error shows.
 */
const SPELLINGS: readonly ((request: RequestHead, authorization: V4Authorization) => Target)[] = [
  (request, authorization) => {
    const { path, query } = splitTarget(request.target);
    return { path, query: sortedQuery(query, signatureParameter(authorization)) };
  },
  // curl before 8 signs the target byte for byte and does not even sort the query.
  (request) => splitTarget(request.target),
  // S3 signs the path escaped once, the other services escape what was escaped again.
  (request, authorization) => {
    const { path, query } = splitTarget(request.target);
    const escaped = authorization.scope.service === "s3" ? escapedPath(path) : escapeBytes(path, true);
    return { path: escaped, query: escapedQuery(query, signatureParameter(authorization)) };
  },
];

function signatureParameter(authorization: V4Authorization): string | undefined {
  return authorization.form === "query" ? "X-Amz-Signature" : undefined;
}

function payloadLine(payload: PayloadMode, bodySha256: string | undefined): string {
  return payload.kind === "undeclared" ? (bodySha256 ?? EMPTY_SHA256) : payload.value;
}
