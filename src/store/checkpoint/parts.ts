// A checkpoint's bytes in the pieces that its format asks for: out of a file, or as they come.

import type { DiskFile } from "../../env/index.ts";
import type { ByteSource } from "../../std/source.ts";

export interface Parts {
  /** The next so many bytes, in memory of their own; fewer at the end. */
  take(length: number): Promise<Uint8Array>;
}

export function partsOfFile(file: DiskFile): Parts {
  let position = 0;
  return {
    async take(length) {
      const bytes = await file.read(position, length);
      position += bytes.length;
      return bytes;
    },
  };
}

export function partsOfSource(source: ByteSource): Parts {
  let chunk: Uint8Array | null = new Uint8Array(0);
  return {
    async take(length) {
      const bytes = new Uint8Array(length);
      let filled = 0;
      while (filled < length && chunk !== null) {
        const part: Uint8Array = chunk.subarray(0, length - filled);
        bytes.set(part, filled);
        filled += part.length;
        chunk = part.length < chunk.length ? chunk.subarray(part.length) : await source.read();
      }
      return bytes.subarray(0, filled);
    },
  };
}
