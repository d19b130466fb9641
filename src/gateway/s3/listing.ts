import type { ListPage, ListRequest, ObjectInfo } from "../../service/objects/index.ts";
import { fromBase64, strictText, toBase64, utf8 } from "../../std/bytes.ts";
import { checksumLabel, checksumTypeLabel } from "./checksums.ts";
import { invalidArgument } from "./errors.ts";
import { type Encoding, encodingOf, limitOf } from "./listing-arguments.ts";
import { type Operator, operator, type Ports } from "./operator.ts";
import type { Query } from "./query.ts";
import type { S3Reply } from "./request.ts";
import { XmlReply } from "./xml.ts";

interface ObjectListing extends ListRequest {
  readonly encoding: Encoding;
  readonly fetchOwner: boolean;
}

interface ObjectPage extends ListPage<ObjectInfo> {
  readonly owner: string | undefined;
}

export const listObjects: Operator = operator({
  parse: ({ bucket, query }): ObjectListing => ({
    ...listingOf(bucket, query),
    after: query.get("marker") ?? "",
    fetchOwner: true,
  }),
  handle: listPage,
  encode: (page, request, { query, bucket }, { options }): S3Reply => {
    const { encoding } = request;
    const xml = new XmlReply("ListBucketResult");
    // Of all that `encoding-type` is about, clients leave the prefix of this version as it comes.
    xml.text("Name", bucket).text("Prefix", request.prefix);
    xml.text("Marker", encoding.text(query.get("marker") ?? ""));
    // S3 gives a marker only with a delimiter: without one, the last key is the marker.
    if (page.next !== undefined && request.delimiter !== "") xml.text("NextMarker", encoding.text(page.next));
    writePage(xml, page, request);
    return xml.reply(["x-amz-bucket-region", options.region]);
  },
});

export const listObjectsV2: Operator = operator({
  parse: ({ bucket, query }): ObjectListing => {
    const token = query.get("continuation-token");
    return {
      ...listingOf(bucket, query),
      after: token === undefined || token === "" ? (query.get("start-after") ?? "") : decodeToken(token),
      fetchOwner: query.get("fetch-owner") === "true",
    };
  },
  handle: listPage,
  encode: (page, request, { query, bucket }, { options }): S3Reply => {
    const { encoding } = request;
    const xml = new XmlReply("ListBucketResult");
    xml.text("Name", bucket).text("Prefix", encoding.text(request.prefix));
    const startAfter = query.get("start-after");
    const token = query.get("continuation-token");
    if (startAfter !== undefined) xml.text("StartAfter", encoding.text(startAfter));
    if (token !== undefined) xml.text("ContinuationToken", token);
    if (page.next !== undefined) xml.text("NextContinuationToken", encodeToken(page.next));
    xml.text("KeyCount", page.items.length + page.commonPrefixes.length);
    writePage(xml, page, request);
    return xml.reply(["x-amz-bucket-region", options.region]);
  },
});

const TOKEN_VERSION = "1";

/** The place behind which the listing goes on: opaque to the client, and all that the server needs to know. */
export function encodeToken(after: string): string {
  return TOKEN_VERSION + toBase64(utf8(after)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function decodeToken(token: string): string {
  const encoded = token.slice(1).replaceAll("-", "+").replaceAll("_", "/");
  const bytes = token.startsWith(TOKEN_VERSION)
    ? fromBase64(encoded.padEnd(Math.ceil(encoded.length / 4) * 4, "="))
    : undefined;
  const after = bytes && strictText(bytes);
  if (after !== undefined) return after;
  throw invalidArgument("The continuation token provided is incorrect", "continuation-token", token);
}

function listingOf(bucket: string, query: Query): Omit<ObjectListing, "after" | "fetchOwner"> {
  return {
    bucket,
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") ?? "",
    limit: limitOf(query, "max-keys"),
    encoding: encodingOf(query),
  };
}

async function listPage(request: ObjectListing, { objects }: Ports): Promise<ObjectPage> {
  const owner = request.fetchOwner ? (await objects.headBucket(request.bucket)).owner : undefined;
  if (request.limit > 0) return { ...(await objects.list(request)), owner };
  if (owner === undefined) await objects.headBucket(request.bucket);
  return { items: [], commonPrefixes: [], next: undefined, owner };
}

function writePage(xml: XmlReply, page: ObjectPage, { encoding, limit, delimiter }: ObjectListing): void {
  xml.text("MaxKeys", limit);
  if (delimiter !== "") xml.text("Delimiter", encoding.text(delimiter));
  if (encoding.url) xml.text("EncodingType", "url");
  xml.text("IsTruncated", page.next !== undefined);
  for (const item of page.items) {
    xml.open("Contents").text("Key", encoding.text(item.key));
    writeObject(xml, item);
    if (page.owner !== undefined) xml.owner(page.owner);
    xml.close();
  }
  writePrefixes(xml, page.commonPrefixes, encoding);
}

/** What every listing says about an object, behind its key. */
export function writeObject(xml: XmlReply, item: ObjectInfo): void {
  xml.time("LastModified", item.lastModifiedMillis).etag(item.etag);
  if (item.checksum !== undefined) {
    xml.text("ChecksumAlgorithm", checksumLabel(item.checksum.algorithm));
    xml.text("ChecksumType", checksumTypeLabel(item.checksum));
  }
  xml.text("Size", item.size).text("StorageClass", item.metadata.storageClass ?? "STANDARD");
}

export function writePrefixes(xml: XmlReply, prefixes: readonly string[], encoding: Encoding): void {
  for (const prefix of prefixes) xml.open("CommonPrefixes").text("Prefix", encoding.text(prefix)).close();
}
