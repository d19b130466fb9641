import { awsChunkedFailure } from "./errors.ts";

/** `size` in hexadecimal, then for a signed chunk `;chunk-signature=` and 64 hexadecimal digits. */
export interface ChunkHeader {
  readonly size: number;
  /** Undefined where the chunk has none. */
  readonly signature: string | undefined;
}

/** Longest header taken: a size and a signature are 97 bytes. */
export const CHUNK_HEADER_BYTES_MAX = 256;

/** Reads a header without its line feed. What follows a ";" other than a signature is ignored, as in HTTP. */
export function parseChunkHeader(line: Uint8Array): ChunkHeader {
  const length = line.length - 1;
  if (length < 1 || line[length] !== CARRIAGE_RETURN) throw malformed("A chunk header does not end in CR LF.");
  let size = 0;
  let at = 0;
  for (; at < length && line[at] !== SEMICOLON; at++) {
    const digit = hexDigit(line[at]!);
    if (digit < 0 || at === SIZE_DIGITS_MAX) throw malformed("The size of a chunk is not a hexadecimal number.");
    size = size * 16 + digit;
  }
  if (at === 0) throw malformed("A chunk header has no size.");
  return { size, signature: at === length ? undefined : parseSignature(line.subarray(at + 1, length)) };
}

const CARRIAGE_RETURN = 0x0d;
const SEMICOLON = 0x3b;
/** More than any body has, and exact as a number. */
const SIZE_DIGITS_MAX = 13;
const SIGNATURE = /^chunk-signature=([0-9a-f]{64})$/;

function parseSignature(extension: Uint8Array): string | undefined {
  return SIGNATURE.exec(String.fromCharCode(...extension))?.[1];
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function malformed(what: string): Error {
  return awsChunkedFailure("CHUNK_MALFORMED", { what });
}
