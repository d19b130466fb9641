import { assert } from "../../std/assert.ts";
import { EMPTY, utf8 } from "../../std/bytes.ts";
import { type ChunkSigner, TRAILER_SIGNATURE, type Trailers, trailerLines } from "./signatures.ts";

export interface SignedEncoding {
  readonly signer: ChunkSigner;
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
}

/** Makes an aws-chunked body: any number of chunks, then the end. Without `signed` the chunks carry no signature. */
export class ChunkedEncoder {
  readonly #signed: SignedEncoding | undefined;

  constructor(signed?: SignedEncoding) {
    this.#signed = signed;
  }

  /** The chunk's header, the data themselves and the line end behind them. */
  chunk(data: Uint8Array): Uint8Array[] {
    assert(data.length > 0, "an empty chunk is the end of a body");
    return [this.#header(data), data, LINE_END];
  }

  /** The last chunk and the trailers, signed where the chunks are. */
  end(trailers: Trailers = new Map()): Uint8Array[] {
    const header = this.#header(EMPTY);
    if (trailers.size === 0) return [header, LINE_END];
    const lines = trailerLines(trailers);
    const signature = this.#signed?.signer.signTrailer(lines);
    const signatureLine = signature === undefined ? "" : `${TRAILER_SIGNATURE}:${signature}\r\n`;
    return [header, utf8(`${lines.replaceAll("\n", "\r\n")}${signatureLine}\r\n`)];
  }

  #header(data: Uint8Array): Uint8Array {
    const size = data.length.toString(16);
    if (this.#signed === undefined) return utf8(`${size}\r\n`);
    return utf8(`${size};chunk-signature=${this.#signed.signer.signChunk(this.#signed.sha256(data))}\r\n`);
  }
}

const LINE_END = Uint8Array.of(0x0d, 0x0a);
