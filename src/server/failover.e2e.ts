// How long five real servers, with their default settings, serve nobody when the one that leads is killed: the longest time without a
// success of any client of the four others.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { NoAnswer, S3TestClient } from "../testing/s3-client.ts";
import type { ServerProcess } from "../testing/server-process.ts";
import { expectStatus } from "./testing/calls.ts";
import { clusterAnswer, untilCanLose } from "./testing/cluster-status.ts";
import { ServerNodes } from "./testing/nodes.ts";

const KILLS = 5;
/** Of each server that survives. */
const CLIENTS = 2;
const STEADY_SUCCESSES = 100;
/** The figure is what counts; the bound only says that something is broken, however busy the machine is. */
const GAP_MILLIS_MAX = 10_000;

describe("a cluster of five servers whose leader is killed", () => {
  test("goes on within a few seconds", { timeout: 300_000 }, async (t) => {
    await using nodes = await ServerNodes.start({ ids: [1, 2, 3, 4, 5] });
    const client = new S3TestClient(nodes.running.get(1)!.s3, nodes.running.get(1)!);
    await expectStatus(client, 200, { method: "PUT", target: "/bucket" });
    client.close();
    const gaps: number[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const { leader } = await clusterAnswer(nodes.running.values().next().value!);
      assert.ok(leader !== undefined);
      gaps.push(await gapOf(nodes, leader));
      await nodes.run(leader);
      await untilCanLose(nodes.running.get(leader)!, nodes.minority);
    }
    const inSeconds = gaps.map((gap) => (gap / 1000).toFixed(2));
    t.diagnostic(`without service after the kill of the leader, in seconds: ${inSeconds.join(", ")}`);
    assert.ok(Math.max(...gaps) < GAP_MILLIS_MAX);
  });
});

/** The longest time between two successes, from before the kill to when all is steady again. */
async function gapOf(nodes: ServerNodes, leader: number): Promise<number> {
  const survivors = [...nodes.running].filter(([id]) => id !== leader).map(([, server]) => server);
  const successes = new Successes();
  const over = new AbortController();
  const clients = survivors.flatMap((server) => Array.from({ length: CLIENTS }, () => server));
  const working = Promise.all(
    clients.map((server, at) => writeThrough(server, `client-${at}`, successes, over.signal)),
  );
  await successes.more(STEADY_SUCCESSES);
  await nodes.kill(leader);
  await successes.more(STEADY_SUCCESSES);
  over.abort();
  await working;
  return successes.longestGapMillis;
}

class Successes {
  longestGapMillis = 0;
  #count = 0;
  #last: number | undefined;

  add(): void {
    const now = performance.now();
    this.longestGapMillis = Math.max(this.longestGapMillis, now - (this.#last ?? now));
    this.#last = now;
    this.#count++;
  }

  /** Until so many came since. */
  async more(count: number): Promise<void> {
    for (const enough = this.#count + count; this.#count < enough; ) await sleep(10);
  }
}

async function writeThrough(
  server: ServerProcess,
  key: string,
  successes: Successes,
  over: AbortSignal,
): Promise<void> {
  const client = new S3TestClient(server.s3, server);
  for (let at = 0; !over.aborted; at++) {
    try {
      const { status } = await client.call({
        method: "PUT",
        target: `/bucket/${key}`,
        body: new Uint8Array(100).fill(at),
      });
      if (status === 200) successes.add();
      else await sleep(20);
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      await sleep(20);
    }
  }
  client.close();
}
