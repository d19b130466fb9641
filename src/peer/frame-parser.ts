import { Copier } from "../std/copier.ts";
import { type PeerError, peerFailure } from "./errors.ts";
import { FRAME_HEADER_BYTES, FRAME_KINDS, frameChecksum } from "./wire.ts";

const KIND_MAX = Math.max(...Object.values(FRAME_KINDS));

/**
 * Cuts a stream of bytes into frames, however it was chunked. A chunk is only lent; each payload is copied once, into
 * memory that is its receiver's to keep. After a failure the stream has no meaning any more: nothing else is taken.
 */
export class FrameParser {
  readonly #frame: (kind: number, payload: Uint8Array) => void;
  readonly #payloads = new Copier();
  #payloadBytesMax: number;
  /** A header of which only the beginning has come, or the whole, while its payload comes. */
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerLength = 0;
  #payload: Uint8Array | undefined;
  #payloadLength = 0;
  #failure: PeerError | undefined;
  #isStopped = false;

  constructor(payloadBytesMax: number, frame: (kind: number, payload: Uint8Array) => void) {
    this.#payloadBytesMax = payloadBytesMax;
    this.#frame = frame;
  }

  /** From the next frame on: longer ones are allowed once the other side is known. */
  set payloadBytesMax(bytes: number) {
    this.#payloadBytesMax = bytes;
  }

  /** The rest of the chunk and all that follows is ignored. */
  stop(): void {
    this.#isStopped = true;
    this.#payload = undefined;
  }

  /** Hands over all frames that the chunk completes. Returns why the stream is no good, once it is not. */
  take(chunk: Uint8Array): PeerError | undefined {
    let at = 0;
    while (at < chunk.length && !this.#isStopped) {
      if (this.#payload !== undefined) at = this.#fillPayload(chunk, at, this.#payload);
      else if (this.#headerLength > 0 || chunk.length - at < FRAME_HEADER_BYTES) at = this.#fillHeader(chunk, at);
      else at = this.#takeWhole(chunk, at);
    }
    return this.#failure;
  }

  /** The usual case: header and payload lie in one chunk. */
  #takeWhole(chunk: Uint8Array, at: number): number {
    const length = this.#checkHeader(chunk, at);
    if (length === undefined) return chunk.length;
    const from = at + FRAME_HEADER_BYTES;
    const to = from + length;
    if (to > chunk.length) {
      this.#header.set(chunk.subarray(at, from));
      this.#headerLength = FRAME_HEADER_BYTES;
      this.#beginPayload(length);
      return from;
    }
    if (frameChecksum(chunk, chunk.subarray(from, to), at) !== readU32(chunk, at + 8)) {
      this.#fail("checksum");
      return chunk.length;
    }
    this.#frame(chunk[at + 4]!, this.#payloads.copy(chunk, from, length));
    return to;
  }

  #fillHeader(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + FRAME_HEADER_BYTES - this.#headerLength);
    this.#header.set(chunk.subarray(at, end), this.#headerLength);
    this.#headerLength += end - at;
    if (this.#headerLength < FRAME_HEADER_BYTES) return end;
    const length = this.#checkHeader(this.#header, 0);
    if (length !== undefined) this.#beginPayload(length);
    return end;
  }

  #beginPayload(length: number): void {
    this.#payload = new Uint8Array(length);
    this.#payloadLength = 0;
    if (length === 0) this.#endPayload(this.#payload);
  }

  #fillPayload(chunk: Uint8Array, at: number, payload: Uint8Array): number {
    const end = Math.min(chunk.length, at + payload.length - this.#payloadLength);
    payload.set(chunk.subarray(at, end), this.#payloadLength);
    this.#payloadLength += end - at;
    if (this.#payloadLength === payload.length) this.#endPayload(payload);
    return end;
  }

  #endPayload(payload: Uint8Array): void {
    this.#payload = undefined;
    this.#headerLength = 0;
    if (frameChecksum(this.#header, payload) === readU32(this.#header, 8)) this.#frame(this.#header[4]!, payload);
    else this.#fail("checksum");
  }

  /** The length of the payload, if this can be a header: before anything is set aside for it. */
  #checkHeader(bytes: Uint8Array, at: number): number | undefined {
    const kind = bytes[at + 4]!;
    const length = readU32(bytes, at);
    if (kind === 0 || kind > KIND_MAX) return this.#fail("kind");
    if (bytes[at + 5] !== 0 || bytes[at + 6] !== 0 || bytes[at + 7] !== 0) return this.#fail("reserved");
    if (length <= this.#payloadBytesMax) return length;
    this.stop();
    this.#failure = peerFailure("FRAME_TOO_LARGE", {
      what: `The other side announced a frame of ${length} bytes, where ${this.#payloadBytesMax} are allowed.`,
      data: { length, payloadBytesMax: this.#payloadBytesMax },
    });
    return undefined;
  }

  #fail(field: "kind" | "reserved" | "checksum"): undefined {
    this.stop();
    this.#failure = peerFailure("FRAME_MALFORMED", { data: { field } });
  }
}

function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
