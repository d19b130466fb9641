import { bucketArn, isPublic, parseBucketPolicy, storedBucketPolicy } from "../../../service/access/index.ts";
import type { BucketInfo } from "../../../service/objects/index.ts";
import { text, utf8 } from "../../../std/bytes.ts";
import { type Handlers, PAGE_DEFAULT, type Services } from "../handler.ts";
import type { BodyOf } from "../operation.ts";
import type { BUCKET_OPERATIONS } from "../operations/index.ts";
import type { Infer } from "../schema.ts";
import { instant } from "../status/reporter.ts";
import { invalid } from "../validate.ts";

type CorsRules = BodyOf<Extract<(typeof BUCKET_OPERATIONS)[number], { name: "putBucketCors" }>>["rules"];

export function bucketHandlers({ objects }: Services): Handlers<typeof BUCKET_OPERATIONS> {
  return {
    async listBuckets({ query: { prefix, after, limit = PAGE_DEFAULT } }) {
      const request = { limit, ...(prefix !== undefined && { prefix }), ...(after !== undefined && { after }) };
      const { items, next } = await objects.listBuckets(request);
      return { items: items.map(bucketShape), next };
    },

    async createBucket({ path: { bucket }, body: { versioning }, caller, permissions }) {
      if (versioning !== undefined) {
        await permissions.require({ action: "s3:PutBucketVersioning", resource: bucketArn(bucket) });
      }
      await objects.createBucket(bucket, caller.principal.name);
      if (versioning !== undefined) await objects.setVersioning(bucket, versioning);
      return bucketShape(await objects.headBucket(bucket));
    },

    getBucket: async ({ path: { bucket } }) => bucketShape(await objects.headBucket(bucket)),

    async deleteBucket({ path: { bucket } }) {
      await objects.deleteBucket(bucket);
      return undefined;
    },

    async putVersioning({ path: { bucket }, body: { versioning } }) {
      await objects.setVersioning(bucket, versioning);
      return undefined;
    },

    async getBucketPolicy({ path: { bucket } }) {
      const content = await objects.getDocument(bucket, "policy");
      if (content === undefined) return { public: false };
      return { document: text(content), public: isPublic(storedBucketPolicy(content, bucket)) };
    },

    async putBucketPolicy({ path: { bucket }, body: { document } }) {
      parseBucketPolicy(document, bucket);
      await objects.putDocument(bucket, "policy", utf8(document));
      return undefined;
    },

    async deleteBucketPolicy({ path: { bucket } }) {
      await objects.deleteDocument(bucket, "policy");
      return undefined;
    },

    async getBucketCors({ path: { bucket } }) {
      const content = await objects.getDocument(bucket, "cors");
      return { rules: content === undefined ? [] : (JSON.parse(text(content)) as { rules: CorsRules }).rules };
    },

    async putBucketCors({ path: { bucket }, body: { rules } }) {
      await objects.putDocument(bucket, "cors", utf8(JSON.stringify(corsDocument(rules))));
      return undefined;
    },

    async deleteBucketCors({ path: { bucket } }) {
      await objects.deleteDocument(bucket, "cors");
      return undefined;
    },

    async getBucketTags({ path: { bucket } }) {
      const content = await objects.getDocument(bucket, "tagging");
      return { tags: content === undefined ? {} : (JSON.parse(text(content)) as Record<string, string>) };
    },

    async putBucketTags({ path: { bucket }, body: { tags } }) {
      for (const name of Object.keys(tags)) {
        const isAllowed = name !== "" && [...name].length <= 128 && !name.startsWith("aws:");
        if (!isAllowed) throw invalid(`body.tags.${name}`, "is no name of a tag: 1 to 128 characters, not aws:");
      }
      await objects.putDocument(bucket, "tagging", utf8(JSON.stringify(tags)));
      return undefined;
    },

    async deleteBucketTags({ path: { bucket } }) {
      await objects.deleteDocument(bucket, "tagging");
      return undefined;
    },
  };
}

function bucketShape({ name, createdMillis, owner, versioning }: BucketInfo): Infer<"Bucket"> {
  return { name, createdAt: instant(createdMillis), owner, versioning };
}

/** The form in which S3 keeps the rules too: JSON with a version. */
function corsDocument(rules: CorsRules): object {
  for (const [at, { allowedOrigins, allowedHeaders = [] }] of rules.entries()) {
    for (const pattern of [...allowedOrigins, ...allowedHeaders]) {
      if (pattern.split("*").length > 2)
        throw invalid(`body.rules[${at}]`, `has a pattern with several "*": ${pattern}`);
    }
  }
  return {
    version: 1,
    rules: rules.map(
      ({ id, maxAgeSeconds, allowedOrigins, allowedMethods, allowedHeaders = [], exposeHeaders = [] }) => ({
        ...(id !== undefined && { id }),
        ...{ allowedOrigins, allowedMethods, allowedHeaders, exposeHeaders },
        ...(maxAgeSeconds !== undefined && { maxAgeSeconds }),
      }),
    ),
  };
}
