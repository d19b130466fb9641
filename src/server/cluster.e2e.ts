// Three real servers, and a test that kills, stops and separates them while clients read, write and compare-and-set a
// few small objects through all of them: what the clients saw is linearizable, and in the end all servers have the same.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Prng } from "../std/prng.ts";
import { S3TestClient } from "../testing/s3-client.ts";
import { simulationSeeds } from "../testing/seeds.ts";
import { createBucket, expectStatus } from "./testing/calls.ts";
import { disturb } from "./testing/nemesis.ts";
import { ServerNodes } from "./testing/nodes.ts";
import { Registers } from "./testing/registers.ts";
import { RoamingClient } from "./testing/roaming-client.ts";

const SECONDS = Number(process.env["ASHLAR_NEMESIS_SECONDS"] ?? 60);
const CLIENTS = 6;
const INLINE_BYTES_MAX = 4096;
const OPERATIONS_MIN = 100;

describe("a cluster of three servers", () => {
  test(`is linearizable over ${SECONDS} s of kills, stops and cuts`, { timeout: 3_600_000 }, async (t) => {
    const seed = simulationSeeds(1)[0]!;
    t.diagnostic(`ASHLAR_SIM_SEED=${seed}`);
    const prng = new Prng(seed);
    await using nodes = await ServerNodes.start();
    const [first] = nodes.running.values();
    const client = new S3TestClient(first!.s3, first!);
    await createBucket(client, "bucket");
    client.close();
    const registers = new Registers("bucket", INLINE_BYTES_MAX);
    let isOver = false;
    const clients = Array.from({ length: CLIENTS }, async () => {
      using own = new RoamingClient(nodes.running, prng.fork());
      await registers.work(own, prng.fork(), () => isOver);
    });
    const working = Promise.all(clients);
    const faults = await disturb(nodes, prng, Date.now() + SECONDS * 1000);
    isOver = true;
    await working;
    const { acknowledged, unknown, refused } = registers;
    const counts = `${acknowledged} operations acknowledged, ${refused} conditions refused, ${unknown} outcomes unknown`;
    t.diagnostic(`${counts}; ${JSON.stringify(faults)}; ${nodes.terms.size} leaders`);
    using reader = new RoamingClient(nodes.running, prng.fork());
    await registers.readThrough(reader, nodes.running.values());
    registers.verify();
    assert.ok(acknowledged >= OPERATIONS_MIN, "the cluster did its work");
    assert.ok(SECONDS < 60 || nodes.terms.size > 1, "the leader changed");
  });

  test("knows on each node what became of a bucket on another", async () => {
    await using nodes = await ServerNodes.start();
    const [first] = nodes.running.values();
    const client = new S3TestClient(first!.s3, first!);
    await createBucket(client, "bucket");
    const body = new Uint8Array(INLINE_BYTES_MAX);
    await expectStatus(client, 200, { method: "PUT", target: "/bucket/small", body });
    await expectStatus(client, 409, { method: "DELETE", target: "/bucket" });
    const other = new S3TestClient(nodes.running.get(2)!.s3, nodes.running.get(2)!);
    await expectStatus(other, 204, { method: "DELETE", target: "/bucket/small" });
    await expectStatus(other, 204, { method: "DELETE", target: "/bucket" });
    other.close();
    await expectStatus(client, 404, { method: "PUT", target: "/bucket/small", body });
    client.close();
  });
});
