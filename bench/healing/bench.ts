// How long a cluster needs to be whole again. Three servers on loopback hold some objects; one is killed, its data
// directory is removed, and it is started again as at first. From then on the clock runs, until the cluster says that it
// can lose one more node and that no volume has too few copies. Then each object is read with one of the others stopped.

import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { untilCluster } from "../../src/server/testing/cluster-status.ts";
import { GrowingCluster } from "../../src/server/testing/growing-cluster.ts";
import { S3TestClient } from "../../src/testing/s3-client.ts";
import type { ServerProcess } from "../../src/testing/server-process.ts";
import { isChosen } from "../chosen.ts";
import { folderBytes } from "./folder-bytes.ts";

export interface HealingOptions {
  readonly rounds: number;
  readonly only: readonly string[];
  readonly log: (line: string) => void;
}

export interface HealingRow {
  readonly workload: string;
  /** One for each round. */
  readonly rounds: readonly Healed[];
}

export interface Healed {
  readonly seconds: number;
  /** What the node that had lost everything holds then: copies of rows and volumes, and its log. */
  readonly bytes: number;
}

interface Workload {
  readonly name: string;
  readonly objects: number;
  readonly bytes: number;
}

const WORKLOADS: readonly Workload[] = [
  { name: "100,000 objects of 4 KiB", objects: 100_000, bytes: 4096 },
  { name: "1,000 objects of 1 MiB", objects: 1000, bytes: 1 << 20 },
];
const CLIENTS = 32;
const TRIES_MAX = 100;
const HEAL_MILLIS_MAX = 600_000;
/** Healing is held back for the sake of those who read and write; here nobody does. */
const UNLIMITED = ["--heal-bytes-per-second", "64GiB"];

export async function benchHealing({ rounds, only, log }: HealingOptions): Promise<HealingRow[]> {
  const rows: HealingRow[] = [];
  for (const workload of WORKLOADS.filter(({ name }) => isChosen(name, only))) {
    const healed: Healed[] = [];
    for (let round = 0; round < rounds; round++) {
      const one = await heal(workload);
      log(`round ${round + 1}, ${workload.name}: ${one.seconds.toFixed(1)} s`);
      healed.push(one);
    }
    rows.push({ workload: workload.name, rounds: healed });
  }
  return rows;
}

async function heal(workload: Workload): Promise<Healed> {
  await using cluster = await GrowingCluster.of(true, ["b", "c"], UNLIMITED);
  await untilWhole(cluster);
  await send(cluster.first, { method: "PUT", target: "/bucket" });
  const body = new Uint8Array(workload.bytes).fill(7);
  await each(cluster.first, workload, (target) => ({ method: "PUT", target, body }));
  await cluster.stop("c");
  // Only then can a summary that all is well be one of afterwards.
  await untilCluster(cluster.first, ({ canLose }) => canLose < 1);
  await rm(cluster.dataDirOf("c"), { recursive: true });
  const since = performance.now();
  await cluster.run("c", cluster.joinToken);
  await untilWhole(cluster);
  const seconds = (performance.now() - since) / 1000;
  const bytes = await folderBytes(cluster.dataDirOf("c"));
  await cluster.stop("a");
  await each(cluster.node("c"), workload, (target) => ({ method: "GET", target }));
  return { seconds, bytes };
}

/** As many nodes as may be lost, and no volume that has too few copies. */
async function untilWhole({ first }: GrowingCluster): Promise<void> {
  await untilCluster(first, ({ summary }) => summary === "Can lose 1 more node.", HEAL_MILLIS_MAX);
}

type Call = Parameters<S3TestClient["call"]>[0];

async function each(server: ServerProcess, { objects }: Workload, callOf: (target: string) => Call): Promise<void> {
  const client = new S3TestClient(server.s3, server, CLIENTS);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < objects) await succeed(client, callOf(`/bucket/${next++}`));
  };
  await Promise.all(Array.from({ length: CLIENTS }, work));
  client.close();
}

async function send(server: ServerProcess, call: Call): Promise<void> {
  const client = new S3TestClient(server.s3, server);
  await succeed(client, call);
  client.close();
}

/** While a leader is found, it is asked again. */
async function succeed(client: S3TestClient, call: Call): Promise<void> {
  for (let tries = 1; ; tries++) {
    const { status } = await client.call(call);
    if (status === 200) return;
    if (status !== 503 || tries === TRIES_MAX) throw new Error(`${call.method} ${call.target}: ${status}`);
    await sleep(200);
  }
}
