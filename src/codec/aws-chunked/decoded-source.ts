import { assert } from "../../std/assert.ts";
import { type ByteSource, sourceThrough } from "../../std/source.ts";
import type { ChunkedDecoder } from "./decoder.ts";
import type { Trailers } from "./signatures.ts";

export interface DecodedSource extends ByteSource {
  /** Known once `read` has returned null. */
  readonly trailers: Trailers;
}

/**
 * The data of an aws-chunked body. Its end (null) says that all chunks, signatures and trailers held; what was read
 * before an error must not be used. Chunks are slices of what the source gave, not copies. An error cancels the source.
 */
export function decodedSource(source: ByteSource, decoder: ChunkedDecoder): DecodedSource {
  let slices: readonly Uint8Array[] = [];
  let taken = 0;
  let trailers: Trailers | undefined;

  async function next(): Promise<Uint8Array | null> {
    for (;;) {
      if (taken < slices.length) return slices[taken++]!;
      if (trailers !== undefined) return null;
      const bytes = await source.read();
      if (bytes === null) {
        trailers = decoder.end();
      } else {
        slices = decoder.push(bytes);
        taken = 0;
      }
    }
  }

  return {
    ...sourceThrough(source, next),
    get trailers(): Trailers {
      assert(trailers !== undefined, "trailers are known at the end of the body");
      return trailers;
    },
  };
}
