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
import { parsePayloadMode, UNSIGNED_PAYLOAD } from "./payload-mode.ts";
import type { AuthorizationHeaders, RequestHead } from "./request.ts";
import { parseQuery } from "./target.ts";
import { parseTimestamp } from "./timestamp.ts";

/** A week: how long a presigned link can be good. */
export const EXPIRES_SECONDS_MAX = 604_800;

/** Whether the query authorizes the request, well or badly. */
export function hasV4Query(query: string): boolean {
  return query.includes("X-Amz-") && V4_QUERY.test(query);
}

/** `?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=...` and the five that go with them: a presigned link. */
export function parseQueryForm(
  request: RequestHead,
  headers: AuthorizationHeaders,
  query: string,
  options: AuthorizationOptions,
): V4Authorization {
  const fields = queryFields(query);
  const algorithm = fields.get("X-Amz-Algorithm");
  if (algorithm !== undefined && algorithm !== ALGORITHM) throw unsupported(algorithm);
  const required = (name: string): string => {
    const value = fields.get(name);
    if (value === undefined)
      throw malformedQuery("A presigned link needs all of its X-Amz-* parameters.", { missing: name });
    return value;
  };
  required("X-Amz-Algorithm");
  const { accessKey, scope } = checkedCredential(required("X-Amz-Credential"), options.services, malformedQuery);
  const timestamp = required("X-Amz-Date");
  const signedAtMillis = parseTimestamp(timestamp);
  if (signedAtMillis === undefined)
    throw malformedQuery("X-Amz-Date must be in the form YYYYMMDD'T'HHMMSS'Z'.", { timestamp });
  checkScopeDate(scope, timestamp, malformedQuery);
  const expires = required("X-Amz-Expires");
  if (!/^\d{1,6}$/.test(expires) || Number(expires) < 1 || Number(expires) > EXPIRES_SECONDS_MAX) {
    throw malformedQuery("X-Amz-Expires must be a number of seconds from 1 to 604800.", { expires });
  }
  const signedHeaders = splitSignedHeaders(required("X-Amz-SignedHeaders"), malformedQuery);
  requireSigned(request, signedHeaders, ["x-amz-content-sha256"]);
  const contentSha256 = fields.get("X-Amz-Content-Sha256") ?? headers.contentSha256;
  return {
    kind: "v4",
    form: "query",
    accessKey,
    scope,
    signedHeaders,
    signature: required("X-Amz-Signature"),
    timestamp,
    signedAtMillis,
    expiresSeconds: Number(expires),
    payload: contentSha256 === undefined ? UNSIGNED_PAYLOAD : parsePayloadMode(contentSha256),
    sessionToken: fields.get("X-Amz-Security-Token") ?? headers.securityToken,
  };
}

const V4_QUERY = /(?:^|&)X-Amz-(?:Algorithm|Credential|Signature)=/;

function queryFields(query: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const { name, value } of parseQuery(query)) {
    if (!name.startsWith("X-Amz-")) continue;
    if (fields.has(name)) throw malformedQuery("A parameter of a presigned link was sent twice.", { name });
    fields.set(name, value);
  }
  return fields;
}

function malformedQuery(what: string, data: Readonly<Record<string, unknown>> = {}): Error {
  return sigV4Failure("AUTHORIZATION_QUERY_MALFORMED", { what, data });
}
