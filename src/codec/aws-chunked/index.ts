export { type DecodedSource, decodedSource } from "./decoded-source.ts";
export { ChunkedDecoder, type ChunkedDecoderOptions, type SignedChunks } from "./decoder.ts";
export { ChunkedEncoder, type SignedEncoding } from "./encoder.ts";
export { AWS_CHUNKED_ERRORS, type AwsChunkedError, type AwsChunkedErrorCode } from "./errors.ts";
export type { ChunkSigner, ChunkVerifier, RunningSha256, Trailers } from "./signatures.ts";
