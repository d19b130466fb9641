// Three real servers, and a test that kills, stops and separates them while clients read, write and compare-and-set a
// few small objects through all of them: what the clients saw is linearizable, and in the end all servers have the same.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { checkLinearizability, HistoryReader, MODELS } from "../check/index.ts";
import { text, utf8 } from "../std/bytes.ts";
import { Prng } from "../std/prng.ts";
import { NoAnswer, type S3Answer, type S3Call, S3TestClient } from "../testing/s3-client.ts";
import { simulationSeeds } from "../testing/seeds.ts";
import { expectStatus } from "./testing/calls.ts";
import { NODE_IDS, ServerNodes } from "./testing/nodes.ts";

const SECONDS = Number(process.env["ASHLAR_NEMESIS_SECONDS"] ?? 60);
const CLIENTS = 6;
const KEYS = ["a", "b", "c", "d"];
const CALL_MILLIS_MAX = 12_000;
const INLINE_BYTES_MAX = 4096;
const OPERATIONS_MIN = 100;
/** No node that was not disturbed gives up on its leader sooner. */
const ELECTION_MILLIS = 3000;

describe("a cluster of three servers", () => {
  test(`is linearizable over ${SECONDS} s of kills, stops and cuts`, { timeout: 3_600_000 }, async (t) => {
    const seed = simulationSeeds(1)[0]!;
    t.diagnostic(`ASHLAR_SIM_SEED=${seed}`);
    const prng = new Prng(seed);
    await using nodes = await ServerNodes.start();
    const [first] = nodes.running.values();
    const client = new S3TestClient(first!.s3, first!);
    await expectStatus(client, 200, { method: "PUT", target: "/bucket" });
    client.close();
    const clients = new Clients(nodes, prng.fork());
    const working = Promise.all(Array.from({ length: CLIENTS }, () => clients.work()));
    const faults = await disturb(nodes, prng, Date.now() + SECONDS * 1000);
    clients.stop();
    await working;
    const { acknowledged, unknown, refused } = clients;
    const counts = `${acknowledged} operations acknowledged, ${refused} conditions refused, ${unknown} outcomes unknown`;
    t.diagnostic(`${counts}; ${JSON.stringify(faults)}; ${nodes.terms.size} leaders`);
    clients.verify();
    await allAgree(nodes);
    assert.ok(acknowledged >= OPERATIONS_MIN, "the cluster did its work");
    assert.ok(SECONDS < 30 || nodes.terms.size > 1, "the leader changed");
  });

  test("refuses what it can not keep on all of its nodes", async () => {
    await using nodes = await ServerNodes.start();
    const [first] = nodes.running.values();
    const client = new S3TestClient(first!.s3, first!);
    await expectStatus(client, 200, { method: "PUT", target: "/bucket" });
    const body = new Uint8Array(INLINE_BYTES_MAX);
    await expectStatus(client, 200, { method: "PUT", target: "/bucket/small", body });
    const large = await client.call({
      method: "PUT",
      target: "/bucket/large",
      body: new Uint8Array(INLINE_BYTES_MAX + 1),
    });
    assert.equal(large.status, 501);
    await expectStatus(client, 404, { method: "GET", target: "/bucket/large" });
    await expectStatus(client, 501, { method: "DELETE", target: "/bucket" });
    client.close();
  });
});

/** One fault after another until the time is up; then everything is well again. */
async function disturb(nodes: ServerNodes, prng: Prng, endMillis: number): Promise<Readonly<Record<string, number>>> {
  const faults = { kills: 0, stops: 0, cuts: 0, halfCuts: 0, delays: 0 };
  while (Date.now() < endMillis) {
    await sleep(500 + prng.below(2500));
    const id = prng.pick(NODE_IDS);
    const choice = prng.unit();
    if (choice < 0.3) {
      faults.kills++;
      await nodes.kill(id);
      await sleep(prng.below(4000));
      await nodes.run(id);
    } else if (choice < 0.55) {
      faults.stops++;
      nodes.signal(id, "SIGSTOP");
      await sleep(ELECTION_MILLIS + prng.below(2000));
      nodes.signal(id, "SIGCONT");
    } else if (choice < 0.85) {
      const isHalf = prng.chance(0.3);
      if (isHalf) faults.halfCuts++;
      else faults.cuts++;
      for (const link of nodes.linksOf(id, isHalf ? prng.pick(["from", "to"]) : "both")) link.cut();
      await sleep(ELECTION_MILLIS + prng.below(3000));
    } else {
      faults.delays++;
      for (const link of nodes.linksOf(id)) link.delayMillis = 20 + prng.below(300);
      await sleep(2000);
    }
    nodes.heal();
  }
  return faults;
}

async function allAgree(nodes: ServerNodes): Promise<void> {
  for (const key of KEYS) {
    const seen = new Set<string>();
    for (const server of nodes.running.values()) {
      const client = new S3TestClient(server.s3, server);
      const { status, body } = await client.call({ method: "GET", target: `/bucket/${key}` });
      seen.add(`${status} ${text(body)}`);
      client.close();
    }
    assert.equal(seen.size, 1, `all nodes have the same: ${[...seen].join(", ")}`);
  }
}

type Ended = readonly ["ok" | "fail" | "info", unknown];

class Clients {
  acknowledged = 0;
  refused = 0;
  unknown = 0;
  readonly #nodes: ServerNodes;
  readonly #prng: Prng;
  readonly #reader = new HistoryReader();
  #processes = 0;
  #values = 0;
  #isOver = false;

  constructor(nodes: ServerNodes, prng: Prng) {
    this.#nodes = nodes;
    this.#prng = prng;
  }

  stop(): void {
    this.#isOver = true;
  }

  verify(): void {
    const { verdict, ...rest } = checkLinearizability(this.#reader.finish(), MODELS["cas-register"]);
    assert.equal(verdict, "ok", JSON.stringify(rest, undefined, 1));
  }

  /** One process after another: whoever gets no answer is gone. */
  async work(): Promise<void> {
    while (!this.#isOver) {
      const process = ++this.#processes;
      const server = [...this.#nodes.running.values()].find((_, at, { length }) =>
        this.#prng.chance(1 / (length - at)),
      );
      if (server === undefined) {
        await sleep(50);
        continue;
      }
      const client = new S3TestClient(server.s3, server, 1);
      let goesOn = true;
      for (let left = 40; left > 0 && goesOn && !this.#isOver; left--) {
        goesOn = await this.#operate(client, process);
        await sleep(this.#prng.below(20));
      }
      client.close();
    }
  }

  async #operate(client: S3TestClient, process: number): Promise<boolean> {
    const key = this.#prng.pick(KEYS);
    const choice = this.#prng.unit();
    if (choice < 0.35) return (await this.#read(client, process, key)) !== undefined;
    const value = `${++this.#values}`;
    if (choice < 0.6) return this.#put(client, process, key, "write", value, value, {});
    const before = await this.#read(client, process, key);
    if (before === undefined) return false;
    const headers = before === null ? { "if-none-match": "*" } : { "if-match": `"${etagOf(before)}"` };
    return this.#put(client, process, key, "cas", [before, value], value, headers);
  }

  /** What it read, null for nothing; undefined where there was no answer. */
  async #read(client: S3TestClient, process: number, key: string): Promise<string | null | undefined> {
    let seen: string | null | undefined;
    await this.#recorded({ process, f: "read", key, value: null }, async () => {
      const answer = await call(client, { method: "GET", target: `/bucket/${key}` });
      if (answer.status !== 200 && answer.status !== 404) return ["info", null];
      seen = answer.status === 404 ? null : text(answer.body);
      return ["ok", seen];
    });
    return seen;
  }

  #put(
    client: S3TestClient,
    process: number,
    key: string,
    f: string,
    value: unknown,
    body: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<boolean> {
    return this.#recorded({ process, f, key, value }, async () => {
      const { status } = await call(client, { method: "PUT", target: `/bucket/${key}`, headers, body: utf8(body) });
      if (status === 200) return ["ok", value];
      if (status === 412 || status === 409) return ["fail", value];
      assert.ok(status >= 500, `PUT is answered with ${status}`);
      return ["info", value];
    });
  }

  async #recorded(operation: Readonly<Record<string, unknown>>, run: () => Promise<Ended>): Promise<boolean> {
    this.#add({ ...operation, type: "invoke" });
    let ended: Ended;
    try {
      ended = await run();
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      ended = ["info", operation["value"]];
    }
    const [type, value] = ended;
    if (type === "ok") this.acknowledged++;
    else if (type === "fail") this.refused++;
    else this.unknown++;
    this.#add({ ...operation, type, value });
    return type !== "info";
  }

  #add(event: object): void {
    this.#reader.add(JSON.stringify({ ...event, time: Math.round(performance.now() * 1e6) }));
  }
}

/** A server that is stopped does not answer. */
async function call(client: S3TestClient, request: S3Call): Promise<S3Answer> {
  const timeout = new AbortController();
  try {
    const late = sleep(CALL_MILLIS_MAX, undefined, { signal: timeout.signal }).then(() => {
      throw new NoAnswer("it took too long");
    });
    return await Promise.race([client.call(request), late]);
  } finally {
    timeout.abort();
  }
}

function etagOf(value: string): string {
  return createHash("md5").update(value).digest("hex");
}
