// What /v1 answers, as far as the console reads it. contract.test.ts holds these types against the server's own table.

export interface Failure {
  readonly code: string;
  /** What happened to which thing. */
  readonly message: string;
  /** What to do about it. */
  readonly advice: string;
  readonly requestId: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Where the next page begins; absent at the end. */
  readonly next?: string | undefined;
}

export interface Session {
  readonly name: string;
  readonly type: "root" | "user";
  readonly accessKeyId: string;
  readonly expiresAt?: string | undefined;
}

export interface Sample {
  readonly at: string;
  readonly requestsPerSecond: number;
  readonly errorsPerSecond: number;
  readonly receivedBytesPerSecond: number;
  readonly sentBytesPerSecond: number;
  readonly p50Millis: number;
  readonly p99Millis: number;
  readonly stallMillis: number;
  readonly freeBytes: number;
}

export interface Fault {
  readonly object: string;
  readonly severity: "warning" | "error";
  readonly since: string;
  readonly what: string;
  readonly command: string;
}

export interface Capacity {
  readonly totalBytes: number;
  readonly freeBytes: number;
  readonly reserveBytes: number;
  readonly volumeBytes: number;
  readonly garbageBytes: number;
}

export type Health = "healthy" | "degraded" | "unhealthy";

export interface Status {
  readonly health: Health;
  readonly sentence: string;
  readonly version: string;
  readonly node: string;
  readonly at: string;
  readonly startedAt: string;
  readonly uptimeMillis: number;
  readonly endpoints: Readonly<Record<string, string>>;
  readonly counts: {
    readonly buckets: number;
    readonly users: number;
    readonly policies: number;
    readonly volumes: number;
  };
  readonly capacity: Capacity;
  readonly rates: Sample;
  readonly faults: readonly Fault[];
  /** Absent for a node that is alone, and where nobody who leads can be reached. */
  readonly cluster?: ClusterSummary | undefined;
}

export interface ClusterSummary {
  readonly name: string;
  readonly nodes: number;
  readonly nodesAlive: number;
  readonly canLose: number;
  readonly summary: string;
}

export interface ClusterNode {
  readonly id: number;
  readonly state: "joining" | "active" | "draining" | "removed";
  readonly role: "leader" | "voter" | "learner" | "none";
  readonly zone: string;
  readonly peer: string;
  readonly endpoints: Readonly<Record<string, string>>;
  readonly alive: boolean;
  readonly entriesBehind?: number | undefined;
  readonly joinedAt: string;
  readonly certificateEndsAt?: string | undefined;
}

export interface Cluster {
  readonly name: string;
  readonly id: string;
  readonly self: number;
  readonly leader?: number | undefined;
  readonly canLose: number;
  readonly summary: string;
  readonly nodes: readonly ClusterNode[];
  readonly data?:
    | {
        readonly volumes: number;
        readonly volumesAtRisk: number;
        readonly volumesUnreadable: number;
        readonly missingBytes: number;
        readonly healing?: { readonly volume: number; readonly node: number; readonly bytes: number } | undefined;
      }
    | undefined;
}

/** Of a key: text where its bytes are that. */
export type KeyBytes = string | { readonly base64: string };

export interface Ranges {
  readonly ranges: readonly {
    readonly from: KeyBytes;
    readonly to?: KeyBytes | undefined;
    readonly group: number;
    readonly bytes?: number | undefined;
    readonly commitsPerSecond?: number | undefined;
  }[];
  /** All but group 1. */
  readonly groups: readonly {
    readonly id: number;
    readonly state: "founding" | "open" | "retiring";
    readonly nodes: readonly number[];
    readonly members: readonly number[];
    readonly leader?: number | undefined;
    readonly canLose: number;
  }[];
  readonly transfers: readonly RangeTransfer[];
}

export interface RangeTransfer {
  readonly id: number;
  readonly from: KeyBytes;
  readonly to?: KeyBytes | undefined;
  readonly source: number;
  readonly target: number;
  readonly phase: "bringing" | "releasing" | "givingUp" | "holding";
  readonly attempt: number;
  readonly reason: string;
  readonly bytesBrought?: number | undefined;
}

export type Severity = "info" | "warning" | "error";

export interface NodeEvent {
  readonly id: string;
  readonly at: string;
  readonly severity: Severity;
  readonly kind: string;
  readonly object: string;
  readonly text: string;
  readonly actor?: string | undefined;
}

export interface GeneratorInUse {
  readonly generator: string;
  /** Absent while it holds none. */
  readonly worker?: number | undefined;
  readonly reservedUntil?: string | undefined;
  readonly made: number;
  readonly aheadMillis: number;
  readonly waiting: number;
}

export interface TagInUse {
  readonly tag: string;
  readonly order: "node" | "global";
  readonly blockSize: number;
  readonly available: number;
  readonly handedOut: number;
  readonly waiting: number;
}

export interface IdsStatus {
  readonly generators: readonly GeneratorInUse[];
  readonly tags: readonly TagInUse[];
  /** Of generators and tags that gave no ids when they were last asked. */
  readonly troubles: readonly {
    readonly generator?: string | undefined;
    readonly tag?: string | undefined;
    readonly code: string;
    readonly what: string;
    readonly since: string;
  }[];
}

export interface Tag {
  readonly name: string;
  readonly step: number;
  /** Decimal digits. */
  readonly next: string;
  readonly description: string;
  readonly updatedAt: string;
}

export type Versioning = "off" | "enabled" | "suspended";

export interface Bucket {
  readonly name: string;
  readonly createdAt: string;
  readonly owner: string;
  readonly versioning: Versioning;
}

export interface BucketPolicy {
  readonly document?: string | undefined;
  readonly public: boolean;
}

export interface ObjectEntry {
  readonly key: string;
  readonly versionId?: string | undefined;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly modifiedAt: string;
}

export interface ObjectPage extends Page<ObjectEntry> {
  readonly commonPrefixes: readonly string[];
}

export interface VersionEntry extends ObjectEntry {
  readonly versionId: string;
  readonly isLatest: boolean;
  readonly deleteMarker: boolean;
}

export interface VersionPage {
  readonly items: readonly VersionEntry[];
  readonly commonPrefixes: readonly string[];
  readonly nextKey?: string | undefined;
  readonly nextVersionId?: string | undefined;
}

export interface ObjectDescription extends ObjectEntry {
  readonly contentType?: string | undefined;
  readonly contentEncoding?: string | undefined;
  readonly contentDisposition?: string | undefined;
  readonly contentLanguage?: string | undefined;
  readonly cacheControl?: string | undefined;
  readonly expires?: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly checksum?: string | undefined;
  readonly tagCount: number;
  readonly partCount?: number | undefined;
}

export interface ObjectName {
  readonly key: string;
  readonly versionId?: string | undefined;
}

export interface Deletions {
  readonly deleted: readonly ObjectName[];
  readonly failed: readonly (ObjectName & { readonly code: string; readonly message: string })[];
}

export interface Link {
  readonly url: string;
  readonly expiresAt: string;
}

export interface User {
  readonly name: string;
  readonly enabled: boolean;
  readonly createdAt: string;
  readonly policies: readonly string[];
  readonly keyCount: number;
}

export interface OpenSession {
  readonly id: string;
  readonly accessKeyId: string;
  readonly address: string;
  readonly userAgent: string;
  readonly seenAt: string;
}

export interface AccessKey {
  readonly id: string;
  readonly user: string;
  readonly enabled: boolean;
  readonly createdAt: string;
  readonly expiresAt?: string | undefined;
  readonly description: string;
  readonly policy?: string | undefined;
  readonly lastUsedAt?: string | undefined;
}

export interface NewAccessKey {
  readonly id: string;
  readonly user: string;
  readonly secret: string;
}

export interface Policy {
  readonly name: string;
  readonly canned: boolean;
  readonly updatedAt?: string | undefined;
  readonly revision: number;
}

export interface PolicyDocument extends Policy {
  readonly document: string;
}

export interface PolicyVerdict {
  readonly valid: boolean;
  readonly message?: string | undefined;
  readonly path?: string | undefined;
}

export type Decision = "allow" | "deny" | "implicit-deny";

export interface Explanation {
  readonly decision: Decision;
  readonly decidedBy?: string | undefined;
  readonly policies: readonly {
    readonly source: string;
    readonly policy: string;
    readonly decision: Decision;
    readonly statements: readonly {
      readonly index: number;
      readonly sid?: string | undefined;
      readonly effect: "Allow" | "Deny";
      readonly applies: boolean;
      readonly failed?: string | undefined;
    }[];
  }[];
}
