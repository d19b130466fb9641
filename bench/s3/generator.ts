// The load generator: a process of its own, forked with one job a run. It signs, connects, says `ready`, waits for `go`,
// and tells what it measured. An answer that is not what it must be fails the job.

import { HttpConnection } from "./http-connection.ts";
import type { FromGenerator, Job, JobResult } from "./job.ts";
import { type Operation, operationsOf, RequestSigner } from "./requests.ts";

const PAGE_KEYS = 1000;

process.once("message", (job: Job) => {
  run(job).then(
    (result) => tell({ kind: "done", result }),
    (error) => tell({ kind: "failed", reason: String(error instanceof Error ? error.message : error) }),
  );
});

function tell(message: FromGenerator): void {
  process.send!(message, () => {
    if (message.kind !== "ready") process.exit();
  });
}

async function run(job: Job): Promise<JobResult> {
  const listing = job.plan.kind === "list";
  const lanes = listing ? [[]] : Array.from({ length: job.connections }, (_, at) => operationsOf(job, at));
  const connections = await Promise.all(lanes.map(() => HttpConnection.open(job.host, job.port)));
  const went = new Promise((resolve) => process.once("message", resolve));
  tell({ kind: "ready" });
  await went;
  const meter = new Meter();
  if (listing) await list(job, connections[0]!, meter);
  else await Promise.all(lanes.map((lane, at) => work(connections[at]!, lane, job.seconds, meter)));
  const result = meter.result();
  for (const connection of connections) connection.close();
  return result;
}

class Meter {
  readonly startedMillis = performance.now();
  readonly #latencies: number[] = [];
  operations = 0;
  bytes = 0;

  /** Milliseconds since the start. */
  get elapsed(): number {
    return performance.now() - this.startedMillis;
  }

  add(sinceMillis: number, operations: number, bytes: number): void {
    this.#latencies.push(performance.now() - sinceMillis);
    this.operations += operations;
    this.bytes += bytes;
  }

  result(): JobResult {
    const seconds = this.elapsed / 1000;
    const sorted = this.#latencies.toSorted((left, right) => left - right);
    const quantile = (part: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
    const { operations, bytes } = this;
    return { operations, seconds, bytes, p50Millis: quantile(0.5), p99Millis: quantile(0.99) };
  }
}

async function work(
  connection: HttpConnection,
  operations: readonly Operation[],
  seconds: number,
  meter: Meter,
): Promise<void> {
  for (const { request, status, bodyBytes } of operations) {
    if (meter.elapsed > seconds * 1000) return;
    const sinceMillis = performance.now();
    const answer = await connection.send(request);
    if (answer.status !== status) throw new Error(`${firstLine(request.head)} was answered with ${answer.status}`);
    if (request.method === "GET" && answer.bodyBytes !== bodyBytes) {
      throw new Error(`${firstLine(request.head)} gave ${answer.bodyBytes} bytes of ${bodyBytes}`);
    }
    meter.add(sinceMillis, 1, (request.body?.length ?? 0) + answer.bodyBytes);
  }
}

async function list(job: Job, connection: HttpConnection, meter: Meter): Promise<void> {
  const { plan } = job;
  if (plan.kind !== "list") return;
  const signer = new RequestSigner(job);
  let previous = "";
  for (let token: string | undefined = ""; token !== undefined; ) {
    const sinceMillis = performance.now();
    const from = token === "" ? "" : `continuation-token=${encodeURIComponent(token)}&`;
    const target = `/${job.bucket}?${from}list-type=2&max-keys=${PAGE_KEYS}&prefix=${encodeURIComponent(plan.prefix)}`;
    const { status, body } = await connection.send(signer.prepare("GET", target), { keepBody: true });
    if (status !== 200) throw new Error(`a page was answered with ${status}`);
    const keys = Array.from(body.matchAll(/<Key>([^<]*)<\/Key>/g), (match) => match[1]!);
    for (const key of keys) {
      if (key <= previous) throw new Error(`the listing is out of order at ${key}`);
      previous = key;
    }
    meter.add(sinceMillis, keys.length, body.length);
    token = /<NextContinuationToken>([^<]*)</.exec(body)?.[1];
  }
  if (meter.operations !== plan.keys) throw new Error(`the listing has ${meter.operations} keys of ${plan.keys}`);
}

function firstLine(head: Uint8Array): string {
  const text = Buffer.from(head).toString("latin1");
  return text.slice(0, text.indexOf("\r\n"));
}
