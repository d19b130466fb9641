import type { DeleteRequest, DeleteResult } from "../../service/objects/index.ts";
import { AshlarError } from "../../std/errors.ts";
import { bareEtag, dateOf, sizeOf } from "./conditions.ts";
import { readDocument } from "./document.ts";
import { toS3Error } from "./error-map.ts";
import { s3Failure } from "./errors.ts";
import { type Operator, operator, type Ports } from "./operator.ts";
import type { S3Reply, S3Request } from "./request.ts";
import { textOf, type XmlElement, XmlReply } from "./xml.ts";

const KEYS_MAX = 1000;
const OBJECT_ELEMENTS = ["Key", "VersionId", "ETag", "Size", "LastModifiedTime"];
/** A thousand keys of 1,024 bytes, escaped, with their conditions. */
const DELETE_BYTES_MAX = 8 * 1024 * 1024;
/** Deletes under way at once: enough to share syncs, few enough to leave room for others. */
const CONCURRENT_MAX = 64;

interface DeleteMany {
  readonly bucket: string;
  readonly quiet: boolean;
  readonly objects: readonly DeleteRequest[];
}

type Outcome =
  | { readonly request: DeleteRequest; readonly result: DeleteResult }
  | { readonly request: DeleteRequest; readonly error: { readonly code: string; readonly message: string } };

export const deleteObjects: Operator = operator({
  parse: parseDelete,
  handle: deleteAll,
  encode: (outcomes, { quiet }): S3Reply => {
    const xml = new XmlReply("DeleteResult");
    for (const outcome of outcomes) {
      if ("error" in outcome) writeError(xml, outcome.request, outcome.error);
      else if (!quiet) writeDeleted(xml, outcome.request, outcome.result);
    }
    return xml.reply();
  },
});

async function parseDelete(input: S3Request, ports: Ports): Promise<DeleteMany> {
  const root = await readDocument(input, ports, {
    root: "Delete",
    children: ["Object", "Quiet"],
    bytesMax: DELETE_BYTES_MAX,
    digestRequired: true,
  });
  const nodes = root.all("Object");
  if (nodes.length === 0 || nodes.length > KEYS_MAX) {
    throw s3Failure("MalformedXML", { what: `The request must name from 1 to ${KEYS_MAX} objects.` });
  }
  const quiet = textOf(root, "Quiet")?.trim().toLowerCase() === "true";
  return { bucket: input.bucket, quiet, objects: nodes.map((node) => deleteRequest(input.bucket, node)) };
}

function deleteRequest(bucket: string, node: XmlElement): DeleteRequest {
  node.expect("Object", OBJECT_ELEMENTS);
  const key = textOf(node, "Key");
  if (key === undefined) throw s3Failure("MalformedXML", { what: "An object has no key." });
  const versionId = textOf(node, "VersionId");
  const etag = textOf(node, "ETag");
  const size = textOf(node, "Size");
  const lastModified = textOf(node, "LastModifiedTime");
  const conditions = {
    ...(etag !== undefined && { ifMatch: [bareEtag(etag)] }),
    ...(size !== undefined && { ifMatchSize: sizeOf(size, "Size") }),
    ...(lastModified !== undefined && { ifMatchLastModifiedMillis: dateOf(lastModified, "LastModifiedTime") }),
  };
  return {
    bucket,
    key,
    versionId: versionId === "" ? undefined : versionId,
    ...(Object.keys(conditions).length > 0 && { conditions }),
  };
}

/** Results in the order asked. Of one key, the deletes run one behind the other; different keys run together. */
async function deleteAll({ bucket, objects }: DeleteMany, ports: Ports): Promise<Outcome[]> {
  // A bucket that is not there fails the whole request, not each of its keys.
  await ports.objects.headBucket(bucket);
  const outcomes = new Array<Outcome>(objects.length);
  const ofKey = [...Map.groupBy(objects.keys(), (at) => objects[at]!.key).values()];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < ofKey.length) {
      for (const at of ofKey[next++]!) outcomes[at] = await deleteOne(objects[at]!, ports);
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: Math.min(CONCURRENT_MAX, ofKey.length) }, worker));
  const failed = ended.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return outcomes;
}

async function deleteOne(request: DeleteRequest, { objects, permissions }: Ports): Promise<Outcome> {
  try {
    const { bucket, key, versionId, conditions } = request;
    const action = versionId === undefined ? "s3:DeleteObject" : "s3:DeleteObjectVersion";
    const context = { "s3:VersionId": versionId, "s3:if-match": conditions?.ifMatch?.[0] };
    await permissions.require({ action, bucket, key, versionId, context });
    return { request, result: await objects.delete(request) };
  } catch (error) {
    // A bug is for the shell to report, and this answer with it.
    if (!(error instanceof AshlarError)) throw error;
    const { code, message } = toS3Error(error);
    return { request, error: { code, message } };
  }
}

function writeDeleted(xml: XmlReply, { key, versionId }: DeleteRequest, result: DeleteResult): void {
  xml.open("Deleted").text("Key", key);
  if (versionId !== undefined) xml.text("VersionId", versionId);
  if (result.deleteMarker) {
    xml.text("DeleteMarker", true);
    if (result.versionId !== undefined) xml.text("DeleteMarkerVersionId", result.versionId);
  }
  xml.close();
}

function writeError(xml: XmlReply, { key, versionId }: DeleteRequest, error: { code: string; message: string }): void {
  xml.open("Error").text("Key", key);
  if (versionId !== undefined) xml.text("VersionId", versionId);
  xml.text("Code", error.code).text("Message", error.message).close();
}
