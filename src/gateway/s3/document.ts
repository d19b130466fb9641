import type { Hasher, HashName } from "../../env/index.ts";
import type { Body } from "../../service/objects/index.ts";
import { concatBytes, EMPTY, equalBytes } from "../../std/bytes.ts";
import { contentLength, objectBody } from "./body.ts";
import { s3Failure } from "./errors.ts";
import type { Ports } from "./operator.ts";
import type { S3Request } from "./request.ts";
import { readXml, type XmlElement } from "./xml.ts";

// Requests whose body is a document: read whole, within a limit, and verified like the body of an object.

export const SMALL_BYTES_MAX: number = 16 * 1024;

export interface BytesRules {
  readonly bytesMax: number;
  /** Content-MD5 or a checksum has to come with it. */
  readonly digestRequired?: boolean;
  /** What x-amz-checksum-* headers are about: the document (if left out), or the object that it is about. */
  readonly checksumOf?: "body" | "object";
}

export interface DocumentRules extends BytesRules {
  /** Name of the root element. */
  readonly root: string;
  /** Elements that it may hold; any other is MalformedXML, not passed over. */
  readonly children: readonly string[];
}

/** Fails with MalformedXML where there is no body. */
export async function readDocument(input: S3Request, ports: Ports, rules: DocumentRules): Promise<XmlElement> {
  const document = await readOptionalDocument(input, ports, rules);
  if (document === undefined) throw s3Failure("MalformedXML", { what: "The request has no body." });
  return document;
}

export async function readOptionalDocument(
  input: S3Request,
  ports: Ports,
  rules: DocumentRules,
): Promise<XmlElement | undefined> {
  const bytes = await readBytes(input, ports, rules);
  return bytes.length === 0 ? undefined : readXml(bytes, rules.root, rules.children);
}

export async function readBytes(input: S3Request, ports: Ports, rules: BytesRules): Promise<Uint8Array> {
  const body = documentBody(input, ports, rules);
  if (rules.digestRequired && body?.expected.md5 === undefined && body?.checksum === undefined) {
    throw s3Failure("InvalidRequest", {
      what: "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
    });
  }
  if (body === undefined) return EMPTY;
  if (body.length > rules.bytesMax) throw tooLong(rules.bytesMax);
  using hasher = ports.compute.hasher(hashesOf(body), body.length);
  const bytes = await collectHashed(body, hasher);
  await verify(body, hasher);
  return bytes;
}

/** Undefined where there is none: a document may be left out together with its length. */
function documentBody(input: S3Request, ports: Ports, { checksumOf }: BytesRules): Body | undefined {
  const { payload } = input.caller;
  const isChunked = payload.kind === "chunks-signed" || payload.kind === "chunks-unsigned";
  if (!isChunked && contentLength(input) === undefined && !input.headers.has("transfer-encoding")) return undefined;
  return objectBody(input, ports, checksumOf);
}

async function collectHashed(body: Body, hasher: Hasher): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (let chunk = await body.source.read(); chunk !== null; chunk = await body.source.read()) {
    length += chunk.length;
    if (length > body.length) break;
    const taken = hasher.update(chunk);
    if (taken !== undefined) await taken;
    // The source may use its memory again.
    chunks.push(chunk.slice());
  }
  if (length !== body.length) throw s3Failure("IncompleteBody");
  return concatBytes(chunks);
}

function hashesOf({ expected, checksum }: Body): HashName[] {
  const names = new Set<HashName>();
  if (expected.md5 !== undefined) names.add("md5");
  if (expected.sha256 !== undefined) names.add("sha256");
  if (checksum !== undefined) names.add(checksum.algorithm);
  return [...names];
}

async function verify({ expected, checksum }: Body, hasher: Hasher): Promise<void> {
  const digests = await hasher.digest();
  if (expected.md5 !== undefined && !equalBytes(expected.md5, digests.get("md5")!)) throw s3Failure("BadDigest");
  if (expected.sha256 !== undefined && !equalBytes(expected.sha256, digests.get("sha256")!)) {
    throw s3Failure("XAmzContentSHA256Mismatch");
  }
  const announced = checksum?.value();
  if (announced !== undefined && !equalBytes(announced, digests.get(checksum!.algorithm)!))
    throw s3Failure("BadDigest");
}

function tooLong(bytesMax: number): Error {
  return s3Failure("MaxMessageLengthExceeded", { data: { MaxMessageLengthBytes: bytesMax } });
}
