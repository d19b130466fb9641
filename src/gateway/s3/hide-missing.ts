import { hasCode } from "../../std/errors.ts";
import { s3Failure } from "./errors.ts";
import type { Ports } from "./operator.ts";
import type { S3Request } from "./request.ts";

/**
 * Whether a key exists is for those to know who may list the bucket (as far as that key); to the others what is missing
 * is forbidden, as in S3. Returns the error to answer with.
 */
export async function hideMissing(error: unknown, input: S3Request, { permissions }: Ports): Promise<unknown> {
  const { operation, bucket, key } = input;
  if (operation.level !== "object" || (operation.method !== "GET" && operation.method !== "HEAD")) return error;
  const isMissing = hasCode(error, "OBJECT_MISSING");
  if (!isMissing && !hasCode(error, "VERSION_MISSING")) return error;
  const action = isMissing ? "s3:ListBucket" : "s3:ListBucketVersions";
  return (await permissions.allows({ action, bucket, context: { "s3:prefix": key } }))
    ? error
    : s3Failure("AccessDenied", { cause: error });
}
