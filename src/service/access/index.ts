export {
  Access,
  type AccessOptions,
  type AuthorizeRequest,
  type IssueTemporary,
  type LoginRequest,
  openAccess,
  type SignedIn,
} from "./access.ts";
export { isPublic, parseBucketPolicy, storedBucketPolicy } from "./bucket-policy.ts";
export type { CredentialRefusal, CredentialResult } from "./credentials.ts";
export { ACCESS_ERRORS, type AccessError, type AccessErrorCode, accessFailure } from "./errors.ts";
export type { CreateKey, KeyInfo, KeyPage, Keys, NewKey, UpdateKey } from "./keys.ts";
export { ACCESS_LIMITS } from "./limits.ts";
export { LOGIN_LIMITS, type LoginLimits } from "./login-limiter.ts";
export type { Policies, PolicyDocument, PolicyInfo, PolicyPage, PutPolicy } from "./policies.ts";
export {
  ACTIONS,
  type Action,
  ASHLAR_ACTIONS,
  type AshlarAction,
  type ResourceKind,
  S3_ACTIONS,
  type S3Action,
} from "./policy/actions.ts";
export {
  ALL_BUCKETS_ARN,
  ashlarArn,
  bucketArn,
  CLUSTER_ARN,
  keyArn,
  objectArn,
  ROOT_ARN,
  userArn,
} from "./policy/arn.ts";
export {
  CONDITION_KEYS,
  type ConditionValue,
  type ContextKey,
  type RequestContext,
  TAG_KEYS,
} from "./policy/condition-keys.ts";
export {
  type Explanation,
  evaluate,
  explain,
  type PolicyExplanation,
  type PolicySet,
  type StatementExplanation,
} from "./policy/evaluate.ts";
export {
  type Decision,
  type Policy,
  type PolicyOptions,
  type PolicySource,
  parsePolicy,
  type StatementReference,
} from "./policy/policy.ts";
export type { PolicyPrincipal, PolicyRequest } from "./policy/request.ts";
export { ANONYMOUS, type Principal, type RootPrincipal, type UserPrincipal } from "./principal.ts";
export type { Cipher, Sha256 } from "./secrets.ts";
export { type NewSession, SESSION_LIMITS, type Session, type SessionLimits, type Sessions } from "./sessions.ts";
export type { TemporaryCredentials } from "./tokens.ts";
export type { CreateUser, UpdateUser, UserInfo, UserPage, Users } from "./users.ts";
