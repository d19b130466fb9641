import { type AshlarError, failures } from "../../std/errors.ts";

/** Ways for an aws-chunked body to be wrong. Each advice names the S3 code that a gateway answers with. */
export const AWS_CHUNKED_ERRORS = {
  INCOMPLETE_BODY: {
    what: "The body does not have the number of bytes that x-amz-decoded-content-length says.",
    advice: "Send the whole body again (IncompleteBody).",
  },
  CHUNK_MALFORMED: {
    what: "A chunk of the body is not framed as aws-chunked.",
    advice: "Frame each chunk as size, signature, line end, data, line end (InvalidRequest).",
  },
  CHUNK_SIZE_INVALID: {
    what: "A chunk of the body is too large, or too small and not the last.",
    advice: "Send chunks within the limits (InvalidChunkSizeError).",
  },
  CHUNK_SIGNATURE_MISMATCH: {
    what: "The signature of a chunk or of the trailer is not the one that the server calculated.",
    advice: "Check the secret key and the chain of signatures (SignatureDoesNotMatch).",
  },
  TRAILER_MALFORMED: {
    what: "The trailer of the body is malformed or not the one that x-amz-trailer announced.",
    advice: "Send each announced trailer once, as name:value (MalformedTrailerError).",
  },
} as const;

export type AwsChunkedErrorCode = keyof typeof AWS_CHUNKED_ERRORS;
export type AwsChunkedError = AshlarError<AwsChunkedErrorCode>;

export const awsChunkedFailure: ReturnType<typeof failures<typeof AWS_CHUNKED_ERRORS>> = failures(AWS_CHUNKED_ERRORS);
