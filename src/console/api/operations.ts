// The part of /v1 that the console is a client of: where each operation is, what it takes and what it answers.

import type {
  AccessKey,
  Bucket,
  BucketPolicy,
  Cluster,
  Deletions,
  Explanation,
  IdsStatus,
  Link,
  NewAccessKey,
  NodeEvent,
  ObjectDescription,
  ObjectName,
  ObjectPage,
  OpenSession,
  Page,
  Policy,
  PolicyDocument,
  PolicyVerdict,
  Ranges,
  Sample,
  Session,
  Severity,
  Status,
  Tag,
  User,
  VersionPage,
} from "./shapes.ts";

export const OPERATIONS = {
  login: "POST /v1/session",
  getSession: "GET /v1/session",
  logout: "DELETE /v1/session",
  getStatus: "GET /v1/status",
  getCluster: "GET /v1/cluster",
  getRanges: "GET /v1/cluster/ranges",
  getIdsStatus: "GET /v1/ids/status",
  listTags: "GET /v1/ids/tags",
  listSamples: "GET /v1/samples",
  listEvents: "GET /v1/events",
  watch: "GET /v1/watch",
  listBuckets: "GET /v1/buckets",
  createBucket: "PUT /v1/buckets/{bucket}",
  getBucket: "GET /v1/buckets/{bucket}",
  deleteBucket: "DELETE /v1/buckets/{bucket}",
  putVersioning: "PUT /v1/buckets/{bucket}/versioning",
  getBucketPolicy: "GET /v1/buckets/{bucket}/policy",
  putBucketPolicy: "PUT /v1/buckets/{bucket}/policy",
  deleteBucketPolicy: "DELETE /v1/buckets/{bucket}/policy",
  listObjects: "GET /v1/buckets/{bucket}/objects",
  listVersions: "GET /v1/buckets/{bucket}/versions",
  getObject: "GET /v1/buckets/{bucket}/object",
  describeObject: "GET /v1/buckets/{bucket}/object/description",
  putObject: "PUT /v1/buckets/{bucket}/object",
  deleteObjects: "POST /v1/buckets/{bucket}/delete",
  presign: "POST /v1/buckets/{bucket}/presign",
  listUsers: "GET /v1/users",
  createUser: "PUT /v1/users/{user}",
  getUser: "GET /v1/users/{user}",
  updateUser: "PATCH /v1/users/{user}",
  deleteUser: "DELETE /v1/users/{user}",
  attachPolicy: "PUT /v1/users/{user}/policies/{policy}",
  detachPolicy: "DELETE /v1/users/{user}/policies/{policy}",
  listUserAccessKeys: "GET /v1/users/{user}/access-keys",
  createAccessKey: "POST /v1/users/{user}/access-keys",
  updateAccessKey: "PATCH /v1/users/{user}/access-keys/{key}",
  deleteAccessKey: "DELETE /v1/users/{user}/access-keys/{key}",
  listSessions: "GET /v1/users/{user}/sessions",
  revokeSession: "DELETE /v1/users/{user}/sessions/{session}",
  listPolicies: "GET /v1/policies",
  getPolicy: "GET /v1/policies/{policy}",
  putPolicy: "PUT /v1/policies/{policy}",
  deletePolicy: "DELETE /v1/policies/{policy}",
  checkPolicy: "POST /v1/policies/check",
  explainAccess: "POST /v1/access/explain",
} as const;

export type OperationName = keyof typeof OPERATIONS;

interface Paging {
  readonly after?: string | undefined;
  readonly limit?: number;
}

/** What goes into the query and the body, and what comes back, where there is any. */
export interface Calls {
  login: { body: { accessKeyId: string; secret: string }; reply: Session };
  getSession: { reply: Session };
  logout: object;
  getStatus: { reply: Status };
  getCluster: { reply: Cluster };
  getRanges: { reply: Ranges };
  getIdsStatus: { reply: IdsStatus };
  listTags: { query: Paging; reply: Page<Tag> };
  listSamples: { reply: { readonly intervalMillis: number; readonly items: readonly Sample[] } };
  listEvents: { query: Paging & { readonly severity?: Severity | undefined }; reply: Page<NodeEvent> };
  watch: { query: { readonly since?: string | undefined } };
  listBuckets: { query: Paging; reply: Page<Bucket> };
  createBucket: { body: { versioning?: "enabled" }; reply: Bucket };
  getBucket: { reply: Bucket };
  deleteBucket: object;
  putVersioning: { body: { versioning: "enabled" | "suspended" } };
  getBucketPolicy: { reply: BucketPolicy };
  putBucketPolicy: { body: { document: string } };
  deleteBucketPolicy: object;
  listObjects: { query: Paging & { prefix?: string; delimiter?: string }; reply: ObjectPage };
  listVersions: {
    query: {
      prefix?: string;
      delimiter?: string;
      afterKey?: string | undefined;
      afterVersionId?: string | undefined;
      limit?: number;
    };
    reply: VersionPage;
  };
  getObject: { query: ObjectName };
  describeObject: { query: ObjectName; reply: ObjectDescription };
  putObject: { query: { key: string } };
  deleteObjects: { body: { objects: readonly ObjectName[] }; reply: Deletions };
  presign: { body: ObjectName & { expiresSeconds: number; download: boolean }; reply: Link };
  listUsers: { query: Paging; reply: Page<User> };
  createUser: { body: { policies?: readonly string[] }; reply: User };
  getUser: { reply: User };
  updateUser: { body: { enabled?: boolean }; reply: User };
  deleteUser: object;
  attachPolicy: { reply: User };
  detachPolicy: { reply: User };
  listUserAccessKeys: { reply: { readonly items: readonly AccessKey[] } };
  createAccessKey: { body: { description?: string; expiresAt?: string }; reply: NewAccessKey };
  updateAccessKey: { body: { enabled?: boolean }; reply: AccessKey };
  deleteAccessKey: object;
  listSessions: { reply: { readonly items: readonly OpenSession[] } };
  revokeSession: object;
  listPolicies: { query: Paging; reply: Page<Policy> };
  getPolicy: { reply: PolicyDocument };
  putPolicy: { body: { document: string; create?: boolean; ifRevision?: number }; reply: Policy };
  deletePolicy: object;
  checkPolicy: { body: { document: string; bucket?: string }; reply: PolicyVerdict };
  explainAccess: {
    body: { user?: string; accessKeyId?: string; action: string; resource: string };
    reply: Explanation;
  };
}

export type ReplyOf<Name extends OperationName> = Calls[Name] extends { reply: infer Reply } ? Reply : undefined;

type PathNames<Path extends string> = Path extends `${string}{${infer Part}}${infer Rest}`
  ? Part | PathNames<Rest>
  : never;

type PathInput<Name extends OperationName> = [PathNames<(typeof OPERATIONS)[Name]>] extends [never]
  ? object
  : { readonly path: Readonly<Record<PathNames<(typeof OPERATIONS)[Name]>, string>> };

type QueryInput<Name extends OperationName> = Calls[Name] extends { query: infer Query }
  ? { readonly query?: Query }
  : object;

type BodyInput<Name extends OperationName> = Calls[Name] extends { body: infer Body }
  ? { readonly body: Body }
  : object;

/** What has to be told to say where an operation's answer is. */
export type Target<Name extends OperationName> = PathInput<Name> & QueryInput<Name>;

export type Input<Name extends OperationName> = Target<Name> & BodyInput<Name> & { readonly signal?: AbortSignal };

/** Path and query of an operation, escaped. A parameter that is undefined or empty is left out. */
export function urlOf<Name extends OperationName>(name: Name, target: Target<Name>): string {
  const { path = {}, query = {} } = target as { path?: Record<string, string>; query?: Record<string, unknown> };
  const [, pattern = ""] = OPERATIONS[name].split(" ");
  const filled = pattern.replace(/\{(\w+)\}/g, (_, part: string) => encodeURIComponent(path[part] ?? ""));
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  if (pairs.length === 0) return filled;
  return `${filled}?${pairs.map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`).join("&")}`;
}

export function methodOf(name: OperationName): string {
  return OPERATIONS[name].slice(0, OPERATIONS[name].indexOf(" "));
}
