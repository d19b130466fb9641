import type { ObjectInfo, ObjectMetadata } from "../../service/objects/index.ts";
import { strictText, toBase64, utf8 } from "../../std/bytes.ts";
import { httpDate } from "../../std/time-text.ts";
import type { RequestHeaders } from "../http/index.ts";
import { invalidArgument, s3Failure } from "./errors.ts";
import { FEATURES } from "./operations/index.ts";

// The headers that an object keeps. On the wire a header is bytes: what is valid UTF-8 is kept as that text, anything
// else as Latin-1, and given back as UTF-8.

const USER_PREFIX = "x-amz-meta-";
const DEFAULT_TYPE = "binary/octet-stream";

/** Classes that are kept as a label; every object can be read at once, whatever its class. */
const STORAGE_CLASSES: ReadonlySet<string> = new Set([
  ...["STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"],
]);
const ARCHIVE_CLASSES: ReadonlySet<string> = new Set([
  "GLACIER",
  "DEEP_ARCHIVE",
  "SNOW",
  "OUTPOSTS",
  "EXPRESS_ONEZONE",
]);

/** `get` reads headers or the fields of a form, by their names in lower case. */
export function metadataOf(
  get: (name: string) => string | undefined,
  user: ReadonlyMap<string, string>,
): ObjectMetadata {
  const contentType = kept(get("content-type"));
  const contentEncoding = keptEncoding(get("content-encoding"));
  const contentDisposition = kept(get("content-disposition"));
  const contentLanguage = kept(get("content-language"));
  const cacheControl = kept(get("cache-control"));
  const expires = kept(get("expires"));
  const websiteRedirectLocation = kept(get("x-amz-website-redirect-location"));
  const storageClass = storageClassOf(get("x-amz-storage-class"));
  return {
    ...(contentType !== undefined && { contentType }),
    ...(contentEncoding !== undefined && { contentEncoding }),
    ...(contentDisposition !== undefined && { contentDisposition }),
    ...(contentLanguage !== undefined && { contentLanguage }),
    ...(cacheControl !== undefined && { cacheControl }),
    ...(expires !== undefined && { expires }),
    ...(websiteRedirectLocation !== undefined && { websiteRedirectLocation }),
    ...(storageClass !== undefined && { storageClass }),
    user,
  };
}

const NO_METADATA: ReadonlyMap<string, string> = new Map();

export function headerMetadata(headers: RequestHeaders): ObjectMetadata {
  return metadataOf((name) => headers.get(name), userMetadata(headers.entries()));
}

/**
 * Names without the prefix. Fails with InvalidArgument where a name could not be a header's; in a form it may be
 * anything.
 */
export function userMetadata(entries: Iterable<readonly [string, string]>): ReadonlyMap<string, string> {
  let user: Map<string, string> | undefined;
  for (const [name, value] of entries) {
    if (!name.startsWith(USER_PREFIX)) continue;
    if (!TOKEN.test(name)) throw invalidArgument("The name of the metadata can not be a header's.", "x-amz-meta", name);
    user ??= new Map();
    user.set(name.slice(USER_PREFIX.length), decodeHeader(value));
  }
  return user ?? NO_METADATA;
}

/** Undefined where it is STANDARD, which is what an object has that says nothing. */
export function storageClassOf(text: string | undefined): string | undefined {
  if (text === undefined || text === "" || text === "STANDARD") return undefined;
  if (STORAGE_CLASSES.has(text)) return text;
  if (ARCHIVE_CLASSES.has(text)) {
    throw s3Failure("NotImplemented", { what: FEATURES.restore, data: { Header: "x-amz-storage-class" } });
  }
  throw s3Failure("InvalidStorageClass", { data: { StorageClassRequested: text } });
}

/** The headers of an object on GET and HEAD. `override` gives the signed response-* parameters. */
export function pushMetadata(
  headers: string[],
  info: ObjectInfo,
  override?: (name: string) => string | undefined,
): void {
  const { metadata } = info;
  headers.push("Content-Type", encodeHeader(override?.("content-type") ?? metadata.contentType ?? DEFAULT_TYPE));
  pushText(headers, "Content-Encoding", override?.("content-encoding") ?? metadata.contentEncoding);
  pushText(headers, "Content-Disposition", override?.("content-disposition") ?? metadata.contentDisposition);
  pushText(headers, "Content-Language", override?.("content-language") ?? metadata.contentLanguage);
  pushText(headers, "Cache-Control", override?.("cache-control") ?? metadata.cacheControl);
  pushText(headers, "Expires", override?.("expires") ?? metadata.expires);
  pushText(headers, "x-amz-website-redirect-location", metadata.websiteRedirectLocation);
  pushText(headers, "x-amz-storage-class", metadata.storageClass);
  if (metadata.user.size > 0) pushUserMetadata(headers, metadata.user);
}

/** The version that a write made. A null version has no id to tell. */
export function pushNewVersion(headers: string[], versionId: string | undefined): void {
  if (versionId !== undefined && versionId !== "null") headers.push("x-amz-version-id", versionId);
}

/** What identifies a version in a reply. */
export function pushIdentity(
  headers: string[],
  info: Pick<ObjectInfo, "etag" | "lastModifiedMillis" | "versionId">,
): void {
  headers.push("ETag", `"${info.etag}"`, "Last-Modified", httpDate(info.lastModifiedMillis));
  if (info.versionId !== undefined) headers.push("x-amz-version-id", info.versionId);
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]*$/;
const NOT_ASCII = /[^\t\x20-\x7e]/;
const CONTROL = /(?!\t)\p{Cc}/u;

/** From a byte string to text. */
export function decodeHeader(value: string): string {
  if (!NOT_ASCII.test(value)) return value;
  const bytes = new Uint8Array(value.length);
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code > 0xff) return value;
    bytes[at] = code;
  }
  return strictText(bytes) ?? value;
}

/**
 * From text to a byte string: UTF-8, or an encoded word of RFC 2047 where there are characters that no header can hold.
 */
export function encodeHeader(value: string): string {
  if (!NOT_ASCII.test(value)) return value;
  if (CONTROL.test(value)) return `=?UTF-8?B?${toBase64(utf8(value))}?=`;
  let out = "";
  for (const byte of utf8(value)) out += String.fromCharCode(byte);
  return out;
}

/** A name that no header can have, as other gateways may store one, is counted, so that the client knows of it. */
function pushUserMetadata(headers: string[], user: ReadonlyMap<string, string>): void {
  let missing = 0;
  for (const [name, value] of user) {
    if (TOKEN.test(name)) headers.push(USER_PREFIX + name, encodeHeader(value));
    else missing++;
  }
  if (missing > 0) headers.push("x-amz-missing-meta", String(missing));
}

function pushText(headers: string[], name: string, value: string | undefined): void {
  if (value !== undefined) headers.push(name, encodeHeader(value));
}

function kept(value: string | undefined): string | undefined {
  return value === undefined || value === "" ? undefined : decodeHeader(value);
}

/** `aws-chunked` says how the body travelled, not what it is. */
function keptEncoding(value: string | undefined): string | undefined {
  if (value === undefined || value === "" || value === "aws-chunked") return undefined;
  if (!value.includes("aws-chunked")) return decodeHeader(value);
  const rest = value.split(",").filter((coding) => coding.trim() !== "aws-chunked");
  return rest.length === 0 ? undefined : decodeHeader(rest.join(",").trim());
}
