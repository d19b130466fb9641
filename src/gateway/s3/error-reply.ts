import { XmlWriter } from "../../codec/xml/index.ts";
import { utf8 } from "../../std/bytes.ts";
import { httpDate } from "../../std/time-text.ts";
import type { ToldError } from "./error-map.ts";
import type { S3Reply } from "./request.ts";
import { xmlReply } from "./xml.ts";

/** What an error's body says about the request, beside the error. */
export interface ErrorPlace {
  readonly method: string;
  readonly resource: string;
  readonly requestId: string;
  readonly hostId: string;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
}

/** The answer to a request that failed. HEAD and 304 have no body, whatever went wrong. */
export function errorReply(error: ToldError, place: ErrorPlace): S3Reply {
  const headers = errorHeaders(error);
  if (place.method === "HEAD" || error.status === 304) return { status: error.status, headers };
  return xmlReply(error.status, headers, errorDocument(error, place));
}

function errorHeaders({ code, data }: ToldError): string[] {
  const headers: string[] = [];
  const { cause, deleteMarker, versionId, etag, lastModifiedMillis, allowed, size } = data;
  const isMarker = cause === "IS_DELETE_MARKER" || deleteMarker === true;
  if (isMarker) headers.push("x-amz-delete-marker", "true");
  if ((isMarker || code === "NotModified") && typeof versionId === "string")
    headers.push("x-amz-version-id", versionId);
  if (typeof etag === "string" && code === "NotModified") headers.push("ETag", `"${etag}"`);
  if (typeof lastModifiedMillis === "number") headers.push("Last-Modified", httpDate(lastModifiedMillis));
  if (code === "MethodNotAllowed") headers.push("Allow", Array.isArray(allowed) ? allowed.join(", ") : "DELETE");
  if (code === "InvalidRange" && typeof size === "number") headers.push("Content-Range", `bytes */${size}`);
  if (code === "SlowDown" || code === "ServiceUnavailable") headers.push("Retry-After", "1");
  return headers;
}

export function errorDocument(error: ToldError, place: ErrorPlace): Uint8Array {
  const { code, message, data } = error;
  const { BucketName, Key, bucket = place.bucket, size, bytes = size } = data;
  const xml = new XmlWriter("Error").text("Code", code).text("Message", message);
  if (ABOUT_BUCKET.has(code) && BucketName === undefined) writeDetail(xml, "BucketName", bucket);
  if (ABOUT_KEY.has(code) && Key === undefined) writeDetail(xml, "Key", place.key);
  for (const [name, value] of Object.entries(data)) writeDetail(xml, name, value);
  if (code === "InvalidRange") writeDetail(xml, "ActualObjectSize", size);
  if (code === "EntityTooLarge" || code === "EntityTooSmall") writeDetail(xml, "ProposedSize", bytes);
  xml.text("Resource", place.resource).text("RequestId", place.requestId).text("HostId", place.hostId);
  return xml.finish();
}

const ABOUT_BUCKET: ReadonlySet<string> = new Set([
  ...["NoSuchBucket", "BucketAlreadyExists", "BucketAlreadyOwnedByYou", "BucketNotEmpty", "InvalidBucketName"],
]);
const ABOUT_KEY: ReadonlySet<string> = new Set(["NoSuchKey", "NoSuchVersion"]);

/** What the layers below call a fact, and the element that S3 has for it. Other facts stay inside. */
const ELEMENTS: ReadonlyMap<string, string> = new Map([
  ["accessKey", "AWSAccessKeyId"],
  ["signatureProvided", "SignatureProvided"],
  ["stringToSign", "StringToSign"],
  ["canonicalRequest", "CanonicalRequest"],
  ["headers", "HeadersNotSigned"],
  ["condition", "Condition"],
  ["versionId", "VersionId"],
  ["uploadId", "UploadId"],
  ["partNumber", "PartNumber"],
  ["path", "Path"],
]);
/** S3 shows these in hexadecimal too: line ends and blanks are what differs most often. */
const SHOWN_AS_BYTES: ReadonlySet<string> = new Set(["StringToSign", "CanonicalRequest"]);
const DETAIL_CHARACTERS_MAX = 16_384;

function writeDetail(xml: XmlWriter, name: string, value: unknown): void {
  const element = ELEMENTS.get(name) ?? (/^[A-Z][A-Za-z0-9]*$/.test(name) ? name : undefined);
  if (element === undefined || value === undefined) return;
  const text = (Array.isArray(value) ? value.join(", ") : String(value)).slice(0, DETAIL_CHARACTERS_MAX).toWellFormed();
  // No XML can hold a NUL, not even as a reference.
  const shown = text.replaceAll("\0", "\ufffd");
  xml.text(element, shown);
  if (SHOWN_AS_BYTES.has(element)) xml.text(`${element}Bytes`, spacedHex(utf8(shown)));
}

function spacedHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
