import { assert } from "../../std/assert.ts";
import { CHUNK_HEADER_BYTES_MAX, parseChunkHeader } from "./chunk-header.ts";
import { awsChunkedFailure } from "./errors.ts";
import { LineReader } from "./line-reader.ts";
import type { ChunkVerifier, RunningSha256, Trailers } from "./signatures.ts";
import { TrailerReader } from "./trailer-reader.ts";

export interface ChunkedDecoderOptions {
  /** x-amz-decoded-content-length, where it was sent. */
  readonly decodedLength: number | undefined;
  /** Given for the two signed forms. */
  readonly signed: SignedChunks | undefined;
  /** Whether the form has a trailer, and what x-amz-trailer announces (in lower case). */
  readonly trailer: boolean;
  readonly trailerNames: readonly string[];
  /**
   * The largest chunk taken. Default 5 GiB, the largest body of one request that S3 takes: some clients send one chunk.
   */
  readonly chunkBytesMax?: number;
  /** The smallest chunk taken that is not the last with data. S3 asks for 8,192; default 0. */
  readonly chunkBytesMin?: number;
}

export interface SignedChunks {
  readonly verifier: ChunkVerifier;
  /** A new hash for each chunk. */
  readonly sha256: () => RunningSha256;
}

/**
 * Decodes an aws-chunked body piece by piece:
 *
 *     size[;chunk-signature=...] CR LF  data  CR LF     ... any number of times
 *     0[;chunk-signature=...] CR LF
 *     [name:value CR LF ...  [x-amz-trailer-signature:... CR LF]]
 *     CR LF
 *
 * A chunk's signature is known to hold only when its last byte is in, and the last chunk's only at the end. The decoder
 * hands data out as they come, so that a chunk never has to fit in memory: **nothing of a body is good until `end` has
 * returned**, and the caller throws everything away that came before an error. An object is made visible after its last
 * byte, so that costs nothing.
 */
export class ChunkedDecoder {
  readonly #options: ChunkedDecoderOptions;
  readonly #lines = new LineReader(CHUNK_HEADER_BYTES_MAX);
  readonly #trailer: TrailerReader;
  #state: "header" | "data" | "data-end" | "trailer" | "done" | "failed" = "header";
  /** Bytes of the current chunk that are still to come, and how many came in all chunks. */
  #remaining = 0;
  #decoded = 0;
  #short = false;
  #signature: string | undefined;
  #hash: RunningSha256 | undefined;

  constructor(options: ChunkedDecoderOptions) {
    this.#options = options;
    this.#trailer = new TrailerReader(options.trailer, options.trailerNames, options.signed?.verifier);
  }

  /**
   * Takes the next piece of the body and returns the data in it: slices of the piece, none of them empty.
   * Fails with one of AWS_CHUNKED_ERRORS and takes nothing after that.
   */
  push(bytes: Uint8Array): Uint8Array[] {
    assert(this.#state !== "failed", "a decoder is not used after it has failed");
    const data: Uint8Array[] = [];
    try {
      for (let at = 0; at < bytes.length; ) at = this.#step(bytes, at, data);
    } catch (error) {
      this.#state = "failed";
      throw error;
    }
    return data;
  }

  /** At the end of the body. Fails with INCOMPLETE_BODY where it broke off. */
  end(): Trailers {
    assert(this.#state !== "failed", "a decoder is not used after it has failed");
    if (this.#state === "done") return this.#trailer.trailers;
    this.#state = "failed";
    throw incomplete("The body breaks off before its last chunk or its trailer.", { decoded: this.#decoded });
  }

  #step(bytes: Uint8Array, at: number, data: Uint8Array[]): number {
    switch (this.#state) {
      case "header": {
        const next = this.#lines.read(bytes, at);
        if (next === -1) throw awsChunkedFailure("CHUNK_MALFORMED", { what: "The header of a chunk is too long." });
        if (this.#lines.line !== undefined) this.#beginChunk(this.#lines.line);
        return next;
      }
      case "data": {
        const end = Math.min(bytes.length, at + this.#remaining);
        const slice = bytes.subarray(at, end);
        this.#hash?.update(slice);
        data.push(slice);
        this.#remaining -= slice.length;
        if (this.#remaining === 0) this.#endData();
        return end;
      }
      case "data-end":
        return this.#readDataEnd(bytes, at);
      case "trailer": {
        const next = this.#trailer.read(bytes, at);
        if (this.#trailer.ended) this.#finish();
        return next;
      }
      default:
        throw awsChunkedFailure("CHUNK_MALFORMED", { what: "There are bytes behind the end of the body." });
    }
  }

  #beginChunk(line: Uint8Array): void {
    const { signed, decodedLength, chunkBytesMax = CHUNK_BYTES_MAX } = this.#options;
    const { size, signature } = parseChunkHeader(line);
    if (signed !== undefined && signature === undefined) {
      throw awsChunkedFailure("CHUNK_MALFORMED", { what: "A chunk has no signature of 64 hexadecimal digits." });
    }
    if (size > chunkBytesMax) throw awsChunkedFailure("CHUNK_SIZE_INVALID", { data: { size, chunkBytesMax } });
    if (decodedLength !== undefined && this.#decoded + size > decodedLength) {
      throw incomplete("The body is longer than x-amz-decoded-content-length says.", { decodedLength });
    }
    if (size > 0) this.#checkShort(size);
    this.#decoded += size;
    this.#remaining = size;
    this.#signature = signature;
    this.#hash = signed?.sha256();
    if (size > 0) {
      this.#state = "data";
      return;
    }
    this.#verifyChunk();
    this.#state = "trailer";
  }

  /** A chunk below the minimum can only be the last one with data. */
  #checkShort(size: number): void {
    const { chunkBytesMin = 0 } = this.#options;
    if (this.#short) throw awsChunkedFailure("CHUNK_SIZE_INVALID", { data: { chunkBytesMin } });
    this.#short = size < chunkBytesMin;
  }

  #endData(): void {
    this.#verifyChunk();
    this.#state = "data-end";
    this.#remaining = 2;
  }

  #verifyChunk(): void {
    if (this.#options.signed === undefined) return;
    const holds = this.#options.signed.verifier.verifyChunk(this.#signature!, this.#hash!.digest());
    if (!holds) throw awsChunkedFailure("CHUNK_SIGNATURE_MISMATCH", { data: { decoded: this.#decoded } });
  }

  /** CR and LF behind the data; `remaining` says which of them is next. */
  #readDataEnd(bytes: Uint8Array, at: number): number {
    const expected = this.#remaining === 2 ? 0x0d : 0x0a;
    if (bytes[at] !== expected)
      throw awsChunkedFailure("CHUNK_MALFORMED", { what: "A chunk is longer than its size." });
    this.#remaining--;
    if (this.#remaining === 0) this.#state = "header";
    return at + 1;
  }

  #finish(): void {
    const { decodedLength } = this.#options;
    if (decodedLength !== undefined && this.#decoded !== decodedLength) {
      throw incomplete("The body is shorter than x-amz-decoded-content-length says.", {
        decodedLength,
        decoded: this.#decoded,
      });
    }
    this.#state = "done";
  }
}

const CHUNK_BYTES_MAX = 5 * 1024 ** 3;

function incomplete(what: string, data: Readonly<Record<string, unknown>>): Error {
  return awsChunkedFailure("INCOMPLETE_BODY", { what, data });
}
