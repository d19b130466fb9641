import { type AshlarError, failures } from "../../std/errors.ts";

/** Ways for a request to fail authentication. Each advice names the S3 code that a gateway answers with. */
export const SIGV4_ERRORS = {
  AUTHORIZATION_HEADER_MALFORMED: {
    what: "The Authorization header is malformed.",
    advice: "Send Credential, SignedHeaders and Signature as Signature Version 4 asks (AuthorizationHeaderMalformed).",
  },
  AUTHORIZATION_QUERY_MALFORMED: {
    what: "The query parameters that authorize the request are malformed.",
    advice: "Make the link again with a Signature Version 4 presigner (AuthorizationQueryParametersError).",
  },
  AUTHORIZATION_UNSUPPORTED: {
    what: "The authorization mechanism is not supported.",
    advice: "Sign with AWS4-HMAC-SHA256 (InvalidRequest).",
  },
  AUTHORIZATION_CONFLICT: {
    what: "The request is authorized both by a header and by its query.",
    advice: "Use only one of the two (InvalidArgument).",
  },
  POST_FIELD_INVALID: {
    what: "A form field that authorizes the upload is missing or malformed.",
    advice: "Sign the form again with a Signature Version 4 signer (InvalidArgument).",
  },
  DATE_MISSING: {
    what: "The request has no valid x-amz-date or Date header.",
    advice: "Send x-amz-date as YYYYMMDD'T'HHMMSS'Z' (AccessDenied).",
  },
  SECURITY_HEADER_MISSING: {
    what: "The request has no x-amz-content-sha256 header.",
    advice: "Send the SHA-256 of the body in hexadecimal, or UNSIGNED-PAYLOAD (MissingSecurityHeader).",
  },
  CONTENT_SHA256_INVALID: {
    what: "The header x-amz-content-sha256 has a value that is not supported.",
    advice: "Send a SHA-256, UNSIGNED-PAYLOAD or one of the HMAC streaming forms (InvalidArgument).",
  },
  HEADERS_NOT_SIGNED: {
    what: "The request has headers that must be signed and are not.",
    advice: "Sign host and every x-amz-* header that is sent (AccessDenied).",
  },
  REQUEST_TIME_TOO_SKEWED: {
    what: "The difference between the request time and the server's time is too large.",
    advice: "Set the clock of the client; 15 minutes are allowed (RequestTimeTooSkewed).",
  },
  REQUEST_EXPIRED: {
    what: "The request has expired.",
    advice: "Ask for a new link (AccessDenied).",
  },
  REQUEST_NOT_YET_VALID: {
    what: "The request is not valid yet.",
    advice: "Set the clock of the signer, or wait (AccessDenied).",
  },
  SIGNATURE_DOES_NOT_MATCH: {
    what: "The signature is not the one that the server calculated.",
    advice: "Check the secret key, and compare the canonical request with the client's (SignatureDoesNotMatch).",
  },
} as const;

export type SigV4ErrorCode = keyof typeof SIGV4_ERRORS;
export type SigV4Error = AshlarError<SigV4ErrorCode>;

export const sigV4Failure: ReturnType<typeof failures<typeof SIGV4_ERRORS>> = failures(SIGV4_ERRORS);
