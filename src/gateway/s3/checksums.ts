import type { ChecksumAlgorithm, StoredChecksum, UploadChecksum } from "../../service/objects/index.ts";
import { fromBase64, toBase64 } from "../../std/bytes.ts";
import { listOf, type RequestHeaders } from "../http/index.ts";
import { invalidArgument, s3Failure } from "./errors.ts";

// S3's checksums: `x-amz-checksum-<algorithm>` with the value in base64, as a header or as a trailer behind an
// aws-chunked body.

interface Names {
  readonly algorithm: ChecksumAlgorithm;
  /** In XML and in x-amz-checksum-algorithm. */
  readonly label: string;
  readonly header: string;
  /** The XML element that holds a value. */
  readonly element: string;
  readonly bytes: number;
}

const ALL: readonly Names[] = [
  { algorithm: "crc32", label: "CRC32", header: "x-amz-checksum-crc32", element: "ChecksumCRC32", bytes: 4 },
  { algorithm: "crc32c", label: "CRC32C", header: "x-amz-checksum-crc32c", element: "ChecksumCRC32C", bytes: 4 },
  {
    algorithm: "crc64nvme",
    label: "CRC64NVME",
    header: "x-amz-checksum-crc64nvme",
    element: "ChecksumCRC64NVME",
    bytes: 8,
  },
  { algorithm: "sha1", label: "SHA1", header: "x-amz-checksum-sha1", element: "ChecksumSHA1", bytes: 20 },
  { algorithm: "sha256", label: "SHA256", header: "x-amz-checksum-sha256", element: "ChecksumSHA256", bytes: 32 },
];
const BY_LABEL: ReadonlyMap<string, Names> = new Map(ALL.map((names) => [names.label, names]));
const BY_HEADER: ReadonlyMap<string, Names> = new Map(ALL.map((names) => [names.header, names]));
const BY_ALGORITHM: ReadonlyMap<ChecksumAlgorithm, Names> = new Map(ALL.map((names) => [names.algorithm, names]));

export const CHECKSUM_ELEMENTS: readonly { readonly element: string; readonly algorithm: ChecksumAlgorithm }[] = ALL;

/** What a request announces about the checksum of its body. */
export interface AnnouncedChecksum {
  readonly algorithm: ChecksumAlgorithm;
  /** In a header; undefined where it comes as a trailer, or where the client only names the algorithm. */
  readonly value: Uint8Array | undefined;
  /** The trailer's name, in lower case. */
  readonly trailer: string | undefined;
}

/**
 * At most one checksum: a value header, a trailer, or an algorithm without a value, which the server then computes and
 * keeps. `fromQuery` says that a header was signed into a link, perhaps by a client that had no body at hand.
 */
export function announcedChecksum(
  headers: RequestHeaders,
  fromQuery: (name: string) => boolean,
): AnnouncedChecksum | undefined {
  let found: AnnouncedChecksum | undefined;
  for (const { algorithm, header } of ALL) {
    const text = headers.get(header);
    if (text === undefined || (fromQuery(header) && text === EMPTY_BODY.get(header))) continue;
    if (found !== undefined) throw tooManyChecksums();
    found = { algorithm, value: checksumValue(algorithm, text, header), trailer: undefined };
  }
  for (const trailer of listOf(headers.get("x-amz-trailer"))) {
    const name = trailer.toLowerCase();
    const names = BY_HEADER.get(name);
    if (names === undefined) throw invalidArgument("The trailer is not supported.", "x-amz-trailer", trailer);
    if (found !== undefined) throw tooManyChecksums();
    found = { algorithm: names.algorithm, value: undefined, trailer: name };
  }
  return found ?? namedChecksum(headers);
}

/** A checksum in base64 of the length that the algorithm has; no other text can be the checksum of anything. */
export function checksumValue(algorithm: ChecksumAlgorithm, text: string, where: string): Uint8Array {
  const value = fromBase64(text);
  if (value?.length === BY_ALGORITHM.get(algorithm)!.bytes) return value;
  throw s3Failure("BadDigest", { what: `Value for ${where} is invalid.`, data: { ArgumentValue: text } });
}

/** `x-amz-checksum-algorithm` (or the SDKs' own name for it): which checksum an upload is to have. */
export function checksumAlgorithm(label: string): ChecksumAlgorithm {
  const names = BY_LABEL.get(label.toUpperCase());
  if (names !== undefined) return names.algorithm;
  throw s3Failure("InvalidRequest", {
    what: "Checksum algorithm provided is unsupported. Valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
    data: { ArgumentValue: label },
  });
}

export function checksumType(text: string): UploadChecksum["type"] {
  if (text === "FULL_OBJECT") return "full-object";
  if (text === "COMPOSITE") return "composite";
  throw s3Failure("InvalidRequest", {
    what: "Value for x-amz-checksum-type header is invalid.",
    data: { ArgumentValue: text },
  });
}

/** What CreateMultipartUpload asks for; the type that S3 takes for the algorithm where none is named. */
export function uploadChecksum(headers: RequestHeaders): UploadChecksum | undefined {
  const label = headers.get("x-amz-checksum-algorithm") ?? headers.get("x-amz-sdk-checksum-algorithm");
  const type = headers.get("x-amz-checksum-type");
  if (label === undefined) {
    if (type === undefined) return undefined;
    throw s3Failure("InvalidRequest", {
      what: "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
    });
  }
  const algorithm = checksumAlgorithm(label);
  if (type !== undefined) return { algorithm, type: checksumType(type) };
  return { algorithm, type: algorithm === "crc64nvme" ? "full-object" : "composite" };
}

/**
 * What CompleteMultipartUpload announces for the whole object; a composite value ends in `-` and the number of parts.
 */
export function wholeChecksum(headers: RequestHeaders): StoredChecksum | undefined {
  const typeText = headers.get("x-amz-checksum-type");
  for (const { algorithm, header } of ALL) {
    const text = headers.get(header);
    if (text === undefined) continue;
    const dash = text.indexOf("-");
    const value = checksumValue(algorithm, dash === -1 ? text : text.slice(0, dash), header);
    const isComposite = dash !== -1 || (typeText !== undefined && checksumType(typeText) === "composite");
    return { algorithm, type: isComposite ? "composite" : "full-object", value };
  }
  return undefined;
}

export function checksumLabel(algorithm: ChecksumAlgorithm): string {
  return BY_ALGORITHM.get(algorithm)!.label;
}

export function checksumElement(algorithm: ChecksumAlgorithm): string {
  return BY_ALGORITHM.get(algorithm)!.element;
}

export function checksumTypeLabel(checksum: { readonly type: StoredChecksum["type"] }): string {
  return checksum.type === "composite" ? "COMPOSITE" : "FULL_OBJECT";
}

/** The value as S3 writes it: base64, of a composite one with the number of parts. */
export function checksumText(checksum: StoredChecksum, partCount: number | undefined): string {
  const encoded = toBase64(checksum.value);
  return checksum.type === "composite" && partCount !== undefined ? `${encoded}-${partCount}` : encoded;
}

export function pushChecksum(headers: string[], checksum: StoredChecksum | undefined, partCount?: number): void {
  if (checksum === undefined) return;
  headers.push(BY_ALGORITHM.get(checksum.algorithm)!.header, checksumText(checksum, partCount));
  headers.push("x-amz-checksum-type", checksumTypeLabel(checksum));
}

/** Content-MD5 as 16 bytes. */
export function contentMd5(headers: RequestHeaders): Uint8Array | undefined {
  const text = headers.get("content-md5");
  if (text === undefined) return undefined;
  const value = fromBase64(text);
  if (value?.length === 16) return value;
  throw s3Failure("InvalidDigest", { data: { "Content-MD5": text } });
}

/** Checksums of no bytes at all: what a client signs into a link when it does not know the body yet. */
const EMPTY_BODY: ReadonlyMap<string, string> = new Map([
  ["x-amz-checksum-crc32", "AAAAAA=="],
  ["x-amz-checksum-crc32c", "AAAAAA=="],
  ["x-amz-checksum-crc64nvme", "AAAAAAAAAAA="],
  ["x-amz-checksum-sha1", "2jmj7l5rSw0yVb/vlWAYkK/YBwk="],
  ["x-amz-checksum-sha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="],
]);

function namedChecksum(headers: RequestHeaders): AnnouncedChecksum | undefined {
  const label = headers.get("x-amz-sdk-checksum-algorithm") ?? headers.get("x-amz-checksum-algorithm");
  if (label === undefined) return undefined;
  return { algorithm: checksumAlgorithm(label), value: undefined, trailer: undefined };
}

function tooManyChecksums(): Error {
  return s3Failure("InvalidRequest", {
    what: "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
  });
}
