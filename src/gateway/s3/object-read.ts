import type { GetRequest, ObjectInfo, ObjectRead, StoredChecksum } from "../../service/objects/index.ts";
import { checksumTypeLabel, pushChecksum } from "./checksums.ts";
import { readConditions } from "./conditions.ts";
import { s3Failure } from "./errors.ts";
import { pushIdentity, pushMetadata } from "./metadata.ts";
import { type Operator, operator, type Ports } from "./operator.ts";
import type { Query } from "./query.ts";
import { rangeOf } from "./range.ts";
import { type S3Reply, type S3Request, versionIdOf } from "./request.ts";

interface ReadRequest extends GetRequest {
  /** The client wants to check what it gets. */
  readonly checksumMode: boolean;
}

interface ReadResult extends ObjectRead {
  readonly checksum: StoredChecksum | undefined;
}

export const getObject: Operator = operator({
  parse: parseRead,
  handle: async (request, { objects }) => withChecksum(await objects.get(request), request, objects),
  encode: encodeRead,
});

export const headObject: Operator = operator({
  parse: parseRead,
  handle: async (request, { objects }) => withChecksum(await objects.stat(request), request, objects),
  encode: encodeRead,
});

function parseRead(input: S3Request): ReadRequest {
  const { bucket, key, query, headers, caller } = input;
  const conditions = readConditions(headers);
  const range = rangeOf(headers, query);
  if (query.size > 0 && caller.anonymous && OVERRIDES.some(([parameter]) => query.has(parameter))) {
    throw s3Failure("InvalidRequest", {
      what: "Request specific response headers cannot be used for anonymous GET requests.",
    });
  }
  return {
    bucket,
    key,
    versionId: query.size === 0 ? undefined : versionIdOf(input),
    ...(conditions && { conditions }),
    ...(range && { range }),
    checksumMode: headers.get("x-amz-checksum-mode")?.toUpperCase() === "ENABLED",
  };
}

/** The checksum that fits the bytes of the answer: of the object, of one of its parts, or none for any other range. */
async function withChecksum(read: ObjectRead, request: ReadRequest, objects: Ports["objects"]): Promise<ReadResult> {
  const { info, start, end } = read;
  if (!request.checksumMode) return { ...read, checksum: undefined };
  if (start === 0 && end === info.size && request.range?.kind !== "part") return { ...read, checksum: info.checksum };
  if (request.range?.kind !== "part") return { ...read, checksum: undefined };
  return { ...read, checksum: await partChecksum(info, request, request.range.number, objects) };
}

async function partChecksum(
  info: ObjectInfo,
  { bucket, key }: ReadRequest,
  number: number,
  objects: Ports["objects"],
): Promise<StoredChecksum | undefined> {
  if (info.partCount === undefined || info.checksum === undefined) return info.checksum;
  const page = await objects.objectParts({ bucket, key, versionId: info.versionId }, number - 1, 1);
  const part = page.items[0];
  return part?.partNumber === number ? part.checksum : undefined;
}

function encodeRead(read: ReadResult, request: ReadRequest, { query, operation }: S3Request): S3Reply {
  const { info, start, end, checksum } = read;
  const headers: string[] = ["Accept-Ranges", "bytes"];
  pushIdentity(headers, info);
  pushMetadata(headers, info, query.size === 0 ? undefined : overridesOf(query));
  if (info.tagCount > 0) headers.push("x-amz-tagging-count", String(info.tagCount));
  pushReadChecksum(headers, checksum, info);
  if (request.range?.kind === "part" && info.partCount !== undefined) {
    headers.push("x-amz-mp-parts-count", String(info.partCount));
  }
  const isPartial = request.range !== undefined && info.size > 0;
  if (isPartial) headers.push("Content-Range", `bytes ${start}-${end - 1}/${info.size}`);
  headers.push("Content-Length", String(end - start));
  const status = isPartial ? 206 : 200;
  if (read.body === undefined || operation.method === "HEAD") return { status, headers };
  return { status, headers, body: read.body, bodyBytes: end - start };
}

/** A part's checksum goes with the type of the whole object's. */
function pushReadChecksum(headers: string[], checksum: StoredChecksum | undefined, info: ObjectInfo): void {
  if (checksum === undefined) return;
  const isWhole = checksum === info.checksum;
  pushChecksum(headers, checksum, isWhole ? info.partCount : undefined);
  if (!isWhole && info.checksum !== undefined) headers[headers.length - 1] = checksumTypeLabel(info.checksum);
}

/** response-* parameters and the headers that they set in the place of the object's own. */
const OVERRIDES: readonly (readonly [string, string])[] = [
  ["response-content-type", "content-type"],
  ["response-content-language", "content-language"],
  ["response-expires", "expires"],
  ["response-cache-control", "cache-control"],
  ["response-content-disposition", "content-disposition"],
  ["response-content-encoding", "content-encoding"],
];
const OVERRIDE_OF: ReadonlyMap<string, string> = new Map(OVERRIDES.map(([parameter, header]) => [header, parameter]));

function overridesOf(query: Query): (header: string) => string | undefined {
  return (header) => query.get(OVERRIDE_OF.get(header)!);
}
