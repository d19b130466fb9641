import { splitTarget } from "../../codec/sigv4/index.ts";
import { s3Failure } from "./errors.ts";
import type { Level } from "./operations/index.ts";
import { Query, unescapeText } from "./query.ts";

/** What a request is about: its bucket and key, wherever they stood. */
export interface Address {
  readonly level: Level;
  readonly bucket: string;
  /** Any text: `a//b`, `../x` and `a/` are keys like others. */
  readonly key: string;
  readonly query: Query;
  /** True where the Host header named the bucket. */
  readonly virtualHost: boolean;
}

/**
 * Path-style (`/bucket/key`), or virtual-hosted style (`bucket.<domain>`) for hosts under one of `domains` (lower case,
 * longest first). The key is all that is behind the first slash, its escapes undone once.
 */
export function addressOf(target: string, host: string | undefined, domains: readonly string[]): Address {
  const { path, query: queryText } = splitTarget(target);
  if (path.charCodeAt(0) !== SLASH) throw s3Failure("InvalidURI", { data: { URI: target.slice(0, 1024) } });
  const query = queryText === "" ? Query.NONE : new Query(queryText);
  const hostBucket = domains.length === 0 || host === undefined ? undefined : bucketOfHost(host, domains);
  if (hostBucket !== undefined) return located(hostBucket, path.slice(1), query, true);
  if (path === "/") return { level: "service", bucket: "", key: "", query, virtualHost: false };
  const slash = path.indexOf("/", 1);
  const bucket = unescapeText(slash === -1 ? path.slice(1) : path.slice(1, slash), false);
  if (bucket === "") throw s3Failure("InvalidBucketName", { data: { BucketName: "" } });
  return located(bucket, slash === -1 ? "" : path.slice(slash + 1), query, false);
}

/** Without the port; a host name is in lower case. */
export function hostName(host: string): string {
  const end = host.endsWith("]") ? -1 : host.lastIndexOf(":");
  return (end === -1 ? host : host.slice(0, end)).toLowerCase();
}

const SLASH = 0x2f;

function located(bucket: string, escapedKey: string, query: Query, virtualHost: boolean): Address {
  if (escapedKey === "") return { level: "bucket", bucket, key: "", query, virtualHost };
  return { level: "object", bucket, key: unescapeText(escapedKey, false), query, virtualHost };
}

function bucketOfHost(host: string, domains: readonly string[]): string | undefined {
  const name = hostName(host);
  for (const domain of domains) {
    if (name === domain) return undefined;
    const at = name.length - domain.length - 1;
    if (at > 0 && name.charCodeAt(at) === DOT && name.endsWith(domain)) return name.slice(0, at);
  }
  return undefined;
}

const DOT = 0x2e;
