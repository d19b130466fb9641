import type { ListPage, ObjectInfo, ObjectName, PartInfo } from "../../service/objects/index.ts";
import { httpDate } from "../../std/time-text.ts";
import { listOf, parseLength } from "../http/index.ts";
import { checksumElement, checksumText, checksumTypeLabel } from "./checksums.ts";
import { invalidArgument } from "./errors.ts";
import { LIST_LIMIT_MAX } from "./listing-arguments.ts";
import { type Operator, operator, type Ports } from "./operator.ts";
import { type S3Reply, type S3Request, versionIdOf } from "./request.ts";
import { XmlReply } from "./xml.ts";

const ATTRIBUTES = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"] as const;
type Attribute = (typeof ATTRIBUTES)[number];

interface AttributesRequest {
  readonly name: ObjectName;
  readonly wanted: ReadonlySet<Attribute>;
  readonly partsAfter: number;
  readonly partsMax: number;
}

interface Attributes {
  readonly info: ObjectInfo;
  readonly parts: ListPage<PartInfo> | undefined;
}

export const getObjectAttributes: Operator = operator({
  parse: parseAttributes,
  handle: async ({ name, wanted, partsAfter, partsMax }, { objects }: Ports): Promise<Attributes> => {
    const { info } = await objects.stat(name);
    if (!wanted.has("ObjectParts") || info.partCount === undefined) return { info, parts: undefined };
    if (partsMax === 0) return { info, parts: { items: [], commonPrefixes: [], next: undefined } };
    const versioned = { ...name, versionId: info.versionId ?? name.versionId };
    return { info, parts: await objects.objectParts(versioned, partsAfter, partsMax) };
  },
  encode: encodeAttributes,
});

function parseAttributes(input: S3Request): AttributesRequest {
  const { bucket, key, headers } = input;
  const names = listOf(headers.get("x-amz-object-attributes"));
  if (names.length === 0) {
    throw invalidArgument(
      "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
      "x-amz-object-attributes",
      "",
    );
  }
  const wanted = new Set<Attribute>();
  for (const name of names) {
    const attribute = ATTRIBUTES.find((known) => known === name);
    if (attribute === undefined) {
      throw invalidArgument("Invalid attribute name specified.", "x-amz-object-attributes", name);
    }
    wanted.add(attribute);
  }
  return {
    name: { bucket, key, versionId: versionIdOf(input) },
    wanted,
    partsAfter: numberHeader(input, "x-amz-part-number-marker", 0),
    partsMax: Math.min(numberHeader(input, "x-amz-max-parts", LIST_LIMIT_MAX), LIST_LIMIT_MAX),
  };
}

function numberHeader({ headers }: S3Request, name: string, otherwise: number): number {
  const text = headers.get(name);
  if (text === undefined) return otherwise;
  const value = parseLength(text);
  if (value === undefined) throw invalidArgument(`The ${name} header must be a number.`, name, text);
  return value;
}

function encodeAttributes({ info, parts }: Attributes, request: AttributesRequest): S3Reply {
  const { wanted } = request;
  const xml = new XmlReply("GetObjectAttributesResponse");
  if (wanted.has("ETag")) xml.text("ETag", info.etag);
  if (wanted.has("Checksum") && info.checksum !== undefined) {
    xml.open("Checksum").text(checksumElement(info.checksum.algorithm), checksumText(info.checksum, info.partCount));
    xml.text("ChecksumType", checksumTypeLabel(info.checksum)).close();
  }
  if (parts !== undefined) writeParts(xml, parts, info, request);
  if (wanted.has("StorageClass")) xml.text("StorageClass", info.metadata.storageClass ?? "STANDARD");
  if (wanted.has("ObjectSize")) xml.text("ObjectSize", info.size);
  const headers = ["Last-Modified", httpDate(info.lastModifiedMillis)];
  if (info.versionId !== undefined) headers.push("x-amz-version-id", info.versionId);
  return xml.reply(headers);
}

function writeParts(xml: XmlReply, parts: ListPage<PartInfo>, info: ObjectInfo, request: AttributesRequest): void {
  xml
    .open("ObjectParts")
    .text("PartsCount", info.partCount ?? 0)
    .text("PartNumberMarker", request.partsAfter);
  if (parts.next !== undefined) xml.text("NextPartNumberMarker", parts.next);
  xml.text("MaxParts", request.partsMax).text("IsTruncated", parts.next !== undefined);
  for (const part of parts.items) {
    xml.open("Part").text("PartNumber", part.partNumber).text("Size", part.size);
    if (part.checksum !== undefined) {
      xml.text(checksumElement(part.checksum.algorithm), checksumText(part.checksum, undefined));
    }
    xml.close();
  }
  xml.close();
}
