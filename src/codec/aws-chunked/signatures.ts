// What the codec needs to sign and to verify; codec/sigv4's SignatureChain is both. Each call moves the chain on by one
// signature.

export interface ChunkVerifier {
  /** Whether this is the signature of the next chunk, whose data have that SHA-256. */
  verifyChunk(signature: string, sha256: Uint8Array): boolean;
  /** Whether this is the signature of the trailer; `lines` are `name:value\n`, sorted by name. */
  verifyTrailer(signature: string, lines: string): boolean;
}

export interface ChunkSigner {
  signChunk(sha256: Uint8Array): string;
  signTrailer(lines: string): string;
}

/** A SHA-256 that takes its input piece by piece. It has read the bytes when `update` returns, and is used once. */
export interface RunningSha256 {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
}

export type Trailers = ReadonlyMap<string, string>;

export function trailerLines(trailers: Trailers): string {
  const names = [...trailers.keys()].sort();
  return names.map((name) => `${name}:${trailers.get(name)!}\n`).join("");
}

export const TRAILER_SIGNATURE = "x-amz-trailer-signature";
