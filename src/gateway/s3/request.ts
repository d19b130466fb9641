import type { ByteSource } from "../../std/source.ts";
import type { HttpCall, RequestHeaders } from "../http/index.ts";
import type { Address } from "./address.ts";
import type { Caller } from "./authenticate.ts";
import { invalidArgument } from "./errors.ts";
import type { Operation } from "./operations/index.ts";
import type { Query } from "./query.ts";

/** A request that has been routed and authenticated: what the families of operations parse. */
export interface S3Request {
  readonly call: HttpCall;
  readonly operation: Operation;
  readonly address: Address;
  readonly bucket: string;
  readonly key: string;
  readonly query: Query;
  /** With the x-amz-* parameters of a signed query among them: a link carries headers so. */
  readonly headers: RequestHeaders;
  /** Names of those headers. */
  readonly hoisted: ReadonlySet<string>;
  readonly caller: Caller;
}

/** What goes out: names and values in turn, and a body whose length is known; or the beginning of an answer. */
export interface S3Reply {
  readonly status: number;
  readonly headers: string[];
  readonly body?: Uint8Array | ByteSource;
  readonly bodyBytes?: number;
  /** In the place of a body: the outcome is still being worked for. Its document is the rest of the answer. */
  readonly rest?: Promise<S3Reply>;
  /** What was asked for was so already. */
  readonly changedNothing?: true;
}

const NO_NAMES: ReadonlySet<string> = new Set();
/** They are the signature itself. */
const SIGNATURE_PARAMETERS: ReadonlySet<string> = new Set([
  ...["x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature"],
  ...["x-amz-security-token", "x-amz-content-sha256"],
]);

/**
 * SDKs move x-amz-* headers into the query of a link that they sign, and S3 reads them there. Signature Version 2 does
 * not cover the query, so there they count for nothing.
 */
export function hoistHeaders(query: Query, headers: RequestHeaders): ReadonlySet<string> {
  if (query.size === 0 || query.has("AWSAccessKeyId")) return NO_NAMES;
  let names: Set<string> | undefined;
  for (const [parameter, value] of query.entries()) {
    if (parameter.length < 7 || (parameter.charCodeAt(0) | 0x20) !== 0x78) continue;
    const name = parameter.toLowerCase();
    if (!name.startsWith("x-amz-") || SIGNATURE_PARAMETERS.has(name) || headers.has(name)) continue;
    headers.set(name, value);
    names ??= new Set();
    names.add(name);
  }
  return names ?? NO_NAMES;
}

/** The version that the query names; undefined for the current one. */
export function versionIdOf({ query }: S3Request): string | undefined {
  const versionId = query.get("versionId");
  if (versionId === "") throw invalidArgument("Version id cannot be the empty string", "versionId", "");
  return versionId;
}
