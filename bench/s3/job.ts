// What the load generator is told and what it answers; both go between processes.

export interface Job {
  readonly host: string;
  readonly port: number;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly bucket: string;
  readonly connections: number;
  /** Whichever comes first. */
  readonly seconds: number;
  readonly operationsMax: number;
  readonly seed: number;
  readonly plan: Plan;
}

export type Plan =
  /** Objects under new keys. With `from`, keys are numbered from there on. */
  | { readonly kind: "put"; readonly prefix: string; readonly bytes: number; readonly from: number }
  /** Objects drawn from those that a `put` of `keys` operations has stored. */
  | { readonly kind: "get"; readonly prefix: string; readonly bytes: number; readonly keys: number }
  /** GET, PUT, DELETE, STAT at 45, 15, 10, 30 of a hundred, each connection on keys of its own. */
  | { readonly kind: "mixed"; readonly prefix: string; readonly bytes: number }
  /** A whole listing in pages of 1,000 keys, one after the other. */
  | { readonly kind: "list"; readonly prefix: string; readonly keys: number };

export interface JobResult {
  /** Requests; of a listing, keys. */
  readonly operations: number;
  readonly seconds: number;
  readonly bytes: number;
  readonly p50Millis: number;
  readonly p99Millis: number;
}

export type FromGenerator =
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly result: JobResult }
  | { readonly kind: "failed"; readonly reason: string };
