// Conditions and ranges of HTTP (RFC 9110, sections 13 and 14), as the objects service takes them.

import type { Conditions, RangeRequest } from "../../service/objects/index.ts";
import { listOf, parseHttpDate, parseLength, type RequestHeaders } from "../http/index.ts";

/** Undefined where the request has none. A date that is none is ignored, as the RFC asks. */
export function readConditions(headers: RequestHeaders): Conditions | undefined {
  const ifMatch = headers.get("if-match");
  const ifNoneMatch = headers.get("if-none-match");
  const ifModifiedSinceMillis = parseHttpDate(headers.get("if-modified-since") ?? "");
  const ifUnmodifiedSinceMillis = parseHttpDate(headers.get("if-unmodified-since") ?? "");
  const conditions: Conditions = {
    ...(ifMatch !== undefined && { ifMatch: etagsOf(ifMatch) }),
    ...(ifNoneMatch !== undefined && { ifNoneMatch: etagsOf(ifNoneMatch) }),
    ...(ifModifiedSinceMillis !== undefined && { ifModifiedSinceMillis }),
    ...(ifUnmodifiedSinceMillis !== undefined && { ifUnmodifiedSinceMillis }),
  };
  return Object.keys(conditions).length === 0 ? undefined : conditions;
}

/** One range of bytes. Anything else, several ranges among it, is ignored: the whole object is an answer to it. */
export function readRange(headers: RequestHeaders): RangeRequest | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(headers.get("range")?.trim() ?? "");
  if (match === null) return undefined;
  const start = parseLength(match[1]!);
  const end = parseLength(match[2]!);
  if (start === undefined) return end === undefined ? undefined : { kind: "suffix", length: end };
  if (end === undefined) return match[2] === "" ? { kind: "from", start } : undefined;
  return end < start ? undefined : { kind: "from", start, end: end + 1 };
}

function etagsOf(value: string): string[] {
  return listOf(value).map((tag) => tag.replace(/^W\//, "").replace(/^"(.*)"$/, "$1"));
}
