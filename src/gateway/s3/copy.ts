import type {
  CopyPartRequest,
  CopyRequest,
  CopyResult,
  ObjectMetadata,
  ObjectName,
} from "../../service/objects/index.ts";
import { checksumAlgorithm, checksumElement, checksumText, checksumTypeLabel } from "./checksums.ts";
import { sourceConditions, writeConditions } from "./conditions.ts";
import { copySourceOf } from "./copy-source.ts";
import { invalidArgument, s3Failure } from "./errors.ts";
import { headerMetadata, pushNewVersion, storageClassOf } from "./metadata.ts";
import { uploadNameOf } from "./multipart.ts";
import { type Operator, operator, type Ports } from "./operator.ts";
import { copyRange, partNumberOf } from "./range.ts";
import type { S3Reply, S3Request } from "./request.ts";
import { parseTagging } from "./tags.ts";
import { XmlReply } from "./xml.ts";

export const copyObject: Operator = operator({
  isLong: true,
  parse: parseCopy,
  handle: (request, { objects }) => objects.copy(request),
  encode: encodeCopy,
});

export const uploadPartCopy: Operator = operator({
  isLong: true,
  parse: (input): CopyPartRequest => {
    const { headers, query } = input;
    const range = headers.get("x-amz-copy-source-range");
    const conditions = sourceConditions(headers);
    return {
      ...uploadNameOf(input),
      partNumber: partNumberOf(query.get("partNumber") ?? ""),
      source: copySourceOf(headers.get("x-amz-copy-source") ?? ""),
      ...(conditions && { sourceConditions: conditions }),
      ...(range !== undefined && { range: copyRange(range) }),
    };
  },
  handle: (request, { objects }) => objects.copyPart(request),
  encode: (part): S3Reply => {
    const xml = new XmlReply("CopyPartResult");
    xml.time("LastModified", part.lastModifiedMillis).etag(part.etag);
    if (part.checksum !== undefined) {
      xml.text(checksumElement(part.checksum.algorithm), checksumText(part.checksum, undefined));
    }
    return xml.reply(part.sourceVersionId === undefined ? [] : ["x-amz-copy-source-version-id", part.sourceVersionId]);
  },
});

async function parseCopy({ bucket, key, headers }: S3Request, ports: Ports): Promise<CopyRequest> {
  const { objects, permissions } = ports;
  const source = copySourceOf(headers.get("x-amz-copy-source") ?? "");
  const fromSource = sourceConditions(headers);
  const conditions = writeConditions(headers);
  const algorithm = headers.get("x-amz-checksum-algorithm");
  const tagging = headers.get("x-amz-tagging");
  let metadata: ObjectMetadata | undefined;
  if (directive(headers.get("x-amz-metadata-directive"), "metadata") === "REPLACE") metadata = headerMetadata(headers);
  else if (headers.has("x-amz-storage-class") || headers.has("x-amz-website-redirect-location")) {
    const { storageClass: _, websiteRedirectLocation: __, ...kept } = (await objects.stat(source)).info.metadata;
    const storageClass = storageClassOf(headers.get("x-amz-storage-class"));
    const websiteRedirectLocation = headers.get("x-amz-website-redirect-location");
    metadata = {
      ...kept,
      ...(storageClass !== undefined && { storageClass }),
      ...(websiteRedirectLocation !== undefined && { websiteRedirectLocation }),
    };
  }
  const replacesTags = directive(headers.get("x-amz-tagging-directive"), "tagging") === "REPLACE";
  if (!replacesTags) await permitTags(source, { objects, permissions });
  return {
    source,
    bucket,
    key,
    ...(fromSource && { sourceConditions: fromSource }),
    ...(conditions && { conditions }),
    ...(metadata && { metadata }),
    ...(replacesTags && { tags: parseTagging(tagging ?? "") }),
    ...(algorithm !== undefined && { checksumAlgorithm: checksumAlgorithm(algorithm) }),
  };
}

/** Who copies tags reads them. */
async function permitTags(
  source: ObjectName,
  { objects, permissions }: Pick<Ports, "objects" | "permissions">,
): Promise<void> {
  const action = source.versionId === undefined ? "s3:GetObjectTagging" : "s3:GetObjectVersionTagging";
  if (permissions.isRoot || (await permissions.allows({ ...source, action }))) return;
  const { info } = await objects.stat(source);
  if (info.tagCount > 0) throw s3Failure("AccessDenied");
}

function directive(value: string | undefined, name: "metadata" | "tagging"): "COPY" | "REPLACE" {
  if (value === undefined || value === "COPY") return "COPY";
  if (value === "REPLACE") return "REPLACE";
  throw invalidArgument(`Unknown ${name} directive.`, `x-amz-${name}-directive`, value);
}

function encodeCopy({ etag, lastModifiedMillis, checksum, versionId, sourceVersionId }: CopyResult): S3Reply {
  const xml = new XmlReply("CopyObjectResult");
  xml.time("LastModified", lastModifiedMillis).etag(etag);
  if (checksum !== undefined) {
    xml.text(checksumElement(checksum.algorithm), checksumText(checksum, undefined));
    xml.text("ChecksumType", checksumTypeLabel(checksum));
  }
  const headers: string[] = [];
  pushNewVersion(headers, versionId);
  if (sourceVersionId !== undefined) headers.push("x-amz-copy-source-version-id", sourceVersionId);
  return xml.reply(headers);
}
