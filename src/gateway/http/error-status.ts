// The HTTP status of what every gateway that is not S3's own refuses requests with: their form, and their signature.

import type { SigV4ErrorCode } from "../../codec/sigv4/index.ts";
import type { HttpErrorCode } from "./errors.ts";

export const HTTP_STATUS: Readonly<Record<HttpErrorCode, number>> = {
  TOO_MANY_REQUESTS: 503,
  BODY_TOO_SLOW: 408,
  BODY_TOO_LARGE: 413,
  BODY_INCOMPLETE: 400,
  HEADER_INVALID: 400,
};

export const SIGV4_STATUS: Readonly<Record<SigV4ErrorCode, number>> = {
  AUTHORIZATION_HEADER_MALFORMED: 400,
  AUTHORIZATION_QUERY_MALFORMED: 400,
  AUTHORIZATION_UNSUPPORTED: 400,
  AUTHORIZATION_CONFLICT: 400,
  POST_FIELD_INVALID: 400,
  DATE_MISSING: 403,
  SECURITY_HEADER_MISSING: 400,
  CONTENT_SHA256_INVALID: 400,
  HEADERS_NOT_SIGNED: 403,
  REQUEST_TIME_TOO_SKEWED: 403,
  REQUEST_EXPIRED: 403,
  REQUEST_NOT_YET_VALID: 403,
  SIGNATURE_DOES_NOT_MATCH: 403,
};
