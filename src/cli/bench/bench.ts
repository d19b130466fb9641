// A load generator for S3: so many requests at once, each followed by the next as soon as it is answered.

import { SigningKeys } from "../../codec/sigv4/index.ts";
import { AshlarError } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { sha256 } from "../hashing.ts";
import { withCause } from "../output.ts";
import { Latencies } from "./latencies.ts";
import { S3Load } from "./s3-load.ts";
import { type Draw, type OperationName, Workload } from "./workload.ts";

export interface BenchOptions {
  readonly endpoint: string;
  readonly credentials: { readonly accessKey: string; readonly secretKey: string };
  readonly region: string;
  readonly operation: OperationName;
  readonly objectBytes: number;
  readonly objects: number;
  readonly connections: number;
  readonly seconds: number;
  /** Undefined: one of its own, deleted afterwards. */
  readonly bucket: string | undefined;
  readonly authorities?: readonly string[] | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}

export interface BenchReport {
  readonly operation: OperationName;
  readonly objectBytes: number;
  readonly connections: number;
  readonly seconds: number;
  readonly requests: number;
  readonly errors: number;
  readonly firstError: string | undefined;
  readonly requestsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Milliseconds by percentile. */
  readonly latencies: Readonly<Record<string, number>>;
}

const PREPARE_CONNECTIONS = 32;

export async function runBench(options: BenchOptions): Promise<BenchReport> {
  const prng = new Prng(1);
  const workload = new Workload(options.operation, options.objects, () => prng.unit());
  const bucket = options.bucket ?? `ashlar-bench-${process.pid}-${Date.now().toString(36)}`;
  const body = prng.bytes(options.objectBytes);
  using load = new S3Load({
    ...{ endpoint: options.endpoint, credentials: options.credentials, region: options.region, bucket, body },
    authorities: options.authorities,
    keys: new SigningKeys(sha256, { entriesMax: 4 }),
    connections: Math.max(options.connections, PREPARE_CONNECTIONS),
  });
  await load.createBucket();
  try {
    await prepare(load, workload, options);
    return await measure(load, workload, options);
  } finally {
    if (options.bucket === undefined) {
      options.onProgress("Cleaning up");
      await load.removeBucket();
    }
  }
}

async function prepare(
  load: S3Load,
  workload: Workload,
  { onProgress, signal, objects, operation }: BenchOptions,
): Promise<void> {
  if (operation === "put" || operation === "delete") return;
  const keys = workload.initialKeys();
  let done = 0;
  const lane = async (): Promise<void> => {
    for (const key of keys) {
      signal.throwIfAborted();
      await load.run({ kind: "put", key });
      done++;
      if (done % 100 === 0) onProgress(`Writing ${done} of ${objects} objects`);
    }
  };
  await Promise.all(Array.from({ length: PREPARE_CONNECTIONS }, lane));
}

async function measure(load: S3Load, workload: Workload, options: BenchOptions): Promise<BenchReport> {
  const { connections, seconds: wanted, signal, onProgress, operation, objectBytes } = options;
  const latencies = new Latencies();
  let errors = 0;
  let firstError: string | undefined;
  let bytes = 0;
  const started = performance.now();
  const endMillis = started + wanted * 1000;
  const lane = async (): Promise<void> => {
    for (;;) {
      const begun = performance.now();
      if (begun >= endMillis || signal.aborted) return;
      const draw: Draw = workload.draw();
      try {
        const moved = await load.run(draw);
        bytes += moved;
        workload.answered(draw);
        latencies.add(performance.now() - begun);
      } catch (error) {
        errors++;
        firstError ??= error instanceof AshlarError ? withCause(error) : String(error);
      }
    }
  };
  const ticker = setInterval(() => {
    const passed = (performance.now() - started) / 1000;
    onProgress(`${Math.round(passed)} of ${wanted} s, ${Math.round(latencies.count / passed)} requests/s`);
  }, 500);
  try {
    await Promise.all(Array.from({ length: connections }, lane));
  } finally {
    clearInterval(ticker);
  }
  const seconds = (performance.now() - started) / 1000;
  return {
    ...{ operation, objectBytes, connections, seconds, requests: latencies.count, errors, firstError },
    requestsPerSecond: latencies.count / seconds,
    bytesPerSecond: bytes / seconds,
    latencies: latencies.summary(),
  };
}
