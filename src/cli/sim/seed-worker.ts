import { parentPort } from "node:worker_threads";
import { WORKLOADS } from "../../sim/workloads/index.ts";
import { assert } from "../../std/assert.ts";
import { failRunningSeed, type SeedTask, summarize } from "./seed-summary.ts";

// The entry of a thread that plays seeds, one after the other: a task comes in, a summary goes out. See seed-pool.ts.

const port = parentPort;
assert(port !== null, "this file runs as a worker thread");
process.on("unhandledRejection", (error) => {
  if (!failRunningSeed(error)) throw error;
});
port.on("message", async (task: SeedTask) => {
  const workload = WORKLOADS.find(({ name }) => name === task.workload);
  assert(workload !== undefined, "a task names a workload");
  port.postMessage(await summarize(workload, task));
});
