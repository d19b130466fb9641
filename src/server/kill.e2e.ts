import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { utf8 } from "../std/bytes.ts";
import { Prng } from "../std/prng.ts";
import { NoAnswer, S3TestClient } from "../testing/s3-client.ts";
import { simulationSeeds } from "../testing/seeds.ts";
import { startServerProcess, temporaryFolder } from "../testing/server-process.ts";
import { expectStatus } from "./testing/calls.ts";
import { OpenUploads } from "./testing/open-uploads.ts";
import { PlainKeys } from "./testing/plain-keys.ts";
import { VersionedKeys } from "./testing/versioned-keys.ts";

// Clients write, overwrite, delete and upload in parts; the server is killed with SIGKILL at random moments. After each restart
// every acknowledged object, version, open upload and part is there byte for byte, the listings show them and nothing else. A request
// that got no answer may have happened or not, but wholly.

const CLIENTS = 32;
const KEYS_A_CLIENT = 6;
const KILLS = Number(process.env["ASHLAR_KILLS"] ?? 15);

class Expectations {
  readonly plain = new PlainKeys();
  readonly versioned = new VersionedKeys();
  readonly uploads = new OpenUploads(this.plain);

  get acknowledged(): number {
    return this.plain.acknowledged + this.versioned.acknowledged + this.uploads.acknowledgedParts;
  }

  async verify(client: S3TestClient, round: number): Promise<void> {
    try {
      await this.plain.verify(client);
      await this.versioned.verify(client);
      await this.uploads.verify(client);
    } catch (cause) {
      throw new Error(`after kill ${round}`, { cause });
    }
  }
}

describe("a server that is killed", () => {
  test(`has every acknowledged write after each of ${KILLS} SIGKILLs under ${CLIENTS} clients`, {
    timeout: 900_000,
  }, async (t) => {
    const seed = simulationSeeds(1)[0]!;
    t.diagnostic(`ASHLAR_SIM_SEED=${seed}`);
    const prng = new Prng(seed);
    await using folder = await temporaryFolder("kill");
    const expected = new Expectations();
    for (let round = 0; round < KILLS; round++) {
      await using server = await startServerProcess({ dataDir: folder.path, args: ["--volume-bytes", "32MiB"] });
      const client = new S3TestClient(server.s3, server);
      if (round === 0) await createBuckets(client);
      else await expected.verify(client, round);
      const stop = new AbortController();
      const workers = Array.from({ length: CLIENTS }, (_, id) => work(client, id, prng.fork(), expected, stop.signal));
      const working = Promise.all(workers);
      await Promise.race([working, momentOfDeath(prng, expected, stop.signal)]);
      stop.abort();
      assert.equal(server.process.exitCode ?? server.process.signalCode, null, `it ended by itself: ${server.log()}`);
      await server.kill();
      await working;
      client.close();
    }
    await using server = await startServerProcess({ dataDir: folder.path });
    const client = new S3TestClient(server.s3, server);
    await expected.verify(client, KILLS);
    client.close();
    const { acknowledged, versioned, uploads } = expected;
    const counts = `${versioned.versions} versions at the end, ${uploads.foundParts} parts of open uploads found again`;
    t.diagnostic(`${KILLS} kills, ${acknowledged} acknowledged writes, ${counts}`);
    assert.ok(KILLS < 5 || uploads.foundParts > 0, "no upload was open at a kill");
  });
});

/** Some time after the first answers, however long those take on a machine that is busy. */
async function momentOfDeath(prng: Prng, expected: Expectations, stop: AbortSignal): Promise<void> {
  const enough = expected.acknowledged + CLIENTS;
  while (expected.acknowledged < enough && !stop.aborted) await sleep(10);
  await sleep(prng.below(1500));
}

async function createBuckets(client: S3TestClient): Promise<void> {
  for (const bucket of ["plain", "versioned"]) await expectStatus(client, 200, { method: "PUT", target: `/${bucket}` });
  const body = utf8("<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>");
  await expectStatus(client, 200, { method: "PUT", target: "/versioned?versioning", body });
}

/** Writes until the server goes away. */
async function work(
  client: S3TestClient,
  id: number,
  prng: Prng,
  { plain, versioned, uploads }: Expectations,
  stop: AbortSignal,
): Promise<void> {
  while (!stop.aborted) {
    const key = `client-${id}/key-${prng.below(KEYS_A_CLIENT)}`;
    try {
      const choice = prng.unit();
      if (choice < 0.55) await plain.put(client, key, bodyOf(prng));
      else if (choice < 0.68) await plain.remove(client, key);
      else if (choice < 0.76) await uploads.step(client, id, prng, key);
      else if (choice < 0.9) await versioned.put(client, key, bodyOf(prng));
      else await versioned.remove(client, key);
    } catch (error) {
      if (error instanceof NoAnswer) return;
      throw error;
    }
  }
}

/** Inline, needle and extent sizes. */
function bodyOf(prng: Prng): Uint8Array {
  const length = prng.pick([0, 100, 4096, 4097, 20_000, 70_000, 300_000]);
  const bytes = prng.bytes(Math.min(length, 512));
  const body = new Uint8Array(length);
  for (let at = 0; at < length; at += 512) body.set(bytes.subarray(0, Math.min(512, length - at)), at);
  return body;
}
