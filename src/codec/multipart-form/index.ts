export { MULTIPART_FORM_ERRORS, type MultipartFormError, type MultipartFormErrorCode } from "./errors.ts";
export { withinRange } from "./length-range.ts";
export { type FormEvent, MultipartParser } from "./parser.ts";
export { type PartHeaders, parseBoundary } from "./part-headers.ts";
export { expandFileName, type PostedFile, type PostForm, readPostForm } from "./post-form.ts";
export {
  type ContentLengthRange,
  checkPostPolicy,
  type FieldCondition,
  type PostedRequest,
  type PostPolicy,
  parsePostPolicy,
} from "./post-policy.ts";
