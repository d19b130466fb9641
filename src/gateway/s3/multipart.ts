import type {
  ChecksumAlgorithm,
  CompletePart,
  CompleteRequest,
  CreateUploadRequest,
  ListPage,
  PartInfo,
  PutPartRequest,
  PutResult,
  UploadChecksum,
  UploadInfo,
  UploadName,
} from "../../service/objects/index.ts";
import { objectBody } from "./body.ts";
import {
  CHECKSUM_ELEMENTS,
  checksumElement,
  checksumLabel,
  checksumText,
  checksumTypeLabel,
  checksumValue,
  pushChecksum,
  uploadChecksum,
  wholeChecksum,
} from "./checksums.ts";
import { bareEtag, sizeOf, writeConditions } from "./conditions.ts";
import { readDocument } from "./document.ts";
import { s3Failure } from "./errors.ts";
import { limitOf, markerOf } from "./listing-arguments.ts";
import { locationOf } from "./location.ts";
import { headerMetadata, pushNewVersion } from "./metadata.ts";
import { emptyReply, type Operator, operator, type Ports } from "./operator.ts";
import { partNumberOf } from "./range.ts";
import type { S3Reply, S3Request } from "./request.ts";
import { parseTagging } from "./tags.ts";
import { textOf, type XmlElement, XmlReply } from "./xml.ts";

const PARTS_MAX = 10_000;
const PART_ELEMENTS = ["PartNumber", "ETag", ...CHECKSUM_ELEMENTS.map(({ element }) => element)];
/** 10,000 parts with an ETag and the longest checksum, with room for white space. */
const COMPLETE_BYTES_MAX = 4 * 1024 * 1024;

export const createMultipartUpload: Operator = operator({
  parse: (input): CreateUploadRequest => {
    const { bucket, key, headers, caller } = input;
    const tagging = headers.get("x-amz-tagging");
    const checksum = uploadChecksum(headers);
    return {
      bucket,
      key,
      owner: caller.owner,
      metadata: headerMetadata(headers),
      ...(tagging !== undefined && { tags: parseTagging(tagging) }),
      ...(checksum && { checksum }),
    };
  },
  handle: (request, { objects }) => objects.createUpload(request),
  encode: ({ uploadId, checksum }, { bucket, key }): S3Reply => {
    const xml = new XmlReply("InitiateMultipartUploadResult");
    xml.text("Bucket", bucket).text("Key", key).text("UploadId", uploadId);
    return xml.reply(uploadChecksumHeaders(checksum));
  },
});

export const uploadPart: Operator = operator({
  parse: (input, ports): PutPartRequest => ({
    ...uploadNameOf(input),
    partNumber: partNumberOf(input.query.get("partNumber") ?? ""),
    body: objectBody(input, ports),
  }),
  handle: (request, { objects }) => objects.putPart(request),
  encode: ({ etag, checksum }): S3Reply => {
    const headers: string[] = ["ETag", `"${etag}"`];
    pushChecksum(headers, checksum);
    // A part's checksum has no type of its own.
    if (checksum !== undefined) headers.length -= 2;
    return emptyReply(200, headers);
  },
});

export const completeMultipartUpload: Operator = operator({
  isLong: true,
  parse: parseComplete,
  handle: (request, { objects }) => objects.completeUpload(request),
  encode: (result, request, input, ports): S3Reply => encodeComplete(result, request, locationOf(input, ports.options)),
});

export const abortMultipartUpload: Operator = operator({
  parse: uploadNameOf,
  handle: (request, { objects }) => objects.abortUpload(request),
  encode: () => emptyReply(204),
});

interface PartListing extends UploadName {
  readonly after: number;
  readonly limit: number;
}

interface PartPage extends ListPage<PartInfo> {
  readonly upload: UploadInfo;
}

export const listParts: Operator = operator({
  parse: (input): PartListing => ({
    ...uploadNameOf(input),
    after: markerOf(input.query, "part-number-marker"),
    limit: limitOf(input.query, "max-parts"),
  }),
  handle: async (request, { objects }: Ports): Promise<PartPage> => {
    const upload = await objects.getUpload(request);
    if (request.limit === 0) return { items: [], commonPrefixes: [], next: undefined, upload };
    return { ...(await objects.listParts(request, request.after, request.limit)), upload };
  },
  encode: encodeParts,
});

export function uploadNameOf({ bucket, key, query }: S3Request): UploadName {
  return { bucket, key, uploadId: query.get("uploadId") ?? "" };
}

function uploadChecksumHeaders(checksum: UploadChecksum | undefined): string[] {
  if (checksum === undefined) return [];
  const label = checksumLabel(checksum.algorithm);
  return ["x-amz-checksum-algorithm", label, "x-amz-checksum-type", checksumTypeLabel(checksum)];
}

async function parseComplete(input: S3Request, ports: Ports): Promise<CompleteRequest> {
  const { headers } = input;
  const conditions = writeConditions(headers);
  const checksum = wholeChecksum(headers);
  const size = headers.get("x-amz-mp-object-size");
  const root = await readDocument(input, ports, {
    root: "CompleteMultipartUpload",
    children: ["Part"],
    bytesMax: COMPLETE_BYTES_MAX,
    checksumOf: "object",
  });
  const nodes = root.all("Part");
  if (nodes.length === 0) throw s3Failure("MalformedXML");
  if (nodes.length > PARTS_MAX) throw s3Failure("MalformedXML", { what: `There can be at most ${PARTS_MAX} parts.` });
  return {
    ...uploadNameOf(input),
    parts: nodes.map(completePart),
    ...(conditions && { conditions }),
    ...(checksum && { checksum }),
    ...(size !== undefined && { size: sizeOf(size, "x-amz-mp-object-size") }),
  };
}

function completePart(node: XmlElement): CompletePart {
  node.expect("Part", PART_ELEMENTS);
  const partNumber = partNumberOf(textOf(node, "PartNumber") ?? "");
  const etag = textOf(node, "ETag");
  if (etag === undefined) throw s3Failure("MalformedXML", { what: `Part ${partNumber} has no ETag.` });
  const checksum = partChecksum(node);
  return { partNumber, etag: bareEtag(etag), ...(checksum && { checksum }) };
}

function partChecksum(node: XmlElement): { algorithm: ChecksumAlgorithm; value: Uint8Array } | undefined {
  for (const { element, algorithm } of CHECKSUM_ELEMENTS) {
    const text = textOf(node, element);
    if (text !== undefined && text !== "") return { algorithm, value: checksumValue(algorithm, text, element) };
  }
  return undefined;
}

function encodeComplete(result: PutResult, request: CompleteRequest, location: string): S3Reply {
  const { etag, versionId, checksum } = result;
  const xml = new XmlReply("CompleteMultipartUploadResult");
  xml.text("Location", location).text("Bucket", request.bucket).text("Key", request.key).etag(etag);
  if (checksum !== undefined) {
    xml.text(checksumElement(checksum.algorithm), checksumText(checksum, request.parts.length));
    xml.text("ChecksumType", checksumTypeLabel(checksum));
  }
  const headers: string[] = [];
  pushNewVersion(headers, versionId);
  return xml.reply(headers);
}

function encodeParts(page: PartPage, request: PartListing): S3Reply {
  const { upload } = page;
  const xml = new XmlReply("ListPartsResult");
  xml.text("Bucket", request.bucket).text("Key", request.key).text("UploadId", request.uploadId);
  xml.owner(upload.owner, "Initiator");
  xml.owner(upload.owner);
  xml.text("StorageClass", upload.metadata.storageClass ?? "STANDARD").text("PartNumberMarker", request.after);
  if (page.next !== undefined) xml.text("NextPartNumberMarker", page.next);
  xml.text("MaxParts", request.limit).text("IsTruncated", page.next !== undefined);
  if (upload.checksum !== undefined) {
    xml.text("ChecksumAlgorithm", checksumLabel(upload.checksum.algorithm));
    xml.text("ChecksumType", checksumTypeLabel(upload.checksum));
  }
  for (const part of page.items) {
    xml.open("Part").text("PartNumber", part.partNumber).time("LastModified", part.lastModifiedMillis);
    xml.etag(part.etag).text("Size", part.size);
    if (part.checksum !== undefined) {
      xml.text(checksumElement(part.checksum.algorithm), checksumText(part.checksum, undefined));
    }
    xml.close();
  }
  return xml.reply(uploadChecksumHeaders(upload.checksum));
}
