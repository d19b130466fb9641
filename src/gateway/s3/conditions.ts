import type { Conditions, DeleteRequest } from "../../service/objects/index.ts";
import { parseHttpDate, parseLength, type RequestHeaders } from "../http/index.ts";
import { invalidArgument } from "./errors.ts";

/** If-Match and its relatives on a read. A date that is none is ignored (RFC 9110, section 13.1.3). */
export function readConditions(headers: RequestHeaders): Conditions | undefined {
  return conditionsOf(headers, "");
}

/** The same of a copy's source: x-amz-copy-source-if-match and so on. */
export function sourceConditions(headers: RequestHeaders): Conditions | undefined {
  return conditionsOf(headers, "x-amz-copy-source-");
}

/** If-Match and If-None-Match on a write; dates are not looked at there, as in S3. */
export function writeConditions(headers: RequestHeaders): Conditions | undefined {
  const ifMatch = headers.get("if-match");
  const ifNoneMatch = headers.get("if-none-match");
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined;
  return {
    ...(ifMatch !== undefined && { ifMatch: etagsOf(ifMatch) }),
    ...(ifNoneMatch !== undefined && { ifNoneMatch: etagsOf(ifNoneMatch) }),
  };
}

export function deleteConditions(headers: RequestHeaders): DeleteRequest["conditions"] {
  const ifMatch = headers.get("if-match");
  const size = headers.get("x-amz-if-match-size");
  const lastModified = headers.get("x-amz-if-match-last-modified-time");
  if (ifMatch === undefined && size === undefined && lastModified === undefined) return undefined;
  return {
    ...(ifMatch !== undefined && { ifMatch: etagsOf(ifMatch) }),
    ...(size !== undefined && { ifMatchSize: sizeOf(size, "x-amz-if-match-size") }),
    ...(lastModified !== undefined && {
      ifMatchLastModifiedMillis: dateOf(lastModified, "x-amz-if-match-last-modified-time"),
    }),
  };
}

/**
 * Entity tags without quotes and without the mark of a weak one: S3's are all strong, and clients leave the quotes out.
 */
export function etagsOf(text: string): string[] {
  return text.split(",").map((tag) => bareEtag(tag));
}

export function bareEtag(tag: string): string {
  const trimmed = tag.trim();
  const strong = trimmed.startsWith("W/") ? trimmed.slice(2) : trimmed;
  const isQuoted = strong.length >= 2 && strong.startsWith('"') && strong.endsWith('"');
  return isQuoted ? strong.slice(1, -1) : strong;
}

export function sizeOf(text: string, name: string): number {
  const size = parseLength(text);
  if (size === undefined) throw invalidArgument("The size must be a number of bytes.", name, text);
  return size;
}

export function dateOf(text: string, name: string): number {
  const millis = parseHttpDate(text);
  if (millis === undefined) throw invalidArgument("The date is not a valid HTTP date.", name, text);
  return millis;
}

function conditionsOf(headers: RequestHeaders, prefix: string): Conditions | undefined {
  const ifMatch = headers.get(`${prefix}if-match`);
  const ifNoneMatch = headers.get(`${prefix}if-none-match`);
  const modified = headers.get(`${prefix}if-modified-since`);
  const unmodified = headers.get(`${prefix}if-unmodified-since`);
  if (ifMatch === undefined && ifNoneMatch === undefined && modified === undefined && unmodified === undefined) {
    return undefined;
  }
  const ifModifiedSinceMillis = modified === undefined ? undefined : parseHttpDate(modified);
  const ifUnmodifiedSinceMillis = unmodified === undefined ? undefined : parseHttpDate(unmodified);
  return {
    ...(ifMatch !== undefined && { ifMatch: etagsOf(ifMatch) }),
    ...(ifNoneMatch !== undefined && { ifNoneMatch: etagsOf(ifNoneMatch) }),
    ...(ifModifiedSinceMillis !== undefined && { ifModifiedSinceMillis }),
    ...(ifUnmodifiedSinceMillis !== undefined && { ifUnmodifiedSinceMillis }),
  };
}
