import {
  ALL_BUCKETS_ARN,
  bucketArn,
  objectArn,
  type Policy,
  type RequestContext,
  type S3Action,
} from "../../service/access/index.ts";
import type { Objects } from "../../service/objects/index.ts";
import { AshlarError } from "../../std/errors.ts";
import type { AccessPort, Caller } from "./authenticate.ts";
import type { DocumentCache } from "./documents.ts";
import { s3Failure } from "./errors.ts";

/** One thing that a request has to be allowed. Without a bucket it is about the list of all buckets. */
export interface Need {
  readonly action: S3Action;
  readonly bucket?: string;
  readonly key?: string;
  readonly versionId?: string | undefined;
  /** Condition keys of this need alone, beside those of the request. */
  readonly context?: RequestContext;
}

export interface PermissionParts {
  readonly access: AccessPort;
  readonly objects: Objects;
  readonly documents: DocumentCache;
}

/** What the caller of one request may do, by the policies of its principal and of the buckets that it names. */
export class Permissions {
  readonly #parts: PermissionParts;
  readonly #caller: Caller;
  readonly #baseContext: () => RequestContext;
  #context: RequestContext | undefined;

  /** `context` is only asked for where a policy is. */
  constructor(parts: PermissionParts, caller: Caller, context: () => RequestContext) {
    this.#parts = parts;
    this.#caller = caller;
    this.#baseContext = context;
  }

  /** Rejects with AccessDenied, or with NoSuchBucket where there is no bucket to decide about. */
  async require(need: Need): Promise<void> {
    if (await this.allows(need)) return;
    throw s3Failure("AccessDenied");
  }

  async allows(need: Need): Promise<boolean> {
    const { access, documents } = this.#parts;
    const { principal } = this.#caller;
    if (this.isRoot) return true;
    const { action, bucket, key } = need;
    const isForming = action === "s3:CreateBucket";
    const bucketPolicy = bucket === undefined || isForming ? undefined : await documents.policy(bucket);
    const resource =
      bucket === undefined ? ALL_BUCKETS_ARN : key === undefined ? bucketArn(bucket) : objectArn(bucket, key);
    const context = await this.#contextOf(need, bucketPolicy);
    return access.authorize(principal, { action, resource, context, bucketPolicy }).decision === "allow";
  }

  /** Everything is allowed, so nothing has to be looked up. */
  get isRoot(): boolean {
    const { principal } = this.#caller;
    return principal.type === "root" && principal.sessions.length === 0;
  }

  /** Whether some policy looks at the tags that a request sets: then they have to be known before it is decided. */
  async looksAtRequestTags(bucket: string): Promise<boolean> {
    if (this.isRoot) return false;
    return this.#mentions(await this.#parts.documents.policy(bucket), REQUEST_TAGS);
  }

  /** Tags are read only where a policy looks at them. */
  async #contextOf(
    { bucket, key, versionId, context }: Need,
    bucketPolicy: Policy | undefined,
  ): Promise<RequestContext> {
    this.#context ??= this.#baseContext();
    const tags: Record<string, string> = {};
    if (bucket !== undefined && key !== undefined && this.#mentions(bucketPolicy, OBJECT_TAGS)) {
      for (const [name, value] of await this.#objectTags(bucket, key, versionId)) tags[OBJECT_TAGS[0] + name] = value;
    }
    if (bucket !== undefined && this.#mentions(bucketPolicy, BUCKET_TAGS)) {
      for (const [name, value] of (await this.#parts.documents.tags(bucket)) ?? []) {
        for (const prefix of BUCKET_TAGS) tags[prefix + name] = value;
      }
    }
    return { ...this.#context, ...context, ...tags };
  }

  async #objectTags(bucket: string, key: string, versionId: string | undefined): Promise<ReadonlyMap<string, string>> {
    try {
      return (await this.#parts.objects.getTags({ bucket, key, versionId })).tags;
    } catch (error) {
      // What is not there has no tags; that it is not there is for the operation to say.
      if (error instanceof AshlarError) return NO_TAGS;
      throw error;
    }
  }

  #mentions(bucketPolicy: Policy | undefined, prefixes: readonly string[]): boolean {
    const { principal } = this.#caller;
    if (bucketPolicy !== undefined && mentions(bucketPolicy, prefixes)) return true;
    if (principal.type === "anonymous") return false;
    if (principal.type === "user" && principal.policies.some((policy) => mentions(policy, prefixes))) return true;
    return principal.sessions.some((policy) => mentions(policy, prefixes));
  }
}

const NO_TAGS: ReadonlyMap<string, string> = new Map();
const OBJECT_TAGS = ["s3:ExistingObjectTag/"] as const;
const BUCKET_TAGS = ["s3:BucketTag/", "aws:ResourceTag/"] as const;
const REQUEST_TAGS = ["s3:RequestObjectTag/", "s3:RequestObjectTagKeys", "aws:RequestTag/", "aws:TagKeys"] as const;

/** Policies change seldom and are asked often: by policy, the condition keys that it names. */
const NAMED_KEYS: WeakMap<Policy, readonly string[]> = new WeakMap();

function mentions(policy: Policy, prefixes: readonly string[]): boolean {
  let names = NAMED_KEYS.get(policy);
  if (names === undefined) {
    names = policy.statements.flatMap(({ conditions }) => conditions.map(({ key }) => key.name));
    NAMED_KEYS.set(policy, names);
  }
  return names.length > 0 && names.some((name) => prefixes.some((prefix) => name.startsWith(prefix)));
}
