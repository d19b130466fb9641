import type { UploadInfo, UploadListRequest } from "../../service/objects/index.ts";
import { checksumLabel, checksumTypeLabel } from "./checksums.ts";
import { writePrefixes } from "./listing.ts";
import { type Encoding, encodingOf, limitOf } from "./listing-arguments.ts";
import { type Operator, operator } from "./operator.ts";
import type { S3Reply, S3Request } from "./request.ts";
import { XmlReply } from "./xml.ts";

interface UploadListing extends UploadListRequest {
  readonly encoding: Encoding;
}

export const listMultipartUploads: Operator = operator({
  parse: parseListing,
  handle: async (request, { objects }) => {
    if (request.limit > 0) return objects.listUploads(request);
    await objects.headBucket(request.bucket);
    return { items: [], commonPrefixes: [], nextKeyMarker: undefined, nextUploadIdMarker: undefined };
  },
  encode: (page, request): S3Reply => {
    const { encoding } = request;
    const xml = new XmlReply("ListMultipartUploadsResult");
    xml.text("Bucket", request.bucket).text("KeyMarker", encoding.text(request.keyMarker));
    xml.text("UploadIdMarker", request.uploadIdMarker ?? "");
    if (page.nextKeyMarker !== undefined) {
      xml.text("NextKeyMarker", encoding.text(page.nextKeyMarker));
      xml.text("NextUploadIdMarker", page.nextUploadIdMarker ?? "");
    }
    xml.text("Prefix", encoding.text(request.prefix));
    if (request.delimiter !== "") xml.text("Delimiter", encoding.text(request.delimiter));
    if (encoding.url) xml.text("EncodingType", "url");
    xml.text("MaxUploads", request.limit).text("IsTruncated", page.nextKeyMarker !== undefined);
    for (const upload of page.items) writeUpload(xml, upload, encoding);
    writePrefixes(xml, page.commonPrefixes, encoding);
    return xml.reply();
  },
});

function parseListing({ bucket, query }: S3Request): UploadListing {
  const keyMarker = query.get("key-marker") ?? "";
  return {
    bucket,
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") ?? "",
    limit: limitOf(query, "max-uploads"),
    keyMarker,
    // Without a key marker S3 ignores it.
    uploadIdMarker: keyMarker === "" ? undefined : query.get("upload-id-marker") || undefined,
    encoding: encodingOf(query),
  };
}

function writeUpload(xml: XmlReply, upload: UploadInfo, encoding: Encoding): void {
  xml.open("Upload").text("Key", encoding.text(upload.key)).text("UploadId", upload.uploadId);
  xml.owner(upload.owner, "Initiator");
  xml.owner(upload.owner);
  xml.text("StorageClass", upload.metadata.storageClass ?? "STANDARD").time("Initiated", upload.initiatedMillis);
  if (upload.checksum !== undefined) {
    xml.text("ChecksumAlgorithm", checksumLabel(upload.checksum.algorithm));
    xml.text("ChecksumType", checksumTypeLabel(upload.checksum));
  }
  xml.close();
}
