import type { VersionInfo, VersionListRequest, VersionPage } from "../../service/objects/index.ts";
import { s3Failure } from "./errors.ts";
import { writeObject, writePrefixes } from "./listing.ts";
import { type Encoding, encodingOf, limitOf } from "./listing-arguments.ts";
import { type Operator, operator, type Ports } from "./operator.ts";
import type { S3Reply, S3Request } from "./request.ts";
import { XmlReply } from "./xml.ts";

interface VersionListing extends VersionListRequest {
  readonly encoding: Encoding;
}

interface OwnedPage extends VersionPage {
  readonly owner: string;
}

export const listObjectVersions: Operator = operator({
  parse: parseListing,
  handle: async (request, { objects }: Ports): Promise<OwnedPage> => {
    const { owner } = await objects.headBucket(request.bucket);
    if (request.limit > 0) return { ...(await objects.listVersions(request)), owner };
    return { items: [], commonPrefixes: [], nextKeyMarker: undefined, nextVersionIdMarker: undefined, owner };
  },
  encode: (page, request): S3Reply => {
    const { encoding } = request;
    const xml = new XmlReply("ListVersionsResult");
    xml.text("Name", request.bucket).text("Prefix", encoding.text(request.prefix));
    xml.text("KeyMarker", encoding.text(request.keyMarker)).text("VersionIdMarker", request.versionIdMarker ?? "");
    if (page.nextKeyMarker !== undefined) xml.text("NextKeyMarker", encoding.text(page.nextKeyMarker));
    if (page.nextVersionIdMarker !== undefined) xml.text("NextVersionIdMarker", page.nextVersionIdMarker);
    xml.text("MaxKeys", request.limit);
    if (request.delimiter !== "") xml.text("Delimiter", encoding.text(request.delimiter));
    if (encoding.url) xml.text("EncodingType", "url");
    xml.text("IsTruncated", page.nextKeyMarker !== undefined);
    for (const item of page.items) writeVersion(xml, item, encoding, page.owner);
    writePrefixes(xml, page.commonPrefixes, encoding);
    return xml.reply();
  },
});

function parseListing({ bucket, query }: S3Request): VersionListing {
  const keyMarker = query.get("key-marker") ?? "";
  const versionIdMarker = query.get("version-id-marker") || undefined;
  if (versionIdMarker !== undefined && keyMarker === "") {
    throw s3Failure("InvalidArgument", {
      what: "A version-id marker cannot be specified without a key marker.",
      data: { ArgumentName: "version-id-marker", ArgumentValue: versionIdMarker },
    });
  }
  return {
    bucket,
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") ?? "",
    limit: limitOf(query, "max-keys"),
    keyMarker,
    versionIdMarker,
    encoding: encodingOf(query),
  };
}

function writeVersion(xml: XmlReply, item: VersionInfo, encoding: Encoding, owner: string): void {
  const element = item.deleteMarker ? "DeleteMarker" : "Version";
  xml
    .open(element)
    .text("Key", encoding.text(item.key))
    .text("VersionId", item.versionId ?? "null");
  xml.text("IsLatest", item.isLatest);
  if (item.deleteMarker) xml.time("LastModified", item.lastModifiedMillis);
  else writeObject(xml, item);
  xml.owner(owner);
  xml.close();
}
