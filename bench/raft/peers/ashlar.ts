import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { freePort } from "../../../src/testing/free-port.ts";
import { temporaryFolder } from "../../../src/testing/server-process.ts";
import { processorSeconds } from "../../process-usage.ts";
import type { Peer } from "../peer.ts";
import { flagsOf, runProgram } from "../program.ts";
import type { Workload } from "../workloads.ts";

const START_MILLIS_MAX = 60_000;
const NODES = 3;
const programOf = (name: string): string => fileURLToPath(new URL(`../ashlar/${name}.ts`, import.meta.url));
const noSyncOf = ({ synced }: Workload): string[] => (synced ? [] : ["--unsafe-no-sync"]);

export const ASHLAR: Peer = {
  name: "Ashlar",
  place: "one process",
  durability: "fdatasync of its log on a quorum, one for all groups of a node",
  install: async () => {},
  async run(workload, times) {
    await using folder = await temporaryFolder("bench-raft");
    const args = [programOf("in-process"), ...flagsOf(workload), ...noSyncOf(workload), "--folder", folder.path];
    return await runProgram({ command: process.execPath, args, times });
  },
};

/** Three nodes of it, and a client of a small protocol of puts. */
export const ASHLAR_NODES: Peer = {
  ...ASHLAR,
  place: "three processes",
  async run(workload, times) {
    await using nodes = await startNodes(workload);
    const usage = (): number => processorSeconds(nodes.pids);
    let before = 0;
    const connections = ["--connections", String(workload.connections), "--endpoints", nodes.ports.join(",")];
    const measurement = await runProgram({
      command: process.execPath,
      args: [programOf("generator"), ...flagsOf(workload), ...connections],
      times,
      onMeasuring: () => (before = usage()),
    });
    return { ...measurement, processorSeconds: usage() - before };
  },
};

interface Nodes extends AsyncDisposable {
  readonly pids: readonly number[];
  /** For clients. */
  readonly ports: readonly number[];
}

async function startNodes(workload: Workload): Promise<Nodes> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await temporaryFolder("bench-raft"));
  const peers = await Promise.all(Array.from({ length: NODES }, freePort));
  const children = peers.map((_, at) => {
    const place = ["--id", String(at + 1), "--peers", peers.join(","), "--folder", `${folder.path}/node-${at + 1}`];
    const args = [programOf("node-process"), ...flagsOf(workload), ...noSyncOf(workload), ...place];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    undo.defer(() => end(child));
    return child;
  });
  const ports = await Promise.all(children.map(portOf));
  const kept = undo.move();
  return { pids: children.map(({ pid }) => pid!), ports, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function portOf(child: ChildProcess): Promise<number> {
  const lines = createInterface({ input: child.stdout! });
  const ended = once(child, "exit").then(() => Promise.reject(new Error("a node ended before it was ready")));
  const line = once(lines, "line", { signal: AbortSignal.timeout(START_MILLIS_MAX) });
  const [text] = await Promise.race([line, ended]);
  ended.catch(() => {});
  return JSON.parse(text).port;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
