import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../../std/assert.ts";
import { HashThread, type RingMemory } from "../compute/index.ts";

// A hashing thread's entry: woken by an empty message when it sleeps, it works its ring off. See compute.ts.

const port = parentPort;
assert(port !== null, "this file runs as a worker thread");
const thread = new HashThread(workerData as RingMemory, (report) => port.postMessage(report));
port.on("message", () => thread.run());
