import { ChunkedDecoder, decodedSource } from "../../codec/aws-chunked/index.ts";
import type { Body, BodyChecksum } from "../../service/objects/index.ts";
import { fromHex } from "../../std/bytes.ts";
import { listOf, parseLength } from "../http/index.ts";
import { type AnnouncedChecksum, announcedChecksum, checksumValue, contentMd5 } from "./checksums.ts";
import { s3Failure } from "./errors.ts";
import type { Ports } from "./operator.ts";
import type { S3Request } from "./request.ts";

/**
 * The body of a request, without its aws-chunked frame, and all that the client announced about it: a length (without
 * one nothing is taken), MD5, the SHA-256 that the signature covers, a checksum in a header or in the trailer.
 */
export function objectBody(
  input: S3Request,
  { signing }: Pick<Ports, "signing">,
  checksumOf: "body" | "object" = "body",
): Body {
  const { headers, hoisted, caller } = input;
  // The headers of CompleteMultipartUpload tell the checksum of the object, not of the document that is sent.
  const announced = checksumOf === "object" ? undefined : announcedChecksum(headers, (name) => hoisted.has(name));
  const md5 = contentMd5(headers);
  const { payload } = caller;
  const expected = {
    ...(md5 && { md5 }),
    ...(payload.kind === "sha256" && { sha256: fromHex(payload.sha256)! }),
  };
  if (payload.kind !== "chunks-signed" && payload.kind !== "chunks-unsigned") {
    refuseTrailer(announced);
    const checksum = announced && bodyChecksum(announced, undefined);
    return { source: input.call.body, length: plainLength(input), expected, ...(checksum && { checksum }) };
  }
  const length = decodedLength(input);
  const { chain } = caller;
  const decoder = new ChunkedDecoder({
    decodedLength: length,
    signed: chain && { verifier: chain, sha256: signing.sha256 },
    trailer: payload.trailer,
    trailerNames: listOf(headers.get("x-amz-trailer")?.toLowerCase()),
  });
  const source = decodedSource(input.call.body, decoder);
  const checksum = announced && bodyChecksum(announced, () => source.trailers);
  return { source, length, expected, ...(checksum && { checksum }) };
}

/** The length that the transport announces; 0 where there is no body. */
export function contentLength({ headers }: Pick<S3Request, "headers">): number | undefined {
  const text = headers.get("content-length");
  if (text === undefined) return undefined;
  const length = parseLength(text);
  if (length !== undefined) return length;
  throw s3Failure("InvalidArgument", {
    what: "The Content-Length is not a length.",
    data: { ArgumentName: "Content-Length", ArgumentValue: text },
  });
}

function plainLength(input: S3Request): number {
  const length = contentLength(input);
  if (length === undefined) throw s3Failure("MissingContentLength");
  return length;
}

function decodedLength({ headers }: S3Request): number {
  const text = headers.get("x-amz-decoded-content-length");
  if (text === undefined) {
    throw s3Failure("MissingContentLength", { what: "You must provide the x-amz-decoded-content-length HTTP header." });
  }
  const length = parseLength(text);
  if (length !== undefined) return length;
  throw s3Failure("InvalidArgument", {
    what: "The x-amz-decoded-content-length is not a length.",
    data: { ArgumentName: "x-amz-decoded-content-length", ArgumentValue: text },
  });
}

/** Without chunks there is no place for a trailer. */
function refuseTrailer(announced: AnnouncedChecksum | undefined): void {
  if (announced?.trailer === undefined) return;
  throw s3Failure("InvalidRequest", {
    what: "A trailer needs one of the streaming values of x-amz-content-sha256.",
    data: { Header: "x-amz-trailer" },
  });
}

function bodyChecksum(
  { algorithm, value, trailer }: AnnouncedChecksum,
  trailers: (() => ReadonlyMap<string, string>) | undefined,
): BodyChecksum {
  return {
    algorithm,
    value: () => {
      const text = trailer === undefined ? undefined : trailers?.().get(trailer);
      return text === undefined ? value : checksumValue(algorithm, text, trailer!);
    },
  };
}
