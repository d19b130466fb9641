import { type AshlarError, failures } from "../../std/errors.ts";

/**
 * Ways for a browser upload to be refused before it is stored. Each advice names the S3 code that a gateway answers
 * with.
 */
export const MULTIPART_FORM_ERRORS = {
  FORM_TYPE_INVALID: {
    what: "The upload is not of the type multipart/form-data.",
    advice: "Send the form as multipart/form-data with a boundary (PreconditionFailed).",
  },
  FORM_MALFORMED: {
    what: "The body is not well-formed multipart/form-data.",
    advice: "Send the form again (MalformedPOSTRequest).",
  },
  FORM_TOO_LARGE: {
    what: "The fields before the file are too large.",
    advice: "Send fewer or shorter fields (MaxPostPreDataLengthExceeded).",
  },
  FORM_FILE_MISSING: {
    what: "The form has no file.",
    advice: "Send exactly one field named file, as the last one (IncorrectNumberOfFilesInPostRequest).",
  },
  FORM_FIELD_REPEATED: {
    what: "A field of the form was sent twice.",
    advice: "Send each field once (InvalidArgument).",
  },
  POLICY_MALFORMED: {
    what: "The policy document is malformed.",
    advice: "Send a JSON document with expiration and conditions (InvalidPolicyDocument).",
  },
  POLICY_EXPIRED: {
    what: "The policy of the form has expired.",
    advice: "Ask for a new form (AccessDenied).",
  },
  POLICY_CONDITION_FAILED: {
    what: "A condition of the policy does not hold for the form.",
    advice: "Send the fields as the policy says (AccessDenied).",
  },
  POLICY_FIELD_NOT_COVERED: {
    what: "The form has a field that no condition of the policy covers.",
    advice: "Leave the field out, or name it x-ignore-... (AccessDenied).",
  },
  ENTITY_TOO_SMALL: {
    what: "The file is smaller than the policy allows.",
    advice: "Send a larger file (EntityTooSmall).",
  },
  ENTITY_TOO_LARGE: {
    what: "The file is larger than the policy allows.",
    advice: "Send a smaller file (EntityTooLarge).",
  },
} as const;

export type MultipartFormErrorCode = keyof typeof MULTIPART_FORM_ERRORS;
export type MultipartFormError = AshlarError<MultipartFormErrorCode>;

export const formFailure: ReturnType<typeof failures<typeof MULTIPART_FORM_ERRORS>> = failures(MULTIPART_FORM_ERRORS);
