import {
  ALL_BUCKETS_ARN,
  ashlarArn,
  bucketArn,
  CLUSTER_ARN,
  objectArn,
  type RequestContext,
} from "../../service/access/index.ts";
import type { HttpCall } from "../http/index.ts";
import type { Caller } from "./authenticate.ts";
import type { OperationEntry, ResourceKind } from "./operation.ts";
import type { Need } from "./permissions.ts";

/** Condition keys that every request has, as policies know them from S3. */
export function contextOf(call: HttpCall, caller: Caller): RequestContext {
  const { headers, origin } = call;
  const signed = caller.session === undefined;
  return {
    "aws:SourceIp": origin.address,
    "aws:SecureTransport": String(origin.secure),
    "aws:UserAgent": headers.get("user-agent"),
    "aws:Referer": headers.get("referer"),
    "aws:RequestedRegion": caller.region,
    "s3:authType": signed ? "REST-HEADER" : undefined,
    "s3:signatureversion": signed ? "AWS4-HMAC-SHA256" : undefined,
    "s3:x-amz-content-sha256": headers.get("x-amz-content-sha256"),
  };
}

/** What the path and the query name. */
export interface Names {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
}

/** What the caller has to be allowed for the operation; undefined where the handler asks by itself. */
export function needOf({ access }: OperationEntry, names: Names): Need | undefined {
  if (typeof access === "string" || "each" in access) return undefined;
  const { path, query } = names;
  const versionId = query["versionId"];
  const action = versionId !== undefined && access.versionAction !== undefined ? access.versionAction : access.action;
  const { bucket } = path;
  const inBucket = access.on === "bucket" || access.on === "object";
  return {
    action,
    resource: resourceOf(access.on, names),
    ...(inBucket && bucket !== undefined && { bucket }),
    ...(access.on === "object" && { key: String(query["key"]) }),
    ...(typeof versionId === "string" && { versionId }),
    context: listingContext(action, query, versionId),
  };
}

function resourceOf(kind: ResourceKind, { path, query }: Names): string {
  switch (kind) {
    case "cluster":
      return CLUSTER_ARN;
    case "buckets":
      return ALL_BUCKETS_ARN;
    case "bucket":
      return bucketArn(path["bucket"]!);
    case "object":
      return objectArn(path["bucket"]!, String(query["key"]));
    case "users":
      return ashlarArn("user", "*");
    case "user":
      return ashlarArn("user", path["user"]!);
    case "policies":
      return ashlarArn("policy", "*");
    case "policy":
      return ashlarArn("policy", path["policy"]!);
    case "generators":
      return ashlarArn("generator", "*");
    case "generator":
      return ashlarArn("generator", path["generator"]!);
    case "tags":
      return ashlarArn("tag", "*");
    case "tag":
      return ashlarArn("tag", path["tag"]!);
  }
}

/** A listing without a prefix asks for everything: the key is there and empty, so that a policy for one prefix does not let it in. */
function listingContext(action: string, query: Names["query"], versionId: unknown): RequestContext {
  if (typeof versionId === "string") return { "s3:VersionId": versionId };
  if (action !== "s3:ListBucket" && action !== "s3:ListBucketVersions") return {};
  const text = (name: string): string => (typeof query[name] === "string" ? query[name] : "");
  const maxKeys = query["limit"];
  return {
    "s3:prefix": text("prefix"),
    "s3:delimiter": text("delimiter"),
    ...(typeof maxKeys === "number" && { "s3:max-keys": String(maxKeys) }),
  };
}
