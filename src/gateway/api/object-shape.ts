import type { ObjectInfo, ObjectMetadata } from "../../service/objects/index.ts";
import { strictText, toBase64, utf8 } from "../../std/bytes.ts";
import { httpDate } from "../../std/time-text.ts";
import type { RequestHeaders } from "../http/index.ts";
import type { Infer } from "./schema.ts";
import { instant } from "./status/reporter.ts";

const USER_PREFIX = "x-amz-meta-";

export function objectShape(info: ObjectInfo): Infer<"Object"> {
  const { key, versionId, size, etag, lastModifiedMillis, metadata, checksum, tagCount, partCount } = info;
  const { contentType, contentEncoding, contentDisposition, contentLanguage, cacheControl, expires } = metadata;
  const behind = checksum?.type === "composite" ? `-${partCount ?? 0}` : "";
  return {
    ...{ key, versionId, etag, tagCount, partCount, storageClass: metadata.storageClass },
    ...{ contentType, contentEncoding, contentDisposition, contentLanguage, cacheControl, expires },
    sizeBytes: size,
    modifiedAt: instant(lastModifiedMillis),
    metadata: Object.fromEntries(metadata.user),
    checksum: checksum && `${checksum.algorithm}=${toBase64(checksum.value)}${behind}`,
  };
}

/**
 * Of an answer with the object's bytes. What a user stored must never run as a page of this origin, where the console's session lives:
 * browsers save it, do not guess its type, and would run it without any right.
 */
export function objectHeaders(info: ObjectInfo, key: string): string[] {
  const { etag, lastModifiedMillis, metadata, versionId } = info;
  const headers = [
    ...["Content-Type", encodeHeader(metadata.contentType ?? "application/octet-stream")],
    ...["Content-Disposition", `attachment; filename*=UTF-8''${fileName(key)}`],
    ...["Content-Security-Policy", "sandbox; default-src 'none'"],
    ...["ETag", `"${etag}"`, "Last-Modified", httpDate(lastModifiedMillis), "Accept-Ranges", "bytes"],
  ];
  if (metadata.contentEncoding !== undefined) headers.push("Content-Encoding", encodeHeader(metadata.contentEncoding));
  if (metadata.contentLanguage !== undefined) headers.push("Content-Language", encodeHeader(metadata.contentLanguage));
  if (versionId !== undefined) headers.push("x-amz-version-id", versionId);
  return headers;
}

/** What the headers of an upload say about the object. */
export function readMetadata(headers: RequestHeaders): ObjectMetadata {
  const user = new Map<string, string>();
  for (const [name, value] of headers.entries()) {
    if (name.startsWith(USER_PREFIX)) user.set(name.slice(USER_PREFIX.length), decodeHeader(value));
  }
  const named = {
    contentType: headers.get("content-type"),
    contentEncoding: headers.get("content-encoding"),
    contentDisposition: headers.get("content-disposition"),
    contentLanguage: headers.get("content-language"),
    cacheControl: headers.get("cache-control"),
    expires: headers.get("expires"),
  };
  const given = Object.entries(named).flatMap(([name, value]) => (value ? [[name, decodeHeader(value)] as const] : []));
  return { ...Object.fromEntries(given), user };
}

/** The last piece of the key, escaped as RFC 8187 asks. */
function fileName(key: string): string {
  const name = key.slice(key.lastIndexOf("/", key.length - 2) + 1).replace(/\/$/, "");
  return encodeURIComponent((name || "object").toWellFormed()).replace(/['()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}

/** On the wire a header is bytes: what is UTF-8 is kept as that text, anything else as Latin-1. */
function decodeHeader(value: string): string {
  return strictText(Uint8Array.from(value, (character) => character.charCodeAt(0))) ?? value;
}

/** Text goes out as UTF-8. What a form brought in that no header can hold becomes spaces. */
function encodeHeader(value: string): string {
  const bytes = Array.from(utf8(value), (byte) => String.fromCharCode(byte)).join("");
  return bytes.replace(/[^\t\x20-\x7e\x80-\xff]/g, " ");
}
