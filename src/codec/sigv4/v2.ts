// Signature Version 2: HMAC-SHA1 over a few headers, the path and the subresources. Old clients and hand-made links
// still use it (boto3 presigns with it unless told otherwise). It covers neither the host nor most of the query.
//
//     METHOD \n Content-MD5 \n Content-Type \n date \n
//     x-amz-name:value \n ...        sorted
//     [/bucket] path [?subresource[=value]&...]

import { toBase64, utf8 } from "../../std/bytes.ts";
import type { V2Authorization } from "./authorization.ts";
import { sigV4Failure } from "./errors.ts";
import { unchainedPayload } from "./payload-mode.ts";
import { type AuthorizationHeaders, headerValues, isAmzHeader, type RequestHead } from "./request.ts";
import { type HmacSha1, writeByteString } from "./sha256.ts";
import { escapedPath, parseQuery, splitTarget } from "./target.ts";
import { CLOCK_SKEW_MILLIS_MAX } from "./time-check.ts";
import { parseHttpDate, parseTimestamp } from "./timestamp.ts";
import { timingSafeEqual } from "./timing-safe.ts";

export interface V2Verification {
  readonly secretKey: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The bucket that the Host header named (virtual-hosted style): V2 signs it in front of the path. */
  readonly hostBucket?: string;
}

export function hasV2Query(query: string): boolean {
  return query.includes("AWSAccessKeyId=") && /(?:^|&)AWSAccessKeyId=/.test(query);
}

/** `Authorization: AWS accessKey:signature` */
export function parseV2Header(headers: AuthorizationHeaders, authorization: string): V2Authorization {
  const colon = authorization.lastIndexOf(":");
  const accessKey = authorization.slice(4, Math.max(colon, 4)).trim();
  const signature = authorization.slice(colon + 1).trim();
  if (colon === -1 || accessKey === "" || signature === "") {
    throw sigV4Failure("AUTHORIZATION_HEADER_MALFORMED", { what: "Authorization must be AWS accessKey:signature." });
  }
  const text = headers.amzDate ?? headers.date;
  const timeMillis = text === undefined ? undefined : (parseHttpDate(text) ?? parseTimestamp(text));
  if (timeMillis === undefined) throw sigV4Failure("DATE_MISSING", { data: { date: text } });
  return {
    kind: "v2",
    form: "header",
    accessKey,
    signature,
    dateLine: headers.amzDate === undefined ? headers.date! : "",
    timeMillis,
    payload: unchainedPayload(headers.contentSha256),
    sessionToken: headers.securityToken,
  };
}

/** `?AWSAccessKeyId=...&Expires=...&Signature=...`: a presigned link. */
export function parseV2Query(headers: AuthorizationHeaders, query: string): V2Authorization {
  const fields = new Map(parseQuery(query).map(({ name, value }) => [name, value]));
  const accessKey = fields.get("AWSAccessKeyId");
  const signature = fields.get("Signature");
  const expires = fields.get("Expires");
  if (!accessKey || !signature || expires === undefined || !/^\d{1,12}$/.test(expires)) {
    throw sigV4Failure("AUTHORIZATION_QUERY_MALFORMED", {
      what: "A presigned link needs AWSAccessKeyId, Signature and Expires in seconds since 1970.",
    });
  }
  return {
    kind: "v2",
    form: "query",
    accessKey,
    signature,
    dateLine: expires,
    timeMillis: Number(expires) * 1000,
    payload: unchainedPayload(headers.contentSha256),
    sessionToken: headers.securityToken ?? fields.get("x-amz-security-token"),
  };
}

/** Returns if the signature holds; fails with REQUEST_TIME_TOO_SKEWED, REQUEST_EXPIRED or SIGNATURE_DOES_NOT_MATCH. */
export function verifyV2Signature(
  hmacSha1: HmacSha1,
  authorization: V2Authorization,
  request: RequestHead,
  verification: V2Verification,
): void {
  checkTime(authorization, verification.now);
  const { path } = splitTarget(request.target);
  let stringToSign = "";
  for (const spelling of pathSpellings(path)) {
    stringToSign = stringToSignV2(request, authorization.dateLine, spelling, verification.hostBucket);
    const expected = v2Signature(hmacSha1, verification.secretKey, stringToSign);
    if (timingSafeEqual(expected, authorization.signature)) return;
  }
  throw sigV4Failure("SIGNATURE_DOES_NOT_MATCH", {
    data: { accessKey: authorization.accessKey, signatureProvided: authorization.signature, stringToSign },
  });
}

/** The signature of a string to sign, or of a POST policy in base64. */
export function v2Signature(hmacSha1: HmacSha1, secretKey: string, stringToSign: string): string {
  const buffer = new Uint8Array(stringToSign.length * 3);
  return toBase64(hmacSha1(utf8(secretKey), buffer.subarray(0, writeByteString(stringToSign, buffer))));
}

/** What is signed of the query. Parameters that are not listed are not covered by a V2 signature at all. */
const SUBRESOURCES: ReadonlySet<string> = new Set([
  ...["accelerate", "acl", "analytics", "cors", "defaultObjectAcl", "delete", "inventory", "lifecycle", "location"],
  ...["logging", "metrics", "notification", "object-lock", "partNumber", "policy", "replication", "requestPayment"],
  ...["response-cache-control", "response-content-disposition", "response-content-encoding"],
  ...["response-content-language", "response-content-type", "response-expires", "restore", "select", "select-type"],
  ...["storageClass", "tagging", "torrent", "uploadId", "uploads", "versionId", "versioning", "versions", "website"],
]);

function checkTime(authorization: V2Authorization, now: number): void {
  const { form, timeMillis } = authorization;
  if (form === "query") {
    if (now > timeMillis)
      throw sigV4Failure("REQUEST_EXPIRED", { data: { expiresMillis: timeMillis, serverMillis: now } });
  } else if (Math.abs(now - timeMillis) > CLOCK_SKEW_MILLIS_MAX) {
    throw sigV4Failure("REQUEST_TIME_TOO_SKEWED", { data: { requestMillis: timeMillis, serverMillis: now } });
  }
}

/**
 * Some clients escape differently from what they sign; boto signs the path of a bucket with a slash that it does not
 * send.
 */
function pathSpellings(path: string): ReadonlySet<string> {
  const ofBucket = path.indexOf("/", 1) === -1 && path !== "/";
  return new Set(ofBucket ? [path, `${path}/`, escapedPath(path)] : [path, escapedPath(path)]);
}

function stringToSignV2(request: RequestHead, dateLine: string, path: string, hostBucket: string | undefined): string {
  const first = (name: string): string => headerValues(request.rawHeaders, name)[0]?.trim() ?? "";
  const bucket = hostBucket === undefined ? "" : `/${hostBucket}`;
  return (
    `${request.method}\n${first("content-md5")}\n${first("content-type")}\n${dateLine}\n` +
    `${amzHeaderLines(request.rawHeaders)}${bucket}${path}${subresources(splitTarget(request.target).query)}`
  );
}

function amzHeaderLines(rawHeaders: readonly string[]): string {
  const values = new Map<string, string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (!isAmzHeader(rawHeaders[at]!)) continue;
    const name = rawHeaders[at]!.toLowerCase();
    const before = values.get(name);
    values.set(name, before === undefined ? rawHeaders[at + 1]!.trim() : `${before},${rawHeaders[at + 1]!.trim()}`);
  }
  const names = [...values.keys()].sort();
  return names.map((name) => `${name}:${values.get(name)!}\n`).join("");
}

function subresources(query: string): string {
  const signed = query.split("&").filter((part) => SUBRESOURCES.has(part.split("=", 1)[0]!));
  if (signed.length === 0) return "";
  const pairs = signed.map((part) => {
    const [{ name, value }] = parseQuery(part) as [{ name: string; value: string }];
    // A bare `uploads` and `uploads=` are one subresource; the signature has it without the "=".
    return { name, text: value === "" ? name : `${name}=${value}` };
  });
  pairs.sort((left, right) => (left.name < right.name ? -1 : left.name > right.name ? 1 : 0));
  return `?${pairs.map(({ text }) => text).join("&")}`;
}
