import type { S3Action } from "../../../service/access/index.ts";
import type { Feature } from "./features.ts";

export type Level = "service" | "bucket" | "object";
export type Method = "DELETE" | "GET" | "HEAD" | "OPTIONS" | "POST" | "PUT";

/**
 * One operation of S3's API. Which request it is follows from method, level, the query parameters that must be there
 * (with any value, or the one behind "=") and the header that must be there; of several that fit, the one that asks for
 * most.
 */
export interface OperationEntry {
  readonly name: string;
  readonly method: Method;
  readonly query?: readonly string[];
  readonly header?: string;
  /** Query parameters that select other operations elsewhere and are plain arguments here. */
  readonly takes?: readonly string[];
  /** What the caller has to be allowed, on the bucket or the object. */
  readonly action?: S3Action;
  /** The action instead, where the request names a version. */
  readonly versionAction?: S3Action;
  /** It is asked for as the operation goes, since only the body says what for. */
  readonly asksItself?: true;
  /** An act of an administrator's, which is reported when it is done. */
  readonly act?: true;
  readonly notBuilt?: Feature;
  /** What is missing of an operation that is served in part. */
  readonly partly?: string;
  /** Rules and limits worth knowing. */
  readonly note?: string;
  /** AWS serves it on a host of its own, so no request here can mean it. */
  readonly elsewhere?: true;
}

export type Status = "served" | "partly" | "not built";

export function statusOf(entry: OperationEntry): Status {
  if (entry.notBuilt !== undefined) return "not built";
  return entry.partly === undefined ? "served" : "partly";
}
