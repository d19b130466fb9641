export { type AccessPort, type Caller, ownerOf, type Signing } from "./authenticate.ts";
export { S3_ERRORS, type S3ErrorCode } from "./error-table.ts";
export { type S3Error, s3Failure } from "./errors.ts";
export { createS3Gateway, type S3Act, type S3GatewayParts } from "./gateway.ts";
export { malformedReply } from "./malformed.ts";
export {
  type ActName,
  FEATURES,
  OPERATIONS,
  type Operation,
  type OperationName,
  statusOf,
} from "./operations/index.ts";
export { S3_OPTIONS, type S3Options } from "./options.ts";
