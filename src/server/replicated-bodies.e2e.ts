// Three real servers: bodies of any size are taken and read through all of them, and any one of them may be killed at any
// moment without a byte of what was acknowledged being lost.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { utf8 } from "../std/bytes.ts";
import { Prng } from "../std/prng.ts";
import { deterministicBytes } from "../testing/deterministic-bytes.ts";
import { NoAnswer, S3TestClient } from "../testing/s3-client.ts";
import { simulationSeeds } from "../testing/seeds.ts";
import { startServerProcess } from "../testing/server-process.ts";
import { expectStatus, hashOf, headerOf } from "./testing/calls.ts";
import { NODE_IDS, ServerNodes } from "./testing/nodes.ts";

const MIB = 1024 * 1024;
const LENGTHS = [0, 1, 4096, 4097, 100_000, MIB, MIB + 1, 9 * MIB, 40 * MIB];
const PART_BYTES = 5 * MIB;
const KILLS = 4;
const WRITERS = 4;
const ANSWER_MILLIS_MAX = 30_000;

describe("bodies on three servers", () => {
  test("of any size are taken by one and read through all, whole and in part", { timeout: 300_000 }, async () => {
    await using nodes = await ServerNodes.start();
    using clients = clientsOf(nodes);
    await expectStatus(clients.of(1), 200, { method: "PUT", target: "/bucket" });
    for (const [at, length] of LENGTHS.entries()) {
      const body = deterministicBytes(at + 1, length);
      await expectStatus(clients.of(1 + (at % 3)), 200, { method: "PUT", target: `/bucket/${length}`, body });
      for (const id of NODE_IDS) {
        const whole = await expectStatus(clients.of(id), 200, { method: "GET", target: `/bucket/${length}` });
        assert.equal(hashOf(whole.body), hashOf(body), `${length} bytes through node ${id}`);
        if (length < 100) continue;
        const [from, to] = [Math.floor(length / 3), Math.floor(length / 2)];
        const headers = { range: `bytes=${from}-${to}` };
        const part = await expectStatus(clients.of(id), 206, { method: "GET", target: `/bucket/${length}`, headers });
        assert.equal(hashOf(part.body), hashOf(body.subarray(from, to + 1)));
      }
    }
    await copyThrough(clients);
    await uploadThrough(clients);
  });

  test("of a node that was alone are read through those that join it", { timeout: 300_000 }, async () => {
    const body = deterministicBytes(1, 3 * MIB);
    const prepare = async (dataDir: string): Promise<void> => {
      await using alone = await startServerProcess({ dataDir });
      const client = new S3TestClient(alone.s3, alone);
      await expectStatus(client, 200, { method: "PUT", target: "/bucket" });
      await expectStatus(client, 200, { method: "PUT", target: "/bucket/old", body });
      client.close();
    };
    await using nodes = await ServerNodes.start({ prepare });
    using clients = clientsOf(nodes);
    for (const id of NODE_IDS) {
      const answer = await expectStatus(clients.of(id), 200, { method: "GET", target: "/bucket/old" });
      assert.equal(hashOf(answer.body), hashOf(body), `through node ${id}`);
      await expectStatus(clients.of(id), 200, { method: "PUT", target: `/bucket/new-${id}`, body });
    }
  });

  test(`are all there after each of ${KILLS} SIGKILLs`, { timeout: 600_000 }, async (t) => {
    const seed = simulationSeeds(1)[0]!;
    t.diagnostic(`ASHLAR_SIM_SEED=${seed}`);
    const prng = new Prng(seed);
    await using nodes = await ServerNodes.start();
    using clients = clientsOf(nodes);
    await expectStatus(clients.of(1), 200, { method: "PUT", target: "/bucket" });
    const acknowledged = new Map<string, string>();
    const unknown = new Set<string>();
    let refused = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      const stop = new AbortController();
      const work = async (writer: number, own: Prng): Promise<void> => {
        for (let at = 0; !stop.signal.aborted; at++) {
          const key = `${kill}-${writer}-${at}`;
          const body = deterministicBytes(own.u32(), own.pick([5000, 60_000, MIB + 7, 9 * MIB]));
          try {
            const through = clients.of(own.pick([...nodes.running.keys()]));
            const answer = await through.call({ method: "PUT", target: `/bucket/${key}`, body });
            if (answer.status === 200) acknowledged.set(key, hashOf(body));
            else if (answer.status >= 500) refused++;
            else assert.equal(answer.status, 200, new TextDecoder().decode(answer.body));
          } catch (error) {
            if (!(error instanceof NoAnswer)) throw error;
            unknown.add(key);
            await sleep(50);
          }
        }
      };
      const working = Promise.all(Array.from({ length: WRITERS }, (_, writer) => work(writer, prng.fork())));
      await sleep(1000 + prng.below(2000));
      const victim = prng.pick(NODE_IDS);
      await nodes.kill(victim);
      await sleep(2000 + prng.below(3000));
      stop.abort();
      await working;
      // While it is away, through the others; then through all.
      await verify(clients, [...nodes.running.keys()], acknowledged);
      await nodes.run(victim);
    }
    await verify(clients, NODE_IDS, acknowledged);
    t.diagnostic(`${acknowledged.size} objects acknowledged, ${unknown.size} without an answer, ${refused} refused`);
    assert.ok(acknowledged.size >= 20, "the cluster did its work");
  });
});

interface Clients extends Disposable {
  of(id: number): S3TestClient;
}

/** A client for each server; a server that was started again has another address. */
function clientsOf(nodes: ServerNodes): Clients {
  const made = new Map<string, S3TestClient>();
  return {
    of(id) {
      const server = nodes.running.get(id)!;
      let client = made.get(server.s3);
      if (client === undefined) made.set(server.s3, (client = new S3TestClient(server.s3, server)));
      return client;
    },
    [Symbol.dispose]() {
      for (const client of made.values()) client.close();
    },
  };
}

async function verify(
  clients: Clients,
  ids: readonly number[],
  acknowledged: ReadonlyMap<string, string>,
): Promise<void> {
  for (const [key, hash] of acknowledged) {
    for (const id of ids) {
      const { status, body } = await answered(() => clients.of(id).call({ method: "GET", target: `/bucket/${key}` }));
      assert.equal(status, 200, `${key} through node ${id}: ${new TextDecoder().decode(body.subarray(0, 400))}`);
      assert.equal(hashOf(body), hash, `${key} through node ${id}`);
    }
  }
}

/** A server that has just lost its leader says so for a while. */
async function answered<T extends { readonly status: number }>(call: () => Promise<T>): Promise<T> {
  const endMillis = Date.now() + ANSWER_MILLIS_MAX;
  for (;;) {
    const answer = await call();
    if (answer.status !== 503 || Date.now() > endMillis) return answer;
    await sleep(200);
  }
}

async function copyThrough(clients: Clients): Promise<void> {
  const headers = { "x-amz-copy-source": `/bucket/${9 * MIB}` };
  await expectStatus(clients.of(3), 200, { method: "PUT", target: "/bucket/copy", headers });
  await expectStatus(clients.of(2), 204, { method: "DELETE", target: `/bucket/${9 * MIB}` });
  const { body } = await expectStatus(clients.of(1), 200, { method: "GET", target: "/bucket/copy" });
  assert.equal(hashOf(body), hashOf(deterministicBytes(LENGTHS.indexOf(9 * MIB) + 1, 9 * MIB)));
}

/** Each part through another server. */
async function uploadThrough(clients: Clients): Promise<void> {
  const created = await expectStatus(clients.of(1), 200, { method: "POST", target: "/bucket/parts?uploads=" });
  const upload = /<UploadId>([^<]+)/.exec(new TextDecoder().decode(created.body))![1]!;
  const parts: Uint8Array[] = [];
  let listed = "";
  for (const [at, id] of NODE_IDS.entries()) {
    const body = deterministicBytes(100 + at, PART_BYTES);
    const target = `/bucket/parts?partNumber=${at + 1}&uploadId=${upload}`;
    const answer = await expectStatus(clients.of(id), 200, { method: "PUT", target, body });
    parts.push(body);
    listed += `<Part><PartNumber>${at + 1}</PartNumber><ETag>${headerOf(answer, "etag")}</ETag></Part>`;
  }
  const body = utf8(`<CompleteMultipartUpload>${listed}</CompleteMultipartUpload>`);
  await expectStatus(clients.of(2), 200, { method: "POST", target: `/bucket/parts?uploadId=${upload}`, body });
  for (const id of NODE_IDS) {
    const answer = await expectStatus(clients.of(id), 200, { method: "GET", target: "/bucket/parts" });
    assert.equal(hashOf(answer.body), hashOf(...parts), `the upload through node ${id}`);
  }
}
