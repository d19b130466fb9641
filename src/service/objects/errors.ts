import { type AshlarError, failures } from "../../std/errors.ts";

export const OBJECT_ERRORS = {
  BUCKET_MISSING: { what: "The bucket does not exist.", advice: "Create it, or check the name." },
  BUCKET_EXISTS: { what: "The bucket exists already.", advice: "Choose another name." },
  BUCKET_OWNED_BY_YOU: { what: "The bucket exists already and is yours.", advice: "Use it as it is." },
  BUCKET_NOT_EMPTY: { what: "The bucket is not empty.", advice: "Delete its objects, versions and uploads first." },
  BUCKET_NAME_INVALID: {
    what: "The bucket's name is not valid.",
    advice: "Use 3 to 63 lower-case letters, digits, dots and hyphens, beginning and ending with a letter or digit.",
  },
  DOCUMENT_TOO_LARGE: { what: "The bucket's document is too large.", advice: "Make it shorter." },
  KEY_INVALID: { what: "The key is empty or not valid UTF-8.", advice: "Use another key." },
  KEY_TOO_LONG: { what: "The key is longer than 1,024 bytes.", advice: "Use a shorter key." },
  OBJECT_MISSING: { what: "The key does not exist.", advice: "Check the key." },
  VERSION_MISSING: { what: "The version does not exist.", advice: "Check the version id." },
  VERSION_ID_INVALID: { what: "The version id is not valid.", advice: "Check the version id." },
  IS_DELETE_MARKER: { what: "The version is a delete marker.", advice: "Read another version, or delete the marker." },
  PRECONDITION_FAILED: { what: "A condition of the request does not hold.", advice: "Read the object again." },
  NOT_MODIFIED: { what: "The object has not changed.", advice: "Use your copy." },
  RANGE_INVALID: { what: "The range lies outside of the object.", advice: "Ask for less." },
  PART_MISSING: { what: "The object has no such part.", advice: "Ask for a part that it has." },
  CONFLICT: { what: "Another request changed the same key meanwhile.", advice: "Try again." },
  TOO_LARGE: { what: "The object or part is too large.", advice: "Upload it in more parts." },
  TOO_SMALL: { what: "A part other than the last is smaller than 5 MiB.", advice: "Upload larger parts." },
  BODY_INCOMPLETE: { what: "The body ended before the announced length.", advice: "Send it again." },
  DIGEST_MISMATCH: { what: "The body does not have the announced MD5.", advice: "Send it again." },
  SHA256_MISMATCH: { what: "The body does not have the announced SHA-256.", advice: "Send it again." },
  CHECKSUM_MISMATCH: { what: "The body does not have the announced checksum.", advice: "Send it again." },
  CHECKSUM_TYPE_INVALID: {
    what: "The checksum can not be of this type.",
    advice: "CRC64NVME is of full objects, SHA checksums of multipart uploads are composite.",
  },
  METADATA_TOO_LARGE: { what: "The metadata is larger than 2 KiB.", advice: "Send less." },
  TAG_INVALID: {
    what: "The tags are not valid.",
    advice: "At most 10 (50 on a bucket), keys of 1 to 128 and values of at most 256 characters.",
  },
  UPLOAD_MISSING: { what: "The upload does not exist.", advice: "It was completed or aborted; begin a new one." },
  PART_INVALID: { what: "A part was not uploaded or has another etag.", advice: "Upload the part again." },
  PART_ORDER_INVALID: { what: "The parts are not in ascending order.", advice: "Sort them by number." },
  PART_NUMBER_INVALID: { what: "A part's number is not between 1 and 10,000.", advice: "Use another number." },
  COPY_TO_ITSELF: {
    what: "The object would be copied to itself without a change.",
    advice: "Change the metadata, the tags or the storage class.",
  },
  OVERLOADED: { what: "Too many requests wait already.", advice: "Try again later, with back-off." },
} as const;

export type ObjectErrorCode = keyof typeof OBJECT_ERRORS;
export type ObjectError = AshlarError<ObjectErrorCode>;

export const objectFailure: ReturnType<typeof failures<typeof OBJECT_ERRORS>> = failures(OBJECT_ERRORS);
