import { awsChunkedFailure } from "./errors.ts";
import { LineReader } from "./line-reader.ts";
import { type ChunkVerifier, TRAILER_SIGNATURE, type Trailers, trailerLines } from "./signatures.ts";

const TRAILER_BYTES_MAX = 8_192;
const TRAILERS_MAX = 16;

/**
 * Reads what follows the last chunk: the trailers, for a signed body with trailers their signature, and an empty line.
 *
 * minio-go puts an empty line between the trailers and their signature, and ends trailers with LF alone; Amazon's
 * example and the other clients do neither. Both are taken: the form promises the signature, so the empty line in
 * between ends nothing.
 */
export class TrailerReader {
  readonly #lines = new LineReader(TRAILER_BYTES_MAX);
  readonly #allowed: boolean;
  readonly #announced: readonly string[];
  readonly #verifier: ChunkVerifier | undefined;
  readonly #trailers = new Map<string, string>();
  #signature: string | undefined;
  #bytes = 0;
  ended = false;

  constructor(allowed: boolean, announced: readonly string[], verifier: ChunkVerifier | undefined) {
    this.#allowed = allowed;
    this.#announced = announced;
    this.#verifier = verifier;
  }

  get trailers(): Trailers {
    return this.#trailers;
  }

  /** Reads a line or the part of it that is there, and returns the position behind it. */
  read(bytes: Uint8Array, from: number): number {
    const next = this.#lines.read(bytes, from);
    this.#bytes += next - from;
    if (next === -1 || this.#bytes > TRAILER_BYTES_MAX) throw malformed("The trailer is too long.");
    if (this.#lines.line !== undefined) this.#takeLine(this.#lines.line);
    return next;
  }

  #takeLine(line: Uint8Array): void {
    const text = String.fromCharCode(...(line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line));
    if (text !== "") {
      this.#takeField(text);
    } else if (!this.#awaitsSignature()) {
      this.#finish();
    }
  }

  #takeField(text: string): void {
    const match = FIELD.exec(text);
    if (!this.#allowed || match === null) throw malformed("A line of the trailer is not name:value.");
    const name = match[1]!.toLowerCase();
    const value = match[2]!;
    if (name === TRAILER_SIGNATURE) {
      if (this.#signature !== undefined) throw malformed("The trailer is signed twice.");
      this.#signature = value;
      return;
    }
    if (this.#trailers.has(name)) throw malformed(`The trailer ${name} was sent twice.`);
    if (!this.#announced.includes(name)) throw malformed(`The trailer ${name} was not announced by x-amz-trailer.`);
    if (this.#trailers.size === TRAILERS_MAX) throw malformed("There are too many trailers.");
    this.#trailers.set(name, value);
  }

  #awaitsSignature(): boolean {
    return this.#verifier !== undefined && this.#trailers.size > 0 && this.#signature === undefined;
  }

  #finish(): void {
    const missing = this.#announced.find((name) => !this.#trailers.has(name));
    if (missing !== undefined) throw malformed(`The trailer ${missing} was announced and not sent.`);
    if (this.#signature !== undefined && this.#verifier !== undefined) {
      const holds = this.#verifier.verifyTrailer(this.#signature, trailerLines(this.#trailers));
      if (!holds)
        throw awsChunkedFailure("CHUNK_SIGNATURE_MISMATCH", { what: "The signature of the trailer is wrong." });
    }
    this.ended = true;
  }
}

const CARRIAGE_RETURN = 0x0d;
const FIELD = /^([A-Za-z0-9-]{1,256}):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)[ \t]*$/;

function malformed(what: string): Error {
  return awsChunkedFailure("TRAILER_MALFORMED", { what });
}
