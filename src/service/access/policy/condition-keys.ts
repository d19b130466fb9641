// Every condition key that a policy can name. Names are compared without case; what follows the slash of a tag key is a
// tag's name and is compared exactly.

/**
 * `request`: the gateway puts it into the request's context.
 *
 * `evaluator`: known here, from the principal and the clock.
 *
 * `never`: of AWS services that Ashlar has no counterpart of. Policies that name it load; no request has it.
 */
type KeyOrigin = "request" | "evaluator" | "never";

export interface KeyEntry {
  readonly from: KeyOrigin;
  /** True where a request can give several values: such a key is no policy variable. */
  readonly several?: boolean;
  readonly what: string;
}

export const CONDITION_KEYS = {
  "aws:CurrentTime": { from: "evaluator", what: "The time of the request, ISO 8601." },
  "aws:EpochTime": { from: "evaluator", what: "The time of the request in seconds since 1970." },
  "aws:PrincipalArn": {
    from: "evaluator",
    what: "arn:aws:iam:::user/NAME or arn:aws:iam:::root; absent if anonymous.",
  },
  "aws:PrincipalType": { from: "evaluator", what: "User, Account (the root key) or Anonymous." },
  "aws:TokenIssueTime": { from: "evaluator", what: "When the temporary credentials were issued; else absent." },
  "aws:userid": { from: "evaluator", what: "The user's id; root, or anonymous." },
  "aws:username": { from: "evaluator", what: "The user's name; absent for root and anonymous requests." },

  "aws:Referer": { from: "request", what: "The Referer header." },
  "aws:SecureTransport": { from: "request", what: "true over TLS, else false." },
  "aws:SourceIp": { from: "request", what: "The client's address." },
  "aws:UserAgent": { from: "request", what: "The User-Agent header." },
  "aws:RequestedRegion": { from: "request", what: "The region in the signature's scope." },
  "aws:TagKeys": { from: "request", several: true, what: "Names of the tags that the request sets." },
  "s3:authType": { from: "request", what: "REST-HEADER, REST-QUERY-STRING or POST." },
  "s3:signatureversion": { from: "request", what: "AWS4-HMAC-SHA256 or AWS." },
  "s3:signatureAge": { from: "request", what: "Milliseconds since a presigned URL was signed." },
  "s3:TlsVersion": { from: "request", what: "1.2 or 1.3." },
  "s3:x-amz-content-sha256": { from: "request", what: "The header: a hash, UNSIGNED-PAYLOAD or STREAMING-..." },
  "s3:prefix": { from: "request", what: "Of a listing." },
  "s3:delimiter": { from: "request", what: "Of a listing." },
  "s3:max-keys": { from: "request", what: "Of a listing." },
  "s3:VersionId": { from: "request", what: "The version that the request names." },
  "s3:LocationConstraint": { from: "request", what: "Of CreateBucket." },
  "s3:if-match": { from: "request", what: "The If-Match header of a write or a delete." },
  "s3:if-none-match": { from: "request", what: "The If-None-Match header of a write." },
  "s3:ObjectCreationOperation": { from: "request", what: "true where the request creates an object." },
  "s3:x-amz-acl": { from: "request", what: "The canned ACL." },
  "s3:x-amz-grant-full-control": { from: "request", what: "The header." },
  "s3:x-amz-grant-read": { from: "request", what: "The header." },
  "s3:x-amz-grant-read-acp": { from: "request", what: "The header." },
  "s3:x-amz-grant-write": { from: "request", what: "The header." },
  "s3:x-amz-grant-write-acp": { from: "request", what: "The header." },
  "s3:x-amz-copy-source": { from: "request", what: "Bucket and key of a copy's source." },
  "s3:x-amz-metadata-directive": { from: "request", what: "COPY or REPLACE." },
  "s3:x-amz-object-ownership": { from: "request", what: "Of CreateBucket." },
  "s3:x-amz-server-side-encryption": { from: "request", what: "AES256 or aws:kms." },
  "s3:x-amz-server-side-encryption-aws-kms-key-id": { from: "request", what: "The header." },
  "s3:x-amz-server-side-encryption-customer-algorithm": { from: "request", what: "AES256." },
  "s3:x-amz-storage-class": { from: "request", what: "The storage class of a write." },
  "s3:x-amz-website-redirect-location": { from: "request", what: "The header." },
  "s3:object-lock-legal-hold": { from: "request", what: "ON or OFF." },
  "s3:object-lock-mode": { from: "request", what: "GOVERNANCE or COMPLIANCE." },
  "s3:object-lock-remaining-retention-days": { from: "request", what: "Days that the request asks for." },
  "s3:object-lock-retain-until-date": { from: "request", what: "The date that the request asks for." },
  "s3:RequestObjectTagKeys": { from: "request", several: true, what: "Names of the tags that the request sets." },

  "aws:CalledVia": { from: "never", several: true, what: "Services in between." },
  "aws:CalledViaFirst": { from: "never", what: "The first service in between." },
  "aws:CalledViaLast": { from: "never", what: "The last service in between." },
  "aws:Ec2InstanceSourcePrivateIPv4": { from: "never", what: "Of an EC2 instance." },
  "aws:Ec2InstanceSourceVpc": { from: "never", what: "Of an EC2 instance." },
  "aws:FederatedProvider": { from: "never", what: "Of a federated session." },
  "aws:MultiFactorAuthAge": { from: "never", what: "Seconds since a second factor." },
  "aws:MultiFactorAuthPresent": { from: "never", what: "Whether a second factor was used." },
  "aws:PrincipalAccount": { from: "never", what: "There is one account, without a number." },
  "aws:PrincipalIsAWSService": { from: "never", what: "Of AWS services." },
  "aws:PrincipalOrgID": { from: "never", what: "Of AWS Organizations." },
  "aws:PrincipalOrgPaths": { from: "never", several: true, what: "Of AWS Organizations." },
  "aws:PrincipalServiceName": { from: "never", what: "Of AWS services." },
  "aws:PrincipalServiceNamesList": { from: "never", several: true, what: "Of AWS services." },
  "aws:ResourceAccount": { from: "never", what: "There is one account, without a number." },
  "aws:ResourceOrgID": { from: "never", what: "Of AWS Organizations." },
  "aws:ResourceOrgPaths": { from: "never", several: true, what: "Of AWS Organizations." },
  "aws:SourceAccount": { from: "never", what: "Of calls between AWS services." },
  "aws:SourceArn": { from: "never", what: "Of calls between AWS services." },
  "aws:SourceIdentity": { from: "never", what: "Of an assumed role." },
  "aws:SourceOrgID": { from: "never", what: "Of AWS Organizations." },
  "aws:SourceOrgPaths": { from: "never", several: true, what: "Of AWS Organizations." },
  "aws:SourceOwner": { from: "never", what: "Of calls between AWS services." },
  "aws:SourceVpc": { from: "never", what: "Of a VPC endpoint." },
  "aws:SourceVpce": { from: "never", what: "Of a VPC endpoint." },
  "aws:ViaAWSService": { from: "never", what: "Of calls between AWS services." },
  "aws:VpcSourceIp": { from: "never", what: "Of a VPC endpoint." },
  "s3:AccessGrantsInstanceArn": { from: "never", what: "Of access grants." },
  "s3:AccessPointNetworkOrigin": { from: "never", what: "Of access points." },
  "s3:DataAccessPointAccount": { from: "never", what: "Of access points." },
  "s3:DataAccessPointArn": { from: "never", what: "Of access points." },
  "s3:InventoryAccessibleOptionalFields": { from: "never", several: true, what: "Of inventories." },
  "s3:ResourceAccount": { from: "never", what: "There is one account, without a number." },
} as const;

/** Keys that go on with a tag's name. */
export const TAG_KEYS = {
  "s3:ExistingObjectTag/": { from: "request", what: "A tag of the object as it is." },
  "s3:RequestObjectTag/": { from: "request", what: "A tag that the request sets." },
  "aws:RequestTag/": { from: "request", what: "A tag that the request sets on a bucket." },
  "s3:BucketTag/": { from: "request", what: "A tag of the bucket." },
  "aws:ResourceTag/": { from: "request", what: "A tag of the bucket." },
  "aws:PrincipalTag/": { from: "never", what: "Users have no tags." },
} as const;

type GivenIn<Keys extends Readonly<Record<string, KeyEntry>>> = {
  [Name in keyof Keys]: Keys[Name]["from"] extends "request" ? Name : never;
}[keyof Keys];

/** Names of what a gateway may put into a request's context. */
export type ContextKey = GivenIn<typeof CONDITION_KEYS> | `${GivenIn<typeof TAG_KEYS>}${string}`;

/** Values by key, spelled as in the tables. Absent and undefined are the same, and so is an empty list. */
export type RequestContext = { readonly [Name in ContextKey]?: ConditionValue };

export type ConditionValue = string | readonly string[] | undefined;
