import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../../src/testing/free-port.ts";
import { temporaryFolder } from "../../../src/testing/server-process.ts";
import { NotRun } from "../../not-run.ts";
import { processorSeconds } from "../../process-usage.ts";
import { memoryFolder } from "../memory-folder.ts";
import type { Peer } from "../peer.ts";
import { flagsOf, runProgram } from "../program.ts";
import { buildGoProgram, GO_PROGRAM } from "./go-program.ts";

const MEMBERS = 3;
const START_MILLIS_MAX = 60_000;

/** Three members of the Debian package; the load comes from etcd's own client in Go, its connections spread over all members. */
export const ETCD: Peer = {
  name: "etcd",
  place: "three processes",
  durability: "fdatasync of its log on a quorum",
  async install() {
    if (spawnSync("etcd", ["--version"]).status !== 0) installPackage();
    await buildGoProgram();
  },
  async run(workload, times) {
    if (workload.groups > 1) throw new NotRun("it has one group");
    await using cluster = await startCluster(workload.synced);
    const usage = (): number => processorSeconds(cluster.pids);
    let before = 0;
    const load = ["--clients", String(workload.connections), "--endpoints", cluster.endpoints.join(",")];
    const measurement = await runProgram({
      command: GO_PROGRAM,
      args: ["etcd-load", ...flagsOf(workload), ...load],
      times,
      onMeasuring: () => (before = usage()),
    });
    const version = execFileSync("etcd", ["--version"], { encoding: "utf8" }).split(/\s+/)[2]!;
    return { ...measurement, version, processorSeconds: usage() - before };
  },
};

function installPackage(): void {
  const apt = (...args: string[]): boolean =>
    spawnSync("apt-get", [...args, "-qq"], {
      stdio: ["ignore", 2, 2],
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    }).status === 0;
  if (!apt("update") || !apt("install", "-y", "--no-install-recommends", "etcd-server")) {
    throw new NotRun("the Debian package etcd-server could not be installed");
  }
}

interface Cluster extends AsyncDisposable {
  readonly pids: readonly number[];
  /** host:port */
  readonly endpoints: readonly string[];
}

async function startCluster(synced: boolean): Promise<Cluster> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await (synced ? temporaryFolder : memoryFolder)("bench-etcd"));
  const members = [];
  for (let id = 1; id <= MEMBERS; id++) {
    members.push({ name: `member-${id}`, client: await freePort(), peer: await freePort() });
  }
  const initial = members.map(({ name, peer }) => `${name}=http://127.0.0.1:${peer}`).join(",");
  const pids: number[] = [];
  for (const { name, client, peer } of members) {
    const [clientUrl, peerUrl] = [`http://127.0.0.1:${client}`, `http://127.0.0.1:${peer}`];
    const child = spawn(
      "etcd",
      [
        ...["--name", name, "--data-dir", `${folder.path}/${name}`, "--log-level", "error", "--logger", "zap"],
        ...["--listen-client-urls", clientUrl, "--advertise-client-urls", clientUrl],
        ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
        ...["--initial-cluster", initial, "--initial-cluster-state", "new"],
      ],
      { stdio: "ignore" },
    );
    undo.defer(() => end(child));
    pids.push(child.pid!);
  }
  const endpoints = members.map(({ client }) => `127.0.0.1:${client}`);
  for (const endpoint of endpoints) await awaitHealth(endpoint);
  const kept = undo.move();
  return { pids, endpoints, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}

async function awaitHealth(endpoint: string): Promise<void> {
  for (const latest = performance.now() + START_MILLIS_MAX; ; await sleep(50)) {
    const isHealthy = await fetch(`http://${endpoint}/health`).then(
      (response) => response.ok,
      () => false,
    );
    if (isHealthy) return;
    if (performance.now() > latest) throw new NotRun("it did not start");
  }
}
