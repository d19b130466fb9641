// Three real servers, of which one loses its whole data directory and another's volumes rot: the same command brings the first
// one back, and without any other act all is whole again and says so.

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { text } from "../std/bytes.ts";
import { Prng } from "../std/prng.ts";
import { NoAnswer, type S3Answer, S3TestClient } from "../testing/s3-client.ts";
import { simulationSeeds } from "../testing/seeds.ts";
import type { ServerProcess } from "../testing/server-process.ts";
import { flipBits } from "./testing/bit-rot.ts";
import { bodyOf, REPLICATED_BYTES_MAX, writeOf } from "./testing/bodies.ts";
import { createBucket } from "./testing/calls.ts";
import { apiCall, type ClusterAnswer, untilCluster } from "./testing/cluster-status.ts";
import { GrowingCluster } from "./testing/growing-cluster.ts";

const OBJECTS = 60;
const READ_ATTEMPTS_MAX = 20;
/** Long after it should be, on a machine that does much else. */
const WHOLE_WITHIN_MILLIS = 120_000;
const WHOLE = "Can lose 1 more node.";

describe("three servers", { timeout: 300_000 }, () => {
  test("take one whose data directory is gone in again as it is started, and hold everything as before", async (t) => {
    await using cluster = await GrowingCluster.of(true, ["b", "c"]);
    await untilWhole(cluster.first);
    await writeObjects(cluster);
    // The second one is the node that the cluster began with.
    for (const name of ["c", "a"]) {
      await cluster.stop(name);
      await rm(cluster.dataDirOf(name), { recursive: true });
      const since = performance.now();
      await cluster.run(name, cluster.joinToken);
      await untilWhole(cluster.first);
      t.diagnostic(`whole ${((performance.now() - since) / 1000).toFixed(1)} s after a start with an empty directory`);
      for (const server of cluster.running.values()) await readObjects(server);
    }
    // The two that lost everything have everything.
    await cluster.stop("b");
    for (const server of cluster.running.values()) await readObjects(server);
  });

  test("mend volumes whose bits were flipped, while another one lost everything", async (t) => {
    const seed = simulationSeeds(1)[0]!;
    t.diagnostic(`ASHLAR_SIM_SEED=${seed}`);
    await using cluster = await GrowingCluster.of(true, ["b", "c"]);
    await untilWhole(cluster.first);
    await writeObjects(cluster);
    // Where a server was slow, a volume has two copies for a moment: those are the two that are about to be lost.
    await untilWhole(cluster.first);
    await cluster.stop("c");
    await rm(cluster.dataDirOf("c"), { recursive: true });
    const flipped = await flipBits(join(cluster.dataDirOf("b"), "volumes"), new Prng(seed));
    t.diagnostic(`${flipped} bits flipped`);
    assert.ok(flipped > 0);
    await readObjects(cluster.node("b"));
    const since = performance.now();
    await cluster.run("c", cluster.joinToken);
    await untilWhole(cluster.first);
    t.diagnostic(`whole ${((performance.now() - since) / 1000).toFixed(1)} s after a start with an empty directory`);
    await untilMended(cluster.node("b"));
    assert.match(cluster.node("b").log(), /blob\.copy-mended/);
    await cluster.stop("a");
    for (const server of cluster.running.values()) await readObjects(server);
  });
});

async function untilWhole(server: ServerProcess): Promise<void> {
  const isWhole = ({ summary, nodes }: ClusterAnswer): boolean =>
    summary === WHOLE && nodes.filter(({ role }) => role === "voter" || role === "leader").length === 3;
  await untilCluster(server, isWhole, WHOLE_WITHIN_MILLIS);
}

/** Of what reads have found damaged in its copies nothing is left. */
async function untilMended(server: ServerProcess): Promise<void> {
  let damaged: unknown;
  for (const end = performance.now() + WHOLE_WITHIN_MILLIS; performance.now() < end; await sleep(200)) {
    const { items } = (await apiCall(server, "GET", "/v1/volumes")) as { items: { damagedCount: number }[] };
    damaged = items.filter(({ damagedCount }) => damagedCount > 0);
    if (items.every(({ damagedCount }) => damagedCount === 0)) return;
  }
  assert.fail(`it is never mended: ${JSON.stringify(damaged)}`);
}

/** Through all of them in turn. */
async function writeObjects(cluster: GrowingCluster): Promise<void> {
  const clients = [...cluster.running.values()].map((server) => new S3TestClient(server.s3, server));
  await createBucket(clients[0]!, "bucket");
  for (let at = 0; at < OBJECTS; at++) {
    const body = bodyOf(at, REPLICATED_BYTES_MAX);
    const put = { method: "PUT", target: `/bucket/${at}`, body };
    let answer = await clients[at % clients.length]!.call(put);
    for (let attempt = 0; answer.status === 503 && attempt < 20; attempt++) {
      await sleep(500);
      answer = await clients[at % clients.length]!.call(put);
    }
    assert.equal(answer.status, 200, `object ${at}: ${text(answer.body.subarray(0, 500))}`);
  }
  for (const client of clients) client.close();
}

async function readObjects(server: ServerProcess): Promise<void> {
  const client = new S3TestClient(server.s3, server);
  for (let at = 0; at < OBJECTS; at++) {
    const answer = await readObject(client, server, at);
    if (answer.status !== 200) {
      const { items } = (await apiCall(server, "GET", "/v1/volumes")) as { items: unknown };
      const told = [`object ${at}: ${text(answer.body.subarray(0, 500))}`, JSON.stringify(items), lastLines(server)];
      assert.fail(told.join("\n"));
    }
    assert.equal(writeOf(answer.body, REPLICATED_BYTES_MAX), at);
  }
  client.close();
}

/** While a leader is found, it is asked again: such a read is refused. Where one breaks off, what the server says is told. */
async function readObject(client: S3TestClient, server: ServerProcess, at: number): Promise<S3Answer> {
  for (let attempt = 0; ; attempt++) {
    try {
      const answer = await client.call({ method: "GET", target: `/bucket/${at}` });
      if (answer.status !== 503 || attempt === READ_ATTEMPTS_MAX) return answer;
    } catch (error) {
      if (!(error instanceof NoAnswer) || attempt === READ_ATTEMPTS_MAX) throw error;
      console.log(error.message, lastLines(server));
    }
    await sleep(500);
  }
}

function lastLines(server: ServerProcess): string {
  return server.log().split("\n").slice(-30).join("\n");
}
