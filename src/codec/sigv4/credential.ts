// The parts that the header form and the query form of Signature Version 4 share.

import { sigV4Failure } from "./errors.ts";
import { isAmzHeader, type RequestHead } from "./request.ts";
import type { CredentialScope } from "./signing-key.ts";

export const ALGORITHM = "AWS4-HMAC-SHA256";

/** A signed header costs a walk over the headers, for strangers too. */
const SIGNED_HEADERS_MAX = 256;

/** Makes the error of the form that is being read. */
export type Malformed = (what: string, data?: Readonly<Record<string, unknown>>) => Error;

export interface Credential {
  readonly accessKey: string;
  readonly scope: CredentialScope;
}

/** Splits `accessKey/date/region/service/aws4_request`. An access key may hold slashes. */
export function parseCredential(credential: string): Credential | undefined {
  const match = CREDENTIAL.exec(credential);
  if (match === null) return undefined;
  return { accessKey: match[1]!, scope: { date: match[2]!, region: match[3]!, service: match[4]! } };
}

export function checkedCredential(text: string, services: readonly string[], malformed: Malformed): Credential {
  const credential = parseCredential(text);
  if (credential === undefined) {
    throw malformed("The credential must be accessKey/YYYYMMDD/region/service/aws4_request.", { credential: text });
  }
  if (!services.includes(credential.scope.service)) {
    throw malformed("The credential is for another service.", {
      service: credential.scope.service,
      expected: services,
    });
  }
  return credential;
}

export function checkScopeDate(scope: CredentialScope, timestamp: string, malformed: Malformed): void {
  if (timestamp.startsWith(scope.date)) return;
  throw malformed("The date of the credential is not the date of the request.", { date: scope.date, timestamp });
}

export function splitSignedHeaders(text: string, malformed: Malformed): string[] {
  const names = text.split(";", SIGNED_HEADERS_MAX + 1);
  if (names.length > SIGNED_HEADERS_MAX) throw malformed("Too many signed headers.", { max: SIGNED_HEADERS_MAX });
  return names;
}

export function requireSigned(
  request: RequestHead,
  signedHeaders: readonly string[],
  covered: readonly string[],
): void {
  const missing = signedHeaders.includes("host") ? [] : ["host"];
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const rawName = request.rawHeaders[at]!;
    if (!isAmzHeader(rawName)) continue;
    const name = rawName.toLowerCase();
    if (!signedHeaders.includes(name) && !covered.includes(name)) missing.push(name);
  }
  if (missing.length > 0) throw sigV4Failure("HEADERS_NOT_SIGNED", { data: { headers: missing } });
}

const CREDENTIAL = /^(.+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request$/;

export function unsupported(algorithm: string): Error {
  const ecdsa = algorithm === "AWS4-ECDSA-P256-SHA256";
  const what = ecdsa
    ? "Signature Version 4A (ECDSA) is not supported."
    : "The authorization mechanism is not supported.";
  return sigV4Failure("AUTHORIZATION_UNSUPPORTED", { what, data: { algorithm: algorithm.slice(0, 64) } });
}
