// Names of this server's resources and principals. There is one account and one partition, so these parts and the
// region are empty or fixed:
//
//   arn:aws:s3:::BUCKET            arn:aws:s3:::BUCKET/KEY          arn:aws:s3:::*  (all buckets, for ListAllMyBuckets)
//   arn:aws:ashlar:::cluster       arn:aws:ashlar:::user/NAME       arn:aws:ashlar:::policy/NAME
//   arn:aws:ashlar:::generator/NAME          arn:aws:ashlar:::tag/NAME        (of ids)
//   arn:aws:ashlar:::kv/KEY        (a key of /v1/kv as text; the keys of a range as kv/PREFIX*)
//   arn:aws:iam:::root             arn:aws:iam:::user/NAME          (principals)

/** What a request for the list of all buckets names. */
export const ALL_BUCKETS_ARN = "arn:aws:s3:::*";
export const CLUSTER_ARN = "arn:aws:ashlar:::cluster";
export const ROOT_ARN = "arn:aws:iam:::root";

const S3_PREFIX = "arn:aws:s3:::";

export function bucketArn(bucket: string): string {
  return S3_PREFIX + bucket;
}

export function objectArn(bucket: string, key: string): string {
  return `${S3_PREFIX}${bucket}/${key}`;
}

/** With "*" for the name: the list of all, as in ListUsers. */
export function ashlarArn(kind: "user" | "policy" | "generator" | "tag", name: string): string {
  return `arn:aws:ashlar:::${kind}/${name}`;
}

/** Of a key of /v1/kv, or of all that begin alike where the text ends in "*". */
export function keyArn(key: string): string {
  return `arn:aws:ashlar:::kv/${key}`;
}

/** A user as a principal. */
export function userArn(name: string): string {
  return `arn:aws:iam:::user/${name}`;
}
