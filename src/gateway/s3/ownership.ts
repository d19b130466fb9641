import { type Operator, operator } from "./operator.ts";
import type { S3Reply } from "./request.ts";
import { XmlReply } from "./xml.ts";

/** All objects of a bucket belong to the bucket's owner: the one setting there is. */
export const getBucketOwnershipControls: Operator = operator({
  parse: ({ bucket }) => bucket,
  handle: (bucket, { objects }) => objects.headBucket(bucket),
  encode: (): S3Reply => {
    const xml = new XmlReply("OwnershipControls");
    return xml.open("Rule").text("ObjectOwnership", "BucketOwnerEnforced").close().reply();
  },
});
