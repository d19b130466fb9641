import type { BlobErrorCode } from "../../blob/index.ts";
import type { AwsChunkedErrorCode } from "../../codec/aws-chunked/index.ts";
import type { MultipartFormErrorCode } from "../../codec/multipart-form/index.ts";
import type { SigV4ErrorCode } from "../../codec/sigv4/index.ts";
import type { XmlErrorCode } from "../../codec/xml/index.ts";
import type { EnvErrorCode } from "../../env/index.ts";
import type { AccessErrorCode } from "../../service/access/index.ts";
import type { ObjectErrorCode } from "../../service/objects/index.ts";
import { AshlarError } from "../../std/errors.ts";
import type { StoreErrorCode } from "../../store/index.ts";
import type { HttpErrorCode } from "../http/index.ts";
import { S3_ERRORS, type S3ErrorCode } from "./error-table.ts";

// What S3 calls the failures of the layers below. A code that is new there does not compile here until it has an
// answer. The message that goes out is S3's own, but where a layer says more that helps (`own` codes).

const HTTP: Record<HttpErrorCode, S3ErrorCode> = {
  TOO_MANY_REQUESTS: "SlowDown",
  BODY_TOO_SLOW: "RequestTimeout",
  BODY_TOO_LARGE: "MaxMessageLengthExceeded",
  BODY_INCOMPLETE: "IncompleteBody",
  HEADER_INVALID: "InvalidRequest",
};

const SIGV4: Record<SigV4ErrorCode, S3ErrorCode> = {
  AUTHORIZATION_HEADER_MALFORMED: "AuthorizationHeaderMalformed",
  AUTHORIZATION_QUERY_MALFORMED: "AuthorizationQueryParametersError",
  AUTHORIZATION_UNSUPPORTED: "InvalidRequest",
  AUTHORIZATION_CONFLICT: "InvalidArgument",
  POST_FIELD_INVALID: "InvalidArgument",
  DATE_MISSING: "AccessDenied",
  SECURITY_HEADER_MISSING: "MissingSecurityHeader",
  CONTENT_SHA256_INVALID: "InvalidArgument",
  HEADERS_NOT_SIGNED: "AccessDenied",
  REQUEST_TIME_TOO_SKEWED: "RequestTimeTooSkewed",
  REQUEST_EXPIRED: "AccessDenied",
  REQUEST_NOT_YET_VALID: "AccessDenied",
  SIGNATURE_DOES_NOT_MATCH: "SignatureDoesNotMatch",
};

const OBJECTS: Record<ObjectErrorCode, S3ErrorCode> = {
  BUCKET_MISSING: "NoSuchBucket",
  BUCKET_EXISTS: "BucketAlreadyExists",
  BUCKET_OWNED_BY_YOU: "BucketAlreadyOwnedByYou",
  BUCKET_NOT_EMPTY: "BucketNotEmpty",
  BUCKET_NAME_INVALID: "InvalidBucketName",
  DOCUMENT_TOO_LARGE: "MaxMessageLengthExceeded",
  KEY_INVALID: "InvalidURI",
  KEY_TOO_LONG: "KeyTooLongError",
  OBJECT_MISSING: "NoSuchKey",
  VERSION_MISSING: "NoSuchVersion",
  VERSION_ID_INVALID: "InvalidArgument",
  IS_DELETE_MARKER: "MethodNotAllowed",
  PRECONDITION_FAILED: "PreconditionFailed",
  NOT_MODIFIED: "NotModified",
  RANGE_INVALID: "InvalidRange",
  PART_MISSING: "InvalidPart",
  CONFLICT: "OperationAborted",
  TOO_LARGE: "EntityTooLarge",
  TOO_SMALL: "EntityTooSmall",
  BODY_INCOMPLETE: "IncompleteBody",
  DIGEST_MISMATCH: "BadDigest",
  SHA256_MISMATCH: "XAmzContentSHA256Mismatch",
  CHECKSUM_MISMATCH: "BadDigest",
  CHECKSUM_TYPE_INVALID: "InvalidRequest",
  METADATA_TOO_LARGE: "MetadataTooLarge",
  TAG_INVALID: "InvalidTag",
  UPLOAD_MISSING: "NoSuchUpload",
  PART_INVALID: "InvalidPart",
  PART_ORDER_INVALID: "InvalidPartOrder",
  PART_NUMBER_INVALID: "InvalidArgument",
  COPY_TO_ITSELF: "InvalidRequest",
  OVERLOADED: "SlowDown",
};

/**
 * Codes that the objects service has too are its own here: what the access service means by them, no request of S3 can
 * meet.
 */
const ACCESS: Record<Exclude<AccessErrorCode, ObjectErrorCode>, S3ErrorCode> = {
  POLICY_MALFORMED: "MalformedPolicy",
  POLICY_EXISTS: "InvalidRequest",
  POLICY_MISSING: "InvalidRequest",
  POLICY_IN_USE: "InvalidRequest",
  POLICY_BUILT_IN: "InvalidRequest",
  USER_EXISTS: "InvalidRequest",
  USER_MISSING: "InvalidRequest",
  KEY_EXISTS: "InvalidRequest",
  KEY_MISSING: "InvalidAccessKeyId",
  LIMIT_KEYS: "InvalidRequest",
  LIMIT_POLICIES: "InvalidRequest",
  NAME_INVALID: "InvalidRequest",
  DESCRIPTION_TOO_LONG: "InvalidRequest",
  PAGE_INVALID: "InvalidRequest",
  EXPIRY_INVALID: "InvalidRequest",
  CHAIN_REFUSED: "AccessDenied",
  REVISION_CHANGED: "OperationAborted",
  CONTENDED: "SlowDown",
  BUSY: "SlowDown",
  SECRET_UNREADABLE: "InternalError",
  RECORD_DAMAGED: "InternalError",
  RECORD_NEWER: "InternalError",
  SESSION_MISSING: "AccessDenied",
  LOGIN_FAILED: "AccessDenied",
  LOGIN_DELAYED: "SlowDown",
};

const CHUNKED: Record<AwsChunkedErrorCode, S3ErrorCode> = {
  INCOMPLETE_BODY: "IncompleteBody",
  CHUNK_MALFORMED: "InvalidRequest",
  CHUNK_SIZE_INVALID: "InvalidChunkSizeError",
  CHUNK_SIGNATURE_MISMATCH: "SignatureDoesNotMatch",
  TRAILER_MALFORMED: "MalformedTrailerError",
};

const XML: Record<XmlErrorCode, S3ErrorCode> = {
  MALFORMED_XML: "MalformedXML",
  XML_TOO_LARGE: "MaxMessageLengthExceeded",
};

/** Its POLICY_MALFORMED is told apart from the access service's where the form is read. */
const FORM: Record<Exclude<MultipartFormErrorCode, AccessErrorCode>, S3ErrorCode> = {
  FORM_TYPE_INVALID: "PreconditionFailed",
  FORM_MALFORMED: "MalformedPOSTRequest",
  FORM_TOO_LARGE: "MaxPostPreDataLengthExceededError",
  FORM_FILE_MISSING: "IncorrectNumberOfFilesInPostRequest",
  FORM_FIELD_REPEATED: "InvalidArgument",
  POLICY_EXPIRED: "AccessDenied",
  POLICY_CONDITION_FAILED: "AccessDenied",
  POLICY_FIELD_NOT_COVERED: "AccessDenied",
  ENTITY_TOO_SMALL: "EntityTooSmall",
  ENTITY_TOO_LARGE: "EntityTooLarge",
};

const BLOB: Record<BlobErrorCode, S3ErrorCode> = {
  BLOB_DAMAGED: "InternalError",
  BLOB_MISSING: "InternalError",
  SOURCE_LENGTH: "IncompleteBody",
  SPACE_RESERVED: "StorageFull",
  BLOBS_OVERLOADED: "SlowDown",
  BLOBS_FAILED: "ServiceUnavailable",
  BLOBS_CLOSED: "ServiceUnavailable",
  VOLUME_LOST: "ServiceUnavailable",
  VOLUME_UNKNOWN: "InternalError",
  VOLUME_UNREADABLE: "InternalError",
  VOLUME_FORMAT_NEWER: "InternalError",
  VOLUME_NOT_COMPACTED: "InternalError",
  REPLICAS_TOO_FEW: "ServiceUnavailable",
  REPLICAS_UNREACHABLE: "ServiceUnavailable",
  VOLUME_REFUSED: "ServiceUnavailable",
  REPLICA_LATE: "ServiceUnavailable",
  BLOB_OPTION_INVALID: "InternalError",
};

const STORE: Record<Exclude<StoreErrorCode, ObjectErrorCode>, S3ErrorCode> = {
  REQUEST_INVALID: "InternalError",
  NO_LEADER: "ServiceUnavailable",
  NOT_LEADER: "ServiceUnavailable",
  RANGE_MISMATCH: "ServiceUnavailable",
  RANGE_MOVING: "ServiceUnavailable",
  RANGES_CUT: "InternalError",
  TRANSFER_SUPERSEDED: "ServiceUnavailable",
  OUTCOME_UNKNOWN: "ServiceUnavailable",
  DEADLINE_PASSED: "ServiceUnavailable",
  LEASE_UNKNOWN: "InternalError",
  SESSION_UNKNOWN: "InternalError",
  SESSION_WINDOW: "InternalError",
  HISTORY_LOST: "InternalError",
  SLOW_WATCHER: "InternalError",
  POSITION_INVALID: "InternalError",
  CHECKPOINT_DAMAGED: "InternalError",
  FORMAT_NEWER: "InternalError",
  ROW_DAMAGED: "InternalError",
  STOPPED: "ServiceUnavailable",
};

const ENV: Record<EnvErrorCode, S3ErrorCode> = {
  FILE_EXISTS: "InternalError",
  FILE_MISSING: "InternalError",
  DISK_FULL: "StorageFull",
  DISK_FAILED: "ServiceUnavailable",
  DISK_LOCKED: "InternalError",
  INDEX_DAMAGED: "InternalError",
  ADDRESS_TAKEN: "InternalError",
  ADDRESS_INVALID: "InternalError",
  CLIENT_GONE: "RequestTimeout",
  LIBRARY_MISSING: "InternalError",
  CONNECTION_LOST: "InternalError",
  CONNECTION_REFUSED: "InternalError",
  CONNECTION_RESET: "InternalError",
  CONNECTION_TIMED_OUT: "InternalError",
  CONNECT_TIMED_OUT: "InternalError",
  HOST_UNREACHABLE: "InternalError",
  TLS_REFUSED: "InternalError",
  REPLY_LENGTH_WRONG: "InternalError",
  TLS_INVALID: "InternalError",
};

/** Two layers may use one code; then they mean the same by it here (error-map.test.ts holds them to that). */
export const ERROR_MAPS: readonly Readonly<Record<string, S3ErrorCode>>[] = [
  ...[HTTP, SIGV4, CHUNKED, XML, FORM, OBJECTS, ACCESS, BLOB, STORE, ENV],
];

const CODES: ReadonlyMap<string, S3ErrorCode> = new Map(ERROR_MAPS.flatMap((map) => Object.entries(map)));

/** Codes whose own sentence helps the client more than S3's, and tells nothing of the inside. */
const OWN_SENTENCE: ReadonlySet<string> = new Set<string>([
  ...Object.keys(SIGV4),
  ...Object.keys(CHUNKED),
  ...Object.keys(XML),
  ...Object.keys(FORM),
  ...["POLICY_MALFORMED", "VERSION_ID_INVALID", "PART_NUMBER_INVALID", "COPY_TO_ITSELF", "CHECKSUM_TYPE_INVALID"],
  ...["TAG_INVALID", "KEY_INVALID", "BODY_TOO_SLOW", "TOO_MANY_REQUESTS"],
]);

/** An error as S3 tells it. `data` are facts about it: some become elements of the body, some headers. */
export interface ToldError {
  readonly code: S3ErrorCode;
  readonly status: number;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Whatever was thrown; what no layer declares is InternalError, and says nothing of itself. */
export function toS3Error(error: unknown): ToldError {
  if (!(error instanceof AshlarError)) return told("InternalError", S3_ERRORS.InternalError.what, {});
  const { code, message, data } = error;
  if (isS3Code(code)) return told(code, code === "InternalError" ? S3_ERRORS[code].what : message, data);
  const s3Code = CODES.get(code) ?? "InternalError";
  const { what } = S3_ERRORS[s3Code];
  // Where a read is refused for what it is about, the client gets to see what; a damaged disk is the operator's affair.
  if (s3Code === "InternalError") return told(s3Code, what, {});
  return told(s3Code, OWN_SENTENCE.has(code) ? message : what, { ...data, cause: code });
}

function told(code: S3ErrorCode, message: string, data: Readonly<Record<string, unknown>>): ToldError {
  return { code, status: S3_ERRORS[code].status, message, data };
}

function isS3Code(code: string): code is S3ErrorCode {
  return Object.hasOwn(S3_ERRORS, code);
}
