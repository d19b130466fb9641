import { type AshlarError, type FailureDetails, failures } from "../../std/errors.ts";
import { S3_ERRORS, type S3ErrorCode } from "./error-table.ts";

export type S3Error = AshlarError<S3ErrorCode>;

const fail = failures(S3_ERRORS);

/**
 * `data` becomes the elements of the error's body beside Code and Message, in S3's spelling: ArgumentName, BucketName,
 * ...
 */
export function s3Failure<Code extends S3ErrorCode>(code: Code, details?: FailureDetails): AshlarError<Code> {
  return fail(code, details);
}

/** The failure that S3 knows most of. */
export function invalidArgument(what: string, name: string, value: string): S3Error {
  return fail("InvalidArgument", { what, data: { ArgumentName: name, ArgumentValue: value } });
}

export function notImplemented(what: string, data: Readonly<Record<string, unknown>> = {}): S3Error {
  return fail("NotImplemented", { what, data });
}
