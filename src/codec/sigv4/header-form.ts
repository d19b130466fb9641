import type { AuthorizationOptions, V4Authorization } from "./authorization.ts";
import {
  ALGORITHM,
  checkedCredential,
  checkScopeDate,
  requireSigned,
  splitSignedHeaders,
  unsupported,
} from "./credential.ts";
import { sigV4Failure } from "./errors.ts";
import { parsePayloadMode } from "./payload-mode.ts";
import type { AuthorizationHeaders, RequestHead } from "./request.ts";
import { formatTimestamp, parseHttpDate, parseTimestamp } from "./timestamp.ts";

/** `Authorization: AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...` */
export function parseHeaderForm(
  request: RequestHead,
  headers: AuthorizationHeaders,
  authorization: string,
  options: AuthorizationOptions,
): V4Authorization {
  const space = authorization.indexOf(" ");
  const algorithm = space === -1 ? authorization : authorization.slice(0, space);
  if (algorithm !== ALGORITHM || space === -1) throw unsupported(algorithm);
  const fields = authorizationFields(authorization.slice(space + 1));
  const { accessKey, scope } = checkedCredential(fields.credential, options.services, malformedHeader);
  const { timestamp, signedAtMillis } = requestTime(headers);
  checkScopeDate(scope, timestamp, malformedHeader);
  const signedHeaders = splitSignedHeaders(fields.signedHeaders, malformedHeader);
  // The date stands in the string to sign and the payload's hash in the canonical request: both are covered in any
  // case.
  requireSigned(request, signedHeaders, ["x-amz-date", "x-amz-content-sha256"]);
  if (headers.contentSha256 === undefined && options.payloadHashRequired) throw sigV4Failure("SECURITY_HEADER_MISSING");
  return {
    kind: "v4",
    form: "header",
    accessKey,
    scope,
    signedHeaders,
    signature: fields.signature,
    timestamp,
    signedAtMillis,
    expiresSeconds: undefined,
    payload: parsePayloadMode(headers.contentSha256),
    sessionToken: headers.securityToken,
  };
}

interface AuthorizationFields {
  readonly credential: string;
  readonly signedHeaders: string;
  readonly signature: string;
}

const USUAL_FIELDS = /^Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([^, ]+)$/;

/** `Credential=..., SignedHeaders=..., Signature=...` in any order, with or without the spaces. */
function authorizationFields(text: string): AuthorizationFields {
  const usual = USUAL_FIELDS.exec(text);
  if (usual !== null) return { credential: usual[1]!, signedHeaders: usual[2]!, signature: usual[3]! };
  const found = new Map<string, string>();
  for (const part of text.split(",", 8)) {
    const field = part.trim();
    const equals = field.indexOf("=");
    if (equals === -1 || found.has(field.slice(0, equals)))
      throw malformedHeader("A field of Authorization is malformed.");
    found.set(field.slice(0, equals), field.slice(equals + 1));
  }
  const credential = found.get("Credential");
  const signedHeaders = found.get("SignedHeaders");
  const signature = found.get("Signature");
  if (credential === undefined || signedHeaders === undefined || signature === undefined) {
    throw malformedHeader("Authorization needs Credential, SignedHeaders and Signature.");
  }
  return { credential, signedHeaders, signature };
}

function requestTime(headers: AuthorizationHeaders): { timestamp: string; signedAtMillis: number } {
  const text = headers.amzDate ?? headers.date;
  if (text === undefined) throw sigV4Failure("DATE_MISSING");
  const signedAtMillis = parseTimestamp(text);
  if (signedAtMillis !== undefined) return { timestamp: text, signedAtMillis };
  const httpDate = parseHttpDate(text);
  if (httpDate === undefined) throw sigV4Failure("DATE_MISSING", { data: { date: text } });
  return { timestamp: formatTimestamp(httpDate), signedAtMillis: httpDate };
}

function malformedHeader(what: string, data: Readonly<Record<string, unknown>> = {}): Error {
  return sigV4Failure("AUTHORIZATION_HEADER_MALFORMED", { what, data });
}
