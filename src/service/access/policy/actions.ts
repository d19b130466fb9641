// Every action that a policy can allow or deny, with the kind of resource that a request for it names. Names are
// compared without case, as AWS does. A policy's patterns are expanded over this table once; after that a test is one
// bit.

import { element, malformed, quoted } from "./fault.ts";
import { isList, type JsonValue } from "./json.ts";
import { nearest } from "./nearest.ts";
import { Wildcard, wildcardTokens } from "./wildcard.ts";

/**
 * `unserved`: of AWS features that Ashlar does not have. Policies that name the action load; no request asks for it.
 */
export type ResourceKind =
  | "object"
  | "bucket"
  | "service"
  | "unserved"
  | "cluster"
  | "user"
  | "policy"
  | "key"
  | "generator"
  | "tag";

/** Of Amazon S3, and the few that MinIO added and its policies name. */
export const S3_ACTIONS = {
  "s3:AbortMultipartUpload": "object",
  "s3:BypassGovernanceRetention": "object",
  "s3:DeleteObject": "object",
  "s3:DeleteObjectAnnotation": "object",
  "s3:DeleteObjectTagging": "object",
  "s3:DeleteObjectVersion": "object",
  "s3:DeleteObjectVersionAnnotation": "object",
  "s3:DeleteObjectVersionTagging": "object",
  "s3:GetObject": "object",
  "s3:GetObjectAcl": "object",
  "s3:GetObjectAnnotation": "object",
  "s3:GetObjectAttributes": "object",
  "s3:GetObjectLegalHold": "object",
  "s3:GetObjectRetention": "object",
  "s3:GetObjectTagging": "object",
  "s3:GetObjectTorrent": "object",
  "s3:GetObjectVersion": "object",
  "s3:GetObjectVersionAcl": "object",
  "s3:GetObjectVersionAnnotation": "object",
  "s3:GetObjectVersionAnnotationForReplication": "object",
  "s3:GetObjectVersionAttributes": "object",
  "s3:GetObjectVersionForReplication": "object",
  "s3:GetObjectVersionTagging": "object",
  "s3:GetObjectVersionTorrent": "object",
  "s3:InitiateReplication": "object",
  "s3:ListMultipartUploadParts": "object",
  "s3:ListObjectAnnotations": "object",
  "s3:ListObjectVersionAnnotations": "object",
  "s3:ObjectOwnerOverrideToBucketOwner": "object",
  "s3:PutObject": "object",
  "s3:PutObjectAcl": "object",
  "s3:PutObjectAnnotation": "object",
  "s3:PutObjectFanOut": "object",
  "s3:PutObjectLegalHold": "object",
  "s3:PutObjectRetention": "object",
  "s3:PutObjectTagging": "object",
  "s3:PutObjectVersionAcl": "object",
  "s3:PutObjectVersionAnnotation": "object",
  "s3:PutObjectVersionTagging": "object",
  "s3:ReplicateDelete": "object",
  "s3:ReplicateObject": "object",
  "s3:ReplicateObjectAnnotation": "object",
  "s3:ReplicateTags": "object",
  "s3:RestoreObject": "object",
  "s3:UpdateObjectEncryption": "object",

  "s3:AllowVendedLogDeliveryForResource": "bucket",
  "s3:CreateBucket": "bucket",
  "s3:CreateBucketMetadataTableConfiguration": "bucket",
  "s3:DeleteBucket": "bucket",
  "s3:DeleteBucketCORS": "bucket",
  "s3:DeleteBucketMetadataTableConfiguration": "bucket",
  "s3:DeleteBucketPolicy": "bucket",
  "s3:DeleteBucketWebsite": "bucket",
  "s3:ForceDeleteBucket": "bucket",
  "s3:GetAccelerateConfiguration": "bucket",
  "s3:GetAnalyticsConfiguration": "bucket",
  "s3:GetBucketAbac": "bucket",
  "s3:GetBucketAcl": "bucket",
  "s3:GetBucketCORS": "bucket",
  "s3:GetBucketLocation": "bucket",
  "s3:GetBucketLogging": "bucket",
  "s3:GetBucketMetadataTableConfiguration": "bucket",
  "s3:GetBucketNotification": "bucket",
  "s3:GetBucketObjectLockConfiguration": "bucket",
  "s3:GetBucketOwnershipControls": "bucket",
  "s3:GetBucketPolicy": "bucket",
  "s3:GetBucketPolicyStatus": "bucket",
  "s3:GetBucketPublicAccessBlock": "bucket",
  "s3:GetBucketQOS": "bucket",
  "s3:GetBucketRequestPayment": "bucket",
  "s3:GetBucketTagging": "bucket",
  "s3:GetBucketVersioning": "bucket",
  "s3:GetBucketWebsite": "bucket",
  "s3:GetEncryptionConfiguration": "bucket",
  "s3:GetIntelligentTieringConfiguration": "bucket",
  "s3:GetInventoryConfiguration": "bucket",
  "s3:GetLifecycleConfiguration": "bucket",
  "s3:GetMetricsConfiguration": "bucket",
  "s3:GetReplicationConfiguration": "bucket",
  "s3:HeadBucket": "bucket",
  "s3:ListBucket": "bucket",
  "s3:ListBucketMultipartUploads": "bucket",
  "s3:ListBucketVersions": "bucket",
  "s3:ListenBucketNotification": "bucket",
  "s3:PauseReplication": "bucket",
  "s3:PutAccelerateConfiguration": "bucket",
  "s3:PutAnalyticsConfiguration": "bucket",
  "s3:PutBucketAbac": "bucket",
  "s3:PutBucketAcl": "bucket",
  "s3:PutBucketCORS": "bucket",
  "s3:PutBucketLogging": "bucket",
  "s3:PutBucketNotification": "bucket",
  "s3:PutBucketObjectLockConfiguration": "bucket",
  "s3:PutBucketOwnershipControls": "bucket",
  "s3:PutBucketPolicy": "bucket",
  "s3:PutBucketPublicAccessBlock": "bucket",
  "s3:PutBucketQOS": "bucket",
  "s3:PutBucketRequestPayment": "bucket",
  "s3:PutBucketTagging": "bucket",
  "s3:PutBucketVersioning": "bucket",
  "s3:PutBucketWebsite": "bucket",
  "s3:PutEncryptionConfiguration": "bucket",
  "s3:PutIntelligentTieringConfiguration": "bucket",
  "s3:PutInventoryConfiguration": "bucket",
  "s3:PutLifecycleConfiguration": "bucket",
  "s3:PutMetricsConfiguration": "bucket",
  "s3:PutReplicationConfiguration": "bucket",
  "s3:ResetBucketReplicationState": "bucket",
  "s3:UpdateBucketMetadataAnnotationTableConfiguration": "bucket",
  "s3:UpdateBucketMetadataInventoryTableConfiguration": "bucket",
  "s3:UpdateBucketMetadataJournalTableConfiguration": "bucket",

  "s3:ListAllMyBuckets": "service",
  "s3:ListenNotification": "service",

  "s3:AssociateAccessGrantsIdentityCenter": "unserved",
  "s3:CreateAccessGrant": "unserved",
  "s3:CreateAccessGrantsInstance": "unserved",
  "s3:CreateAccessGrantsLocation": "unserved",
  "s3:CreateAccessPoint": "unserved",
  "s3:CreateAccessPointForObjectLambda": "unserved",
  "s3:CreateJob": "unserved",
  "s3:CreateMultiRegionAccessPoint": "unserved",
  "s3:CreateStorageLensGroup": "unserved",
  "s3:DeleteAccessGrant": "unserved",
  "s3:DeleteAccessGrantsInstance": "unserved",
  "s3:DeleteAccessGrantsInstanceResourcePolicy": "unserved",
  "s3:DeleteAccessGrantsLocation": "unserved",
  "s3:DeleteAccessPoint": "unserved",
  "s3:DeleteAccessPointForObjectLambda": "unserved",
  "s3:DeleteAccessPointPolicy": "unserved",
  "s3:DeleteAccessPointPolicyForObjectLambda": "unserved",
  "s3:DeleteJobTagging": "unserved",
  "s3:DeleteMultiRegionAccessPoint": "unserved",
  "s3:DeleteStorageLensConfiguration": "unserved",
  "s3:DeleteStorageLensConfigurationTagging": "unserved",
  "s3:DeleteStorageLensGroup": "unserved",
  "s3:DescribeJob": "unserved",
  "s3:DescribeMultiRegionAccessPointOperation": "unserved",
  "s3:DissociateAccessGrantsIdentityCenter": "unserved",
  "s3:GetAccessGrant": "unserved",
  "s3:GetAccessGrantsInstance": "unserved",
  "s3:GetAccessGrantsInstanceForPrefix": "unserved",
  "s3:GetAccessGrantsInstanceResourcePolicy": "unserved",
  "s3:GetAccessGrantsLocation": "unserved",
  "s3:GetAccessPoint": "unserved",
  "s3:GetAccessPointConfigurationForObjectLambda": "unserved",
  "s3:GetAccessPointForObjectLambda": "unserved",
  "s3:GetAccessPointPolicy": "unserved",
  "s3:GetAccessPointPolicyForObjectLambda": "unserved",
  "s3:GetAccessPointPolicyStatus": "unserved",
  "s3:GetAccessPointPolicyStatusForObjectLambda": "unserved",
  "s3:GetAccountPublicAccessBlock": "unserved",
  "s3:GetDataAccess": "unserved",
  "s3:GetJobTagging": "unserved",
  "s3:GetMultiRegionAccessPoint": "unserved",
  "s3:GetMultiRegionAccessPointPolicy": "unserved",
  "s3:GetMultiRegionAccessPointPolicyStatus": "unserved",
  "s3:GetMultiRegionAccessPointRoutes": "unserved",
  "s3:GetStorageLensConfiguration": "unserved",
  "s3:GetStorageLensConfigurationTagging": "unserved",
  "s3:GetStorageLensDashboard": "unserved",
  "s3:GetStorageLensGroup": "unserved",
  "s3:ListAccessGrants": "unserved",
  "s3:ListAccessGrantsInstances": "unserved",
  "s3:ListAccessGrantsLocations": "unserved",
  "s3:ListAccessPoints": "unserved",
  "s3:ListAccessPointsForObjectLambda": "unserved",
  "s3:ListCallerAccessGrants": "unserved",
  "s3:ListJobs": "unserved",
  "s3:ListMultiRegionAccessPoints": "unserved",
  "s3:ListStorageLensConfigurations": "unserved",
  "s3:ListStorageLensGroups": "unserved",
  "s3:ListTagsForResource": "unserved",
  "s3:PutAccessGrantsInstanceResourcePolicy": "unserved",
  "s3:PutAccessPointConfigurationForObjectLambda": "unserved",
  "s3:PutAccessPointPolicy": "unserved",
  "s3:PutAccessPointPolicyForObjectLambda": "unserved",
  "s3:PutAccessPointPublicAccessBlock": "unserved",
  "s3:PutAccountPublicAccessBlock": "unserved",
  "s3:PutJobTagging": "unserved",
  "s3:PutMultiRegionAccessPointPolicy": "unserved",
  "s3:PutStorageLensConfiguration": "unserved",
  "s3:PutStorageLensConfigurationTagging": "unserved",
  "s3:SubmitMultiRegionAccessPointRoutes": "unserved",
  "s3:TagResource": "unserved",
  "s3:UntagResource": "unserved",
  "s3:UpdateAccessGrantsLocation": "unserved",
  "s3:UpdateJobPriority": "unserved",
  "s3:UpdateJobStatus": "unserved",
  "s3:UpdateStorageLensGroup": "unserved",
} as const;

/** Of the HTTP API and the console. */
export const ASHLAR_ACTIONS = {
  /** Health, versions, capacity, faults. */
  "ashlar:GetStatus": "cluster",
  "ashlar:GetMetrics": "cluster",
  "ashlar:GetConfiguration": "cluster",
  "ashlar:UpdateConfiguration": "cluster",
  "ashlar:ListEvents": "cluster",
  "ashlar:WatchEvents": "cluster",
  "ashlar:ListNodes": "cluster",
  "ashlar:AddNode": "cluster",
  "ashlar:RemoveNode": "cluster",
  "ashlar:ListGroups": "cluster",
  "ashlar:TransferLeader": "cluster",
  "ashlar:ListVolumes": "cluster",
  /** Scrub, compaction, checkpoint, balance. */
  "ashlar:RunMaintenance": "cluster",
  "ashlar:GetUsage": "cluster",
  /** Which statement decides on a request, for any user. */
  "ashlar:ExplainAccess": "cluster",

  "ashlar:ListUsers": "user",
  "ashlar:GetUser": "user",
  "ashlar:CreateUser": "user",
  /** Enable, disable, attach and detach policies, revoke temporary credentials. */
  "ashlar:UpdateUser": "user",
  "ashlar:DeleteUser": "user",
  "ashlar:ListAccessKeys": "user",
  "ashlar:CreateAccessKey": "user",
  "ashlar:UpdateAccessKey": "user",
  "ashlar:DeleteAccessKey": "user",
  "ashlar:IssueTemporaryCredentials": "user",
  "ashlar:ListSessions": "user",
  "ashlar:RevokeSession": "user",

  "ashlar:ListPolicies": "policy",
  "ashlar:GetPolicy": "policy",
  "ashlar:PutPolicy": "policy",
  "ashlar:DeletePolicy": "policy",

  /** Of keys under /v1/kv. A range is asked about as PREFIX*, and each key of it that is shown. */
  "ashlar:GetKey": "key",
  "ashlar:ListKeys": "key",
  "ashlar:WatchKeys": "key",
  "ashlar:PutKey": "key",
  "ashlar:DeleteKey": "key",
  /** Leases, which are sessions too: commits that are applied exactly once need one. */
  "ashlar:GrantLease": "cluster",

  /** Ids of a generator, and numbers of a tag. */
  "ashlar:MakeIds": "tag",
  "ashlar:ListGenerators": "generator",
  "ashlar:PutGenerator": "generator",
  "ashlar:DeleteGenerator": "generator",
  "ashlar:ListTags": "tag",
  "ashlar:PutTag": "tag",
  "ashlar:DeleteTag": "tag",
} as const;

export type S3Action = keyof typeof S3_ACTIONS;
export type AshlarAction = keyof typeof ASHLAR_ACTIONS;
export type Action = S3Action | AshlarAction;

export const ACTIONS: Readonly<Record<Action, ResourceKind>> = { ...S3_ACTIONS, ...ASHLAR_ACTIONS };

const NAMES = Object.keys(ACTIONS) as Action[];
const INDEX: ReadonlyMap<string, number> = new Map(NAMES.map((name, index) => [name, index]));
const LOWER_CASE_NAMES = NAMES.map((name) => name.toLowerCase());
const SERVICES = ["s3", "ashlar"];

/** The action's place in an ActionSet. */
export function actionIndex(action: Action): number {
  return INDEX.get(action)!;
}

/** What a statement's Action or NotAction covers. */
export class ActionSet {
  readonly negated: boolean;
  /** One list of actions for each pattern as it was written. */
  readonly expansions: readonly (readonly Action[])[];
  readonly #bits: Uint8Array = new Uint8Array(NAMES.length);

  constructor(expansions: readonly (readonly Action[])[], negated: boolean) {
    this.negated = negated;
    this.expansions = expansions;
    for (const action of expansions.flat()) this.#bits[actionIndex(action)] = 1;
    if (negated) for (const [index, bit] of this.#bits.entries()) this.#bits[index] = 1 - bit;
  }

  has(index: number): boolean {
    return this.#bits[index] === 1;
  }
}

export interface ActionSyntax {
  readonly negated: boolean;
  /** Services whose actions the document may name. */
  readonly services: readonly string[];
}

/** Throws POLICY_MALFORMED where a pattern names no action of the allowed services. */
export function parseActions(value: JsonValue, syntax: ActionSyntax, path: string): ActionSet {
  if (!isList(value)) return new ActionSet([expand(value, syntax, path)], syntax.negated);
  if (value.length === 0) throw malformed(path, "the list is empty.");
  const expansions = value.map((pattern, index) => expand(pattern, syntax, element(path, index)));
  return new ActionSet(expansions, syntax.negated);
}

function expand(pattern: JsonValue, syntax: ActionSyntax, path: string): readonly Action[] {
  if (typeof pattern !== "string") throw malformed(path, "an action is text, such as s3:GetObject.");
  if (pattern === "*") return NAMES.filter((name) => syntax.services.includes(serviceOf(name)));
  const colon = pattern.indexOf(":");
  if (colon < 0) throw malformed(path, `${quoted(pattern)} lacks the service's name, as in s3:GetObject.`);
  const service = pattern.slice(0, colon).toLowerCase();
  if (!SERVICES.includes(service)) throw malformed(path, `${quoted(pattern)} is an action of another service.`);
  if (!syntax.services.includes(service)) throw malformed(path, `${quoted(pattern)} can not be used in this policy.`);
  const lower = pattern.toLowerCase();
  const exact = LOWER_CASE_NAMES.indexOf(lower);
  if (exact >= 0) return [NAMES[exact]!];
  const wildcard = new Wildcard(wildcardTokens(lower));
  const actions = NAMES.filter((_, index) => wildcard.matches(LOWER_CASE_NAMES[index]!));
  if (actions.length > 0) return actions;
  const close = nearest(pattern, NAMES);
  throw malformed(path, `${quoted(pattern)} is no action${close === undefined ? "" : `; ${close} is near`}.`);
}

function serviceOf(name: string): string {
  return name.slice(0, name.indexOf(":"));
}
