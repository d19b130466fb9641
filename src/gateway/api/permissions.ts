import {
  type Access,
  type Action,
  bucketArn,
  objectArn,
  type Policy,
  type RequestContext,
  storedBucketPolicy,
} from "../../service/access/index.ts";
import type { Objects, Tags } from "../../service/objects/index.ts";
import { text } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import type { Caller } from "./authenticate.ts";
import { apiFailure } from "./errors.ts";

/** One thing that a request has to be allowed. */
export interface Need {
  readonly action: Action;
  readonly resource: string;
  /** Where the resource is a bucket or lies in one: its policy decides too. */
  readonly bucket?: string;
  readonly key?: string;
  readonly versionId?: string | undefined;
  /** Condition keys of this need alone, beside those of the request. */
  readonly context?: RequestContext;
}

/**
 * What one caller may do. The same policies rule over data here and over S3, with the same condition keys: the API is no way around
 * a bucket's policy.
 */
export class Permissions {
  readonly #access: Access;
  readonly #objects: Objects;
  readonly #caller: Caller;
  readonly #context: RequestContext;

  constructor(access: Access, objects: Objects, caller: Caller, context: RequestContext) {
    this.#access = access;
    this.#objects = objects;
    this.#caller = caller;
    this.#context = context;
  }

  /** Rejects with ACCESS_DENIED, or with BUCKET_MISSING where there is no bucket to decide about. */
  async require(need: Need): Promise<void> {
    if (await this.allows(need)) return;
    const { action, resource } = need;
    const advice = `Have a policy attached that allows ${action} on ${resource}; \`ashlar policy explain\` tells what decided.`;
    throw apiFailure("ACCESS_DENIED", { advice, data: { action, resource } });
  }

  async allows(need: Need): Promise<boolean> {
    const { principal } = this.#caller;
    // Everything is allowed, so nothing has to be looked up.
    if (this.isRoot) return true;
    const { action, resource, bucket } = need;
    const bucketPolicy =
      bucket === undefined || action === "s3:CreateBucket" ? undefined : await this.#policyOf(bucket);
    const policies = [...(principal.type === "user" ? principal.policies : []), ...principal.sessions];
    const keys = conditionKeys(bucketPolicy === undefined ? policies : [...policies, bucketPolicy]);
    const context = { ...this.#context, ...need.context, ...(await this.#tagContext(need, keys)) };
    return this.#access.authorize(principal, { action, resource, context, bucketPolicy }).decision === "allow";
  }

  /** On a resource that no bucket's policy rules over: decided at once, with what is in memory. */
  allowsBeside(action: Action, resource: string): boolean {
    const request = { action, resource, context: this.#context, bucketPolicy: undefined };
    return this.#access.authorize(this.#caller.principal, request).decision === "allow";
  }

  get isRoot(): boolean {
    const { principal } = this.#caller;
    return principal.type === "root" && principal.sessions.length === 0;
  }

  async #policyOf(bucket: string): Promise<Policy | undefined> {
    const content = await this.#objects.getDocument(bucket, "policy");
    return content === undefined ? undefined : storedBucketPolicy(content, bucket);
  }

  /** Tags are read only where a policy looks at them. */
  async #tagContext({ bucket, key, versionId }: Need, keys: ReadonlySet<string>): Promise<Record<string, string>> {
    const context: Record<string, string> = {};
    if (bucket === undefined) return context;
    if (key !== undefined && mentions(keys, ["s3:ExistingObjectTag/"])) {
      for (const [name, value] of await this.#objectTags(bucket, key, versionId)) {
        context[`s3:ExistingObjectTag/${name}`] = value;
      }
    }
    if (mentions(keys, BUCKET_TAGS)) {
      const content = await this.#objects.getDocument(bucket, "tagging");
      const tags = content === undefined ? {} : (JSON.parse(text(content)) as Record<string, string>);
      for (const [name, value] of Object.entries(tags))
        for (const prefix of BUCKET_TAGS) context[prefix + name] = value;
    }
    return context;
  }

  async #objectTags(bucket: string, key: string, versionId: string | undefined): Promise<Tags> {
    try {
      return (await this.#objects.getTags({ bucket, key, versionId })).tags;
    } catch (error) {
      // What is not there has no tags; that it is not there is for the operation to say.
      if (error instanceof AshlarError) return new Map();
      throw error;
    }
  }
}

export function bucketNeed(action: Action, bucket: string): Need {
  return { action, resource: bucketArn(bucket), bucket };
}

export function objectNeed(action: Action, bucket: string, key: string, versionId: string | undefined): Need {
  const context = versionId === undefined ? {} : { "s3:VersionId": versionId };
  return { action, resource: objectArn(bucket, key), bucket, key, versionId, context };
}

const BUCKET_TAGS = ["s3:BucketTag/", "aws:ResourceTag/"] as const;

function conditionKeys(policies: readonly Policy[]): ReadonlySet<string> {
  return new Set(
    policies.flatMap((policy) => policy.statements.flatMap(({ conditions }) => conditions.map(({ key }) => key.name))),
  );
}

function mentions(keys: ReadonlySet<string>, prefixes: readonly string[]): boolean {
  return [...keys].some((key) => prefixes.some((prefix) => key.startsWith(prefix)));
}
