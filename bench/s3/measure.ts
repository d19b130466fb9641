// Runs one workload against one server: the generator in its own process, the server's processor time read at the
// generator's `go` and at its end.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { forgetPeak, peakResidentBytes, processorSeconds } from "../process-usage.ts";
import { HttpConnection } from "./http-connection.ts";
import type { FromGenerator, Job, JobResult, Plan } from "./job.ts";
import type { RunningPeer } from "./peer.ts";
import { RequestSigner } from "./requests.ts";
import type { Workload } from "./workloads.ts";

const GENERATOR = fileURLToPath(new URL("generator.ts", import.meta.url));
const BUCKET = "bench";
/** Signed requests are kept in memory: a long preparation is cut into jobs of so many. */
const OPERATIONS_A_JOB = 50_000;
const PREPARE_CONNECTIONS = 64;
const PREPARE_CONNECTIONS_LARGE = 4;
const LARGE_BYTES = 1024 * 1024;

export interface Measurement extends JobResult {
  readonly processorSeconds: number;
  readonly peakResidentBytes: number;
}

export async function createBucket(peer: RunningPeer): Promise<void> {
  const job = jobFor(peer, 0, { connections: 1, seconds: 1, operationsMax: 1 }, NO_PLAN);
  const connection = await HttpConnection.open(job.host, job.port);
  const signer = new RequestSigner(job);
  const { status } = await connection.send(signer.prepare("PUT", `/${BUCKET}`, new Uint8Array(0)));
  connection.close();
  if (status !== 200) throw new Error(`the bucket was answered with ${status}`);
}

export async function prepare(peer: RunningPeer, workload: Workload): Promise<void> {
  const { before } = workload;
  if (!before) return;
  const connections = before.plan.bytes >= LARGE_BYTES ? PREPARE_CONNECTIONS_LARGE : PREPARE_CONNECTIONS;
  for (let from = 0; from < before.operations; from += OPERATIONS_A_JOB) {
    const operationsMax = Math.min(OPERATIONS_A_JOB, before.operations - from);
    const limits = { connections, seconds: 600, operationsMax };
    const { operations } = await runJob(peer, jobFor(peer, 0, limits, { ...before.plan, from }));
    if (operations !== operationsMax) throw new Error(`only ${from + operations} objects were stored in time`);
  }
}

export async function measure(peer: RunningPeer, workload: Workload, round: number): Promise<Measurement> {
  return runJob(peer, jobFor(peer, round, workload.limits, workload.plan(round)));
}

const NO_PLAN: Plan = { kind: "list", prefix: "", keys: 0 };

function jobFor(peer: RunningPeer, seed: number, limits: Workload["limits"], plan: Plan): Job {
  const { accessKey, secretKey } = peer;
  const { hostname: host, port } = new URL(peer.url);
  return { host, port: Number(port), accessKey, secretKey, bucket: BUCKET, ...limits, seed, plan };
}

async function runJob(peer: RunningPeer, job: Job): Promise<Measurement> {
  const generator = fork(GENERATOR, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  try {
    generator.send(job);
    await next(generator);
    forgetPeak(peer.pids);
    const before = processorSeconds(peer.pids);
    generator.send("go");
    const done = await next(generator);
    if (done.kind !== "done") throw new Error("the generator is out of step");
    return {
      ...done.result,
      processorSeconds: processorSeconds(peer.pids) - before,
      peakResidentBytes: peakResidentBytes(peer.pids),
    };
  } finally {
    generator.kill();
  }
}

async function next(generator: ChildProcess): Promise<FromGenerator> {
  const ended = once(generator, "exit").then(() => Promise.reject(new Error("the generator ended early")));
  const [message] = (await Promise.race([once(generator, "message"), ended])) as [FromGenerator];
  ended.catch(() => {});
  if (message.kind === "failed") throw new Error(message.reason);
  return message;
}
