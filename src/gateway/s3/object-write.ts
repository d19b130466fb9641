import type { Body, DeleteRequest, DeleteResult, PutRequest, PutResult } from "../../service/objects/index.ts";
import { objectBody } from "./body.ts";
import { pushChecksum } from "./checksums.ts";
import { deleteConditions, writeConditions } from "./conditions.ts";
import { headerMetadata, pushNewVersion } from "./metadata.ts";
import { emptyReply, type Operator, operator, type Ports } from "./operator.ts";
import { type S3Reply, type S3Request, versionIdOf } from "./request.ts";
import { parseTagging } from "./tags.ts";

export const putObject: Operator = operator({
  parse: parsePut,
  handle: (request, { objects }) => objects.put(request),
  encode: encodePut,
});

export const deleteObject: Operator = operator({
  parse: parseDelete,
  handle: (request, { objects }) => objects.delete(request),
  encode: (result) => {
    const headers: string[] = [];
    pushDeleteResult(headers, result);
    return emptyReply(204, headers);
  },
});

function parsePut(input: S3Request, ports: Ports): PutRequest {
  const { bucket, key, headers } = input;
  const conditions = writeConditions(headers);
  const tagging = headers.get("x-amz-tagging");
  const body: Body = objectBody(input, ports);
  return {
    bucket,
    key,
    body,
    metadata: headerMetadata(headers),
    ...(tagging !== undefined && { tags: parseTagging(tagging) }),
    ...(conditions && { conditions }),
  };
}

function encodePut({ etag, versionId, checksum }: PutResult): S3Reply {
  const headers: string[] = ["ETag", `"${etag}"`];
  pushNewVersion(headers, versionId);
  pushChecksum(headers, checksum);
  return emptyReply(200, headers);
}

function parseDelete(input: S3Request): DeleteRequest {
  const conditions = deleteConditions(input.headers);
  return { bucket: input.bucket, key: input.key, versionId: versionIdOf(input), ...(conditions && { conditions }) };
}

function pushDeleteResult(headers: string[], { deleteMarker, versionId }: DeleteResult): void {
  if (deleteMarker) headers.push("x-amz-delete-marker", "true");
  if (versionId !== undefined) headers.push("x-amz-version-id", versionId);
}
