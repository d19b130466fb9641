// An object's key is a parameter of the query, not a part of the path: browsers, proxies and libraries rewrite paths (`..`, `//`), and
// every text is a key.

export const OBJECT_OPERATIONS = [
  {
    name: "listObjects",
    method: "GET",
    path: "/v1/buckets/{bucket}/objects",
    summary: "Lists objects in the order of their keys' bytes",
    access: { action: "s3:ListBucket", on: "bucket" },
    query: {
      type: "object",
      properties: {
        prefix: "text",
        delimiter: {
          type: "text",
          description: "Keys that share what lies before it, behind the prefix, come as one.",
        },
        after: "After",
        limit: "PageLimit",
      },
      optional: ["prefix", "delimiter", "after", "limit"],
    },
    reply: "ObjectPage",
  },
  {
    name: "listVersions",
    method: "GET",
    path: "/v1/buckets/{bucket}/versions",
    summary: "Lists all versions and delete markers, those of a key from the newest on",
    access: { action: "s3:ListBucketVersions", on: "bucket" },
    query: {
      type: "object",
      properties: { prefix: "text", delimiter: "text", afterKey: "text", afterVersionId: "text", limit: "PageLimit" },
      optional: ["prefix", "delimiter", "afterKey", "afterVersionId", "limit"],
    },
    reply: "VersionPage",
  },
  {
    name: "getObject",
    method: "GET",
    path: "/v1/buckets/{bucket}/object",
    summary: "The bytes of an object, or a range of them",
    notes: [
      "One range of bytes; If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since hold.",
      "Every block is verified before it is sent.",
      "The reply tells browsers to save and never to run what it holds.",
      "HEAD works too.",
    ],
    access: { action: "s3:GetObject", versionAction: "s3:GetObjectVersion", on: "object" },
    query: "ObjectName",
    reply: "stream",
  },
  {
    name: "describeObject",
    method: "GET",
    path: "/v1/buckets/{bucket}/object/description",
    summary: "What is known of an object, without its bytes",
    access: { action: "s3:GetObject", versionAction: "s3:GetObjectVersion", on: "object" },
    query: "ObjectName",
    reply: "Object",
  },
  {
    name: "putObject",
    method: "PUT",
    path: "/v1/buckets/{bucket}/object",
    summary: "Stores the body as an object",
    notes: [
      "Of any length up to 50 TiB; above 5 GiB it is stored in parts, and the etag is one of parts.",
      "Without Content-Length up to 80 GiB are taken.",
      "Content-Type, -Encoding, -Language and -Disposition, Cache-Control, Expires and x-amz-meta-* are kept.",
      "`Content-Digest` (RFC 9530: sha-256, crc32c, md5) is verified; If-Match and If-None-Match hold.",
    ],
    access: { action: "s3:PutObject", on: "object" },
    query: { type: "object", properties: { key: "Key" } },
    body: "stream",
    reply: "ObjectEntry",
    status: 201,
  },
  {
    name: "deleteObject",
    method: "DELETE",
    path: "/v1/buckets/{bucket}/object",
    summary: "Deletes an object, or one of its versions",
    notes: [
      "With versioning, and without a version id, a delete marker is written.",
      "That the object is not there is no error.",
    ],
    access: { action: "s3:DeleteObject", versionAction: "s3:DeleteObjectVersion", on: "object" },
    query: "ObjectName",
    reply: "Deleted",
  },
  {
    name: "deleteObjects",
    method: "POST",
    path: "/v1/buckets/{bucket}/delete",
    summary: "Deletes up to 1,000 objects or versions",
    notes: ["Each succeeds or fails by itself."],
    access: { each: ["s3:DeleteObject", "s3:DeleteObjectVersion"] },
    body: {
      type: "object",
      properties: { objects: { type: "list", items: "ObjectName", minItems: 1, maxItems: 1000 } },
    },
    reply: {
      type: "object",
      properties: {
        deleted: { type: "list", items: "Deleted" },
        failed: {
          type: "list",
          items: {
            type: "object",
            properties: { key: "text", versionId: "text", code: "text", message: "text" },
            optional: ["versionId"],
          },
        },
      },
    },
  },
  {
    name: "presign",
    method: "POST",
    path: "/v1/buckets/{bucket}/presign",
    summary: "Makes a link to S3 that works without a credential until it expires",
    notes: [
      "Signed with the access key of the caller: it ends with that key, and does what its policies allow when it is used.",
    ],
    access: { each: ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"] },
    body: {
      type: "object",
      properties: {
        key: "Key",
        versionId: "VersionId",
        method: { type: "text", enum: ["GET", "PUT"] },
        expiresSeconds: { type: "integer", minimum: 1, maximum: 604800 },
        download: { type: "flag", description: "Browsers save what the link gives instead of showing it." },
      },
      optional: ["versionId", "method", "expiresSeconds", "download"],
    },
    reply: {
      type: "object",
      properties: {
        url: { type: "url" },
        method: { type: "text", enum: ["GET", "PUT"] },
        expiresAt: { type: "instant" },
      },
    },
  },
] as const;
