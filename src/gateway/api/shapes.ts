import { CLUSTER_SHAPES } from "./cluster-shapes.ts";
import { IDS_SHAPES } from "./ids/shapes.ts";
import { KV_SHAPES } from "./kv/shapes.ts";
import { STATUS_SHAPES } from "./status/shapes.ts";

/** Of what operators and the console ask about, but for the state of the node. */
export const OPERATOR_SHAPES = {
  PageLimit: { type: "integer", minimum: 1, maximum: 1000, description: "Entries of a page." },
  After: { type: "text", description: "`next` of the page before." },
  Next: { type: "text", description: "Pass it as `after` for the next page; absent at the end." },
  Revision: { type: "integer", description: "Of the entry, for `ifRevision`." },
  IfRevision: { type: "integer", description: "Fails where the entry is not the one that was read." },
  PolicyText: { type: "text", maxLength: 20_480, description: "A policy's document: JSON, kept as it is sent." },
  PolicyNames: { type: "list", items: "text", maxItems: 10 },
  Counters: { type: "map", values: "any" },

  Error: {
    type: "object",
    properties: {
      error: {
        type: "object",
        properties: {
          code: { type: "text", description: "One of the errors' codes; they do not change between versions." },
          message: { type: "text", description: "What happened to which thing." },
          advice: { type: "text", description: "What to do about it." },
          requestId: "text",
          data: { type: "map", values: "any" },
        },
      },
    },
  },

  Page: {
    type: "object",
    properties: { after: "After", limit: "PageLimit" },
    optional: ["after", "limit"],
  },

  Session: {
    type: "object",
    properties: {
      name: { type: "text", description: "Of the user; `root` for the root key." },
      type: { type: "text", enum: ["root", "user"] },
      accessKeyId: "text",
      expiresAt: {
        type: "instant",
        description: "When the session ends if it is not used; absent for a signed request.",
      },
    },
    optional: ["expiresAt"],
  },

  OpenSession: {
    type: "object",
    properties: {
      id: "text",
      accessKeyId: "text",
      address: "text",
      userAgent: "text",
      createdAt: "instant",
      seenAt: "instant",
      expiresAt: "instant",
    },
  },

  Event: {
    type: "object",
    properties: {
      id: { type: "text", description: "Sorts by time." },
      at: "instant",
      severity: { type: "text", enum: ["info", "warning", "error"] },
      kind: { type: "text", description: "As in `volume-sealed` or `create-user`." },
      object: { type: "text", description: "What it happened to, as in `volume 7` or `user alice`." },
      text: { type: "text", description: "One sentence." },
      actor: { type: "text", description: "Who did it, where somebody did." },
      data: { type: "map", values: "any" },
    },
    optional: ["actor", "data"],
  },

  EventPage: {
    type: "object",
    properties: { items: { type: "list", items: "Event" }, next: "Next" },
    optional: ["next"],
  },

  ConfigurationEntry: {
    type: "object",
    properties: {
      name: "text",
      flag: "text",
      environment: "text",
      value: { type: "any", description: "`***` for a secret." },
      isDefault: "flag",
      text: "text",
    },
    optional: ["value"],
  },

  Bucket: {
    type: "object",
    properties: {
      name: "text",
      createdAt: "instant",
      owner: "text",
      versioning: { type: "text", enum: ["off", "enabled", "suspended"] },
    },
  },

  BucketPage: {
    type: "object",
    properties: { items: { type: "list", items: "Bucket" }, next: "Next" },
    optional: ["next"],
  },

  BucketPolicy: {
    type: "object",
    properties: {
      document: { type: "text", description: "Absent where the bucket has none." },
      public: { type: "flag", description: "Whether it lets the public in." },
    },
    optional: ["document"],
  },

  CorsRule: {
    type: "object",
    properties: {
      id: { type: "text", maxLength: 255 },
      allowedOrigins: { type: "list", items: "text", minItems: 1 },
      allowedMethods: {
        type: "list",
        items: { type: "text", enum: ["GET", "PUT", "HEAD", "POST", "DELETE"] },
        minItems: 1,
      },
      allowedHeaders: { type: "list", items: "text" },
      exposeHeaders: { type: "list", items: "text" },
      maxAgeSeconds: "count",
    },
    optional: ["id", "allowedHeaders", "exposeHeaders", "maxAgeSeconds"],
  },

  BucketTags: {
    type: "object",
    properties: { tags: { type: "map", values: { type: "text", maxLength: 256 }, entriesMax: 50 } },
  },

  Key: { type: "text", minLength: 1, description: "Any text of at most 1,024 bytes in UTF-8." },
  VersionId: { type: "text", minLength: 1, description: "The current version where left out." },

  ObjectName: {
    type: "object",
    properties: { key: "Key", versionId: "VersionId" },
    optional: ["versionId"],
  },

  ObjectEntry: {
    type: "object",
    properties: {
      key: "text",
      versionId: "text",
      sizeBytes: "bytes",
      etag: { type: "text", description: "Without quotes." },
      modifiedAt: "instant",
      storageClass: "text",
    },
    optional: ["versionId", "storageClass"],
  },

  ObjectPage: {
    type: "object",
    properties: {
      items: { type: "list", items: "ObjectEntry" },
      commonPrefixes: {
        type: "list",
        items: "text",
        description: "What keys begin with up to the delimiter: the folders of this page.",
      },
      next: "Next",
    },
    optional: ["next"],
  },

  VersionEntry: {
    type: "object",
    properties: {
      key: "text",
      versionId: "text",
      sizeBytes: "bytes",
      etag: "text",
      modifiedAt: "instant",
      storageClass: "text",
      isLatest: "flag",
      deleteMarker: "flag",
    },
    optional: ["storageClass"],
  },

  VersionPage: {
    type: "object",
    properties: {
      items: { type: "list", items: "VersionEntry" },
      commonPrefixes: { type: "list", items: "text" },
      nextKey: { type: "text", description: "Pass it as `afterKey` for the next page; absent at the end." },
      nextVersionId: { type: "text", description: "Pass it as `afterVersionId`." },
    },
    optional: ["nextKey", "nextVersionId"],
  },

  Object: {
    type: "object",
    properties: {
      key: "text",
      versionId: "text",
      sizeBytes: "bytes",
      etag: "text",
      modifiedAt: "instant",
      storageClass: "text",
      contentType: "text",
      contentEncoding: "text",
      contentDisposition: "text",
      contentLanguage: "text",
      cacheControl: "text",
      expires: "text",
      metadata: { type: "map", values: "text", description: "The user's, without the prefix x-amz-meta-." },
      checksum: { type: "text", description: "As in `crc32c=AAAAAA==`; one of parts has their number behind it." },
      tagCount: "count",
      partCount: { type: "count", description: "Of an object that was uploaded in parts." },
    },
    optional: [
      "versionId",
      "storageClass",
      "contentType",
      "contentEncoding",
      "contentDisposition",
      "contentLanguage",
      "cacheControl",
      "expires",
      "checksum",
      "partCount",
    ],
  },

  Deleted: {
    type: "object",
    properties: {
      key: "text",
      versionId: { type: "text", description: "Of the version that is gone, or of the delete marker." },
      deleteMarker: { type: "flag", description: "A delete marker was written or removed." },
    },
    optional: ["versionId"],
  },

  NotDeleted: {
    type: "object",
    properties: { key: "text", versionId: "text", code: "text", message: "text" },
    optional: ["versionId"],
  },

  User: {
    type: "object",
    properties: {
      name: "text",
      id: "text",
      enabled: "flag",
      createdAt: "instant",
      updatedAt: "instant",
      policies: { type: "list", items: "text" },
      keyCount: "count",
      revision: "Revision",
    },
  },

  UserPage: {
    type: "object",
    properties: { items: { type: "list", items: "User" }, next: "Next" },
    optional: ["next"],
  },

  AccessKey: {
    type: "object",
    properties: {
      id: "text",
      user: "text",
      enabled: "flag",
      createdAt: "instant",
      expiresAt: "instant",
      description: "text",
      policy: { type: "text", description: "A document that narrows what the key may do of what its user may." },
      lastUsedAt: { type: "instant", description: "To the day." },
    },
    optional: ["expiresAt", "policy", "lastUsedAt"],
  },

  AccessKeyPage: {
    type: "object",
    properties: { items: { type: "list", items: "AccessKey" }, next: "Next" },
    optional: ["next"],
  },

  NewAccessKey: {
    type: "object",
    properties: {
      id: "text",
      user: "text",
      secret: { type: "text", description: "Told this once; it can not be had again." },
    },
  },

  Policy: {
    type: "object",
    properties: {
      name: "text",
      canned: { type: "flag", description: "Built in: it can not be changed or deleted." },
      createdAt: "instant",
      updatedAt: "instant",
      revision: "Revision",
    },
    optional: ["createdAt", "updatedAt"],
  },

  PolicyPage: {
    type: "object",
    properties: { items: { type: "list", items: "Policy" }, next: "Next" },
    optional: ["next"],
  },

  PolicyDocument: {
    type: "object",
    properties: {
      name: "text",
      canned: "flag",
      createdAt: "instant",
      updatedAt: "instant",
      revision: "Revision",
      document: { type: "text", description: "JSON, as it was stored." },
    },
    optional: ["createdAt", "updatedAt"],
  },

  Decision: { type: "text", enum: ["allow", "deny", "implicit-deny"] },

  ExplainedStatement: {
    type: "object",
    properties: {
      index: "integer",
      sid: "text",
      effect: { type: "text", enum: ["Allow", "Deny"] },
      applies: "flag",
      failed: { type: "text", description: "The first element that does not fit the request." },
    },
    optional: ["sid", "failed"],
  },

  Explanation: {
    type: "object",
    properties: {
      decision: "Decision",
      decidedBy: { type: "text", description: "The statement; absent where none did, or the root key did." },
      policies: {
        type: "list",
        items: {
          type: "object",
          properties: {
            source: "text",
            policy: "text",
            decision: "Decision",
            statements: { type: "list", items: "ExplainedStatement" },
          },
        },
      },
    },
    optional: ["decidedBy"],
  },

  Volume: {
    type: "object",
    properties: {
      id: "count",
      kind: { type: "text", enum: ["needles", "extents"] },
      state: { type: "text", enum: ["open", "sealed", "removed"] },
      generation: { type: "count", description: "Grows by one with each compaction." },
      writer: { type: "text", description: "The node that appends to it." },
      members: { type: "list", items: "text", description: "The nodes that hold it." },
      createdAt: "instant",
      bytes: { type: "bytes", description: "Of the file; of an open volume, up to where everything is settled." },
      garbageBytes: { type: "bytes", description: "Of what was deleted and is not compacted away yet." },
      sound: { type: "flag", description: "False where the file is missing or shorter than it has to be." },
      verifiedAt: { type: "instant", description: "When every block was last read and verified; absent: never." },
      damagedCount: "count",
      damagedNeedles: { type: "list", items: "count", description: "The first of them, by number." },
    },
    optional: ["verifiedAt"],
  },
} as const;

/** What the API's answers are made of, by name. */
export const SHAPES: typeof OPERATOR_SHAPES &
  typeof CLUSTER_SHAPES &
  typeof STATUS_SHAPES &
  typeof KV_SHAPES &
  typeof IDS_SHAPES = {
  ...OPERATOR_SHAPES,
  ...CLUSTER_SHAPES,
  ...STATUS_SHAPES,
  ...KV_SHAPES,
  ...IDS_SHAPES,
};
