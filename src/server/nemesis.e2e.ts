// Five real servers, and a test that kills, stops and separates one or two of them at a time while clients do through all of them
// what S3 offers. Nothing that was acknowledged is lost or altered, nothing that was deleted comes back, and when the faults
// are over the cluster is whole again by itself.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Prng } from "../std/prng.ts";
import { simulationSeeds } from "../testing/seeds.ts";
import { REPLICATED_BYTES_MAX } from "./testing/bodies.ts";
import { createBucket } from "./testing/calls.ts";
import { apiCall, untilCanLose } from "./testing/cluster-status.ts";
import { disturb } from "./testing/nemesis.ts";
import { ServerNodes } from "./testing/nodes.ts";
import { OwnedKeys } from "./testing/owned-keys.ts";
import { Races } from "./testing/races.ts";
import { Registers } from "./testing/registers.ts";
import { RoamingClient } from "./testing/roaming-client.ts";

const SECONDS = Number(process.env["ASHLAR_NEMESIS_SECONDS"] ?? 90);
const WORKERS = { registers: 6, owned: 6, races: 1 };
const OPERATIONS_MIN = 100;
/** Small, so that ranges are cut while faults come. */
const RANGES = ["--range-bytes-max", "256KiB"];
const WHOLE_MILLIS_MAX = 30_000;

describe("a cluster of five servers", () => {
  test(`loses nothing over ${SECONDS} s of kills, stops and cuts, and is whole again by itself`, {
    timeout: 3_600_000,
  }, async (t) => {
    const seed = simulationSeeds(1)[0]!;
    t.diagnostic(`ASHLAR_SIM_SEED=${seed}`);
    const prng = new Prng(seed);
    await using nodes = await ServerNodes.start({ ids: [1, 2, 3, 4, 5], args: RANGES });
    const work = new Work(nodes, prng.fork());
    await work.begin();
    const faults = await disturb(nodes, prng, Date.now() + SECONDS * 1000);
    const since = performance.now();
    await untilWhole(nodes);
    const wholeMillis = performance.now() - since;
    await work.end();
    t.diagnostic(`${work.counts()}; ${JSON.stringify(faults)}; ${nodes.terms.size} leaders`);
    t.diagnostic(`can lose 2 more nodes ${(wholeMillis / 1000).toFixed(1)} s after the last fault`);
    await work.verify();
    assert.ok(wholeMillis < WHOLE_MILLIS_MAX, "it is whole again soon");
    assert.ok(work.acknowledged >= OPERATIONS_MIN, "the cluster did its work");
    assert.ok(SECONDS < 60 || nodes.terms.size > 1, "the leader changed");
  });
});

/** Where that does not come about, the rows of volumes and the end of each log tell why. */
async function untilWhole(nodes: ServerNodes): Promise<void> {
  try {
    await untilCanLose(nodes.running.get(1)!, 2);
  } catch (error) {
    for (const [id, server] of nodes.running) {
      const { items } = (await apiCall(server, "GET", "/v1/volumes")) as {
        items: { state: string; members: string[] }[];
      };
      const few = items.filter(({ state, members }) => state !== "removed" && members.length < 3);
      console.log(`node ${id}: ${JSON.stringify(few)}\n${server.log().split("\n").slice(-40).join("\n")}`);
    }
    throw error;
  }
}

class Work {
  readonly #nodes: ServerNodes;
  readonly #prng: Prng;
  readonly #registers = new Registers("registers", REPLICATED_BYTES_MAX);
  readonly #owned = new OwnedKeys("owned", REPLICATED_BYTES_MAX);
  readonly #races = new Races("races", REPLICATED_BYTES_MAX);
  #working: Promise<unknown> = Promise.resolve();
  #isOver = false;

  constructor(nodes: ServerNodes, prng: Prng) {
    this.#nodes = nodes;
    this.#prng = prng;
  }

  get acknowledged(): number {
    return this.#registers.acknowledged + this.#owned.acknowledged;
  }

  async begin(): Promise<void> {
    using client = this.#client();
    for (const bucket of ["registers", "owned", "races"]) {
      await createBucket(client, bucket);
    }
    const isOver = (): boolean => this.#isOver;
    const start = (count: number, work: (client: RoamingClient, prng: Prng, at: number) => Promise<void>) =>
      Array.from({ length: count }, async (_, at) => {
        using own = this.#client();
        await work(own, this.#prng.fork(), at);
      });
    this.#working = Promise.all([
      ...start(WORKERS.registers, (own, prng) => this.#registers.work(own, prng, isOver)),
      ...start(WORKERS.owned, (own, prng, at) => this.#owned.work(own, prng, `owner-${at}`, isOver)),
      ...start(WORKERS.races, (own, prng) => this.#races.work(own, prng, isOver)),
    ]);
    // Whoever finds a fault is heard at the end.
    this.#working.catch(() => {});
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#working;
  }

  counts(): string {
    const { unknown, refused } = this.#registers;
    const outcomes = `${this.acknowledged} operations acknowledged, ${refused} conditions refused`;
    const doubts = `${unknown + this.#owned.unknown} outcomes unknown`;
    return `${outcomes}, ${doubts}, ${this.#owned.objects} objects at the end, ${this.#races.decided} races decided`;
  }

  async verify(): Promise<void> {
    using client = this.#client();
    const servers = [...this.#nodes.running.values()];
    await this.#owned.verify(client, servers);
    await this.#races.verify(client);
    await this.#registers.readThrough(client, servers);
    this.#registers.verify();
  }

  #client(): RoamingClient {
    return new RoamingClient(this.#nodes.running, this.#prng.fork());
  }
}
