import { type ThriftError, thriftFailure } from "./errors.ts";
import { STRICT_VERSION } from "./message.ts";

const HEADER_BYTES = 4;

/**
 * Cuts a stream into the frames of the framed transport, each behind its length (i32, big-endian), however the stream was
 * chunked. After a failure it has no meaning any more: nothing else is taken.
 */
export class ThriftFrameParser {
  readonly #frameBytesMax: number;
  readonly #frame: (frame: Uint8Array) => void;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerLength = 0;
  /** Of a frame whose beginning has come; grows with what comes, so that a length alone takes no memory. */
  #parts: Uint8Array | undefined;
  #partsLength = 0;
  #frameLength = 0;
  #failure: ThriftError | undefined;

  /** A frame is lent: its bytes are valid until the call returns. */
  constructor(frameBytesMax: number, frame: (frame: Uint8Array) => void) {
    this.#frameBytesMax = frameBytesMax;
    this.#frame = frame;
  }

  /** Hands over the frames that the chunk completes. Returns why the stream is no good, once it is not: UNFRAMED, FRAME_TOO_LARGE. */
  take(chunk: Uint8Array): ThriftError | undefined {
    let at = 0;
    while (at < chunk.length && this.#failure === undefined) {
      at = this.#headerLength < HEADER_BYTES ? this.#takeHeader(chunk, at) : this.#takePayload(chunk, at);
    }
    return this.#failure;
  }

  #takeHeader(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + HEADER_BYTES - this.#headerLength);
    this.#header.set(chunk.subarray(at, end), this.#headerLength);
    this.#headerLength += end - at;
    if (this.#headerLength < HEADER_BYTES) return end;
    const [a, b, c, d] = this.#header;
    const length = ((a! << 24) | (b! << 16) | (c! << 8) | d!) >>> 0;
    if (length > this.#frameBytesMax) this.#failure = this.#refusal(length);
    this.#frameLength = length;
    if (length === 0) this.#end(new Uint8Array(0));
    return end;
  }

  #takePayload(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#frameLength - this.#partsLength);
    if (this.#partsLength === 0 && end - at === this.#frameLength) {
      this.#end(chunk.subarray(at, end));
      return end;
    }
    const length = this.#partsLength + end - at;
    if (this.#parts === undefined || this.#parts.length < length) {
      const grown = new Uint8Array(Math.min(this.#frameLength, length * 2));
      if (this.#parts !== undefined) grown.set(this.#parts.subarray(0, this.#partsLength));
      this.#parts = grown;
    }
    this.#parts.set(chunk.subarray(at, end), this.#partsLength);
    this.#partsLength = length;
    if (length === this.#frameLength) this.#end(this.#parts.subarray(0, length));
    return end;
  }

  #end(frame: Uint8Array): void {
    this.#headerLength = 0;
    this.#partsLength = 0;
    this.#parts = undefined;
    this.#frame(frame);
  }

  /** Who sends a strict message without a frame gives himself away: as a length, its beginning is more than there can be. */
  #refusal(length: number): ThriftError {
    if (length >>> 16 === STRICT_VERSION) return thriftFailure("UNFRAMED");
    return thriftFailure("FRAME_TOO_LARGE", { data: { length, frameBytesMax: this.#frameBytesMax } });
  }
}
