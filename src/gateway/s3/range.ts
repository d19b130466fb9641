import type { RangeRequest } from "../../service/objects/index.ts";
import { parseLength, type RequestHeaders } from "../http/index.ts";
import { invalidArgument, s3Failure } from "./errors.ts";
import type { Query } from "./query.ts";

const PARTS_MAX = 10_000;

/** What of the object a read asks for: a Range, a part, or (undefined) all of it. */
export function rangeOf(headers: RequestHeaders, query: Query): RangeRequest | undefined {
  const range = headers.get("range");
  const part = query.get("partNumber");
  if (part === undefined) return range === undefined ? undefined : parseRange(range);
  if (range !== undefined) {
    throw s3Failure("InvalidRequest", { what: "Cannot specify both Range header and partNumber query parameter." });
  }
  return { kind: "part", number: partNumberOf(part) };
}

/**
 * `bytes=first-last`, `bytes=first-` or `bytes=-count`. What is anything else, or several ranges, is ignored, so the
 * whole object is the answer (RFC 9110, section 14.2, and what S3 does).
 */
export function parseRange(text: string): RangeRequest | undefined {
  if (!text.startsWith("bytes=")) return undefined;
  const spec = text.slice(6).trim();
  const dash = spec.indexOf("-");
  if (dash === -1) return undefined;
  const last = spec.length === dash + 1 ? undefined : parseLength(spec.slice(dash + 1));
  if (dash === 0) return last === undefined ? undefined : { kind: "suffix", length: last };
  const start = parseLength(spec.slice(0, dash));
  if (start === undefined) return undefined;
  if (spec.length === dash + 1) return { kind: "from", start };
  return last === undefined || last < start ? undefined : { kind: "from", start, end: last + 1 };
}

/** x-amz-copy-source-range, which is not forgiving: both ends must be there. */
export function copyRange(text: string): { readonly start: number; readonly end: number } {
  const range = parseRange(text);
  if (range?.kind === "from" && range.end !== undefined) return { start: range.start, end: range.end };
  throw invalidArgument(
    "The x-amz-copy-source-range value must be of the form bytes=first-last, with the offsets of the first and last byte",
    "x-amz-copy-source-range",
    text,
  );
}

export function partNumberOf(text: string): number {
  const number = parseLength(text);
  if (number !== undefined && number >= 1 && number <= PARTS_MAX) return number;
  throw invalidArgument(`Part number must be an integer between 1 and ${PARTS_MAX}, inclusive`, "partNumber", text);
}
