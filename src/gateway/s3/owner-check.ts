import { copySourceOf } from "./copy-source.ts";
import { s3Failure } from "./errors.ts";
import type { Ports } from "./operator.ts";
import type { S3Request } from "./request.ts";

/** x-amz-expected-bucket-owner: the client wants nothing to do with a bucket of somebody else. */
export async function checkOwner({ headers, bucket, address }: S3Request, { objects }: Ports): Promise<void> {
  const expected = headers.get("x-amz-expected-bucket-owner");
  if (expected !== undefined && address.level !== "service") await requireOwner(bucket, expected, objects);
  const source = headers.get("x-amz-copy-source");
  const expectedOfSource = headers.get("x-amz-source-expected-bucket-owner");
  if (expectedOfSource === undefined || source === undefined) return;
  await requireOwner(copySourceOf(source).bucket, expectedOfSource, objects);
}

async function requireOwner(bucket: string, expected: string, objects: Ports["objects"]): Promise<void> {
  const { owner } = await objects.headBucket(bucket);
  if (owner !== expected) throw s3Failure("AccessDenied");
}
