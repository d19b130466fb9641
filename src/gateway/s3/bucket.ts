import { hasCode } from "../../std/errors.ts";
import { readOptionalDocument, SMALL_BYTES_MAX } from "./document.ts";
import { emptyReply, type Operator, operator, type Ports } from "./operator.ts";
import type { S3Reply, S3Request } from "./request.ts";
import { textReply } from "./xml.ts";

/** The region that has no name in GetBucketLocation, since it was the first. */
const UNNAMED_REGION = "us-east-1";

export const createBucket: Operator = operator({
  parse: async (input: S3Request, ports: Ports) => {
    // Any region is ours; the document only has to be one, and ask for nothing else.
    await readOptionalDocument(input, ports, {
      root: "CreateBucketConfiguration",
      children: ["LocationConstraint"],
      bytesMax: SMALL_BYTES_MAX,
    });
    return { bucket: input.bucket, owner: input.caller.owner };
  },
  handle: ({ bucket, owner }, ports) => create(bucket, owner, ports),
  encode: (isNew, { bucket }): S3Reply => ({
    ...emptyReply(200, ["Location", `/${bucket}`]),
    ...(!isNew && { changedNothing: true }),
  }),
});

/**
 * In the first region, and only there, a bucket that is one's own already is as good as made: clients there rely on it. True
 * where it is made.
 */
async function create(bucket: string, owner: string, { objects, options }: Ports): Promise<boolean> {
  try {
    await objects.createBucket(bucket, owner);
    return true;
  } catch (error) {
    if (options.region !== UNNAMED_REGION || !hasCode(error, "BUCKET_OWNED_BY_YOU")) throw error;
    return false;
  }
}

export const headBucket: Operator = operator({
  parse: ({ bucket }) => bucket,
  handle: (bucket, { objects }) => objects.headBucket(bucket),
  encode: (_, __, ___, { options }): S3Reply =>
    emptyReply(200, ["x-amz-bucket-region", options.region, "Content-Type", "application/xml"]),
});

export const deleteBucket: Operator = operator({
  parse: ({ bucket }) => bucket,
  handle: (bucket, { objects }) => objects.deleteBucket(bucket),
  encode: () => emptyReply(204),
});

export const getBucketLocation: Operator = operator({
  parse: ({ bucket }) => bucket,
  handle: (bucket, { objects }) => objects.headBucket(bucket),
  encode: (_, __, ___, { options }): S3Reply => {
    const region = options.region === UNNAMED_REGION ? "" : options.region;
    return textReply("LocationConstraint", region);
  },
});
