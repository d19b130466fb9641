// Whole servers whose Store is in an etcd or a PostgreSQL: what a client sees is the same, what is not there says so, and
// nothing acknowledged is lost when the engine, the server or both are killed.

import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Prng } from "../std/prng.ts";
import { EtcdProcess } from "../testing/engines/etcd-process.ts";
import { PostgresProcess } from "../testing/engines/postgres-process.ts";
import { whyWithout } from "../testing/engines/programs.ts";
import { NoAnswer, S3TestClient } from "../testing/s3-client.ts";
import { simulationSeeds } from "../testing/seeds.ts";
import { type ServerProcess, startServerProcess, temporaryFolder } from "../testing/server-process.ts";
import { expectStatus, hashOf } from "./testing/calls.ts";
import { ApiRefusal, apiCall } from "./testing/cluster-status.ts";
import { PlainKeys } from "./testing/plain-keys.ts";

interface Engine extends AsyncDisposable {
  /** For `--store`: where nothing is so far. */
  newPlace(): string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Over the same data. */
  run(): Promise<void>;
}

const ENGINES: readonly { readonly name: "etcd" | "postgres"; readonly start: () => Promise<Engine> }[] = [
  { name: "etcd", start: () => EtcdProcess.start() },
  { name: "postgres", start: () => PostgresProcess.start() },
];

const CLIENTS = 8;
const KILLS = 3;

function bodyOf(prng: Prng): Uint8Array {
  return prng.bytes(prng.pick([0, 100, 4096, 4097, 70_000]));
}

async function refusal(start: Promise<ServerProcess>): Promise<string> {
  return start.then(
    async (server) => {
      await server.kill();
      return "started";
    },
    (error: Error) => error.message,
  );
}

for (const { name, start } of ENGINES) {
  describe(`a server whose Store is in ${name}`, { timeout: 300_000, ...whyWithout(name) }, () => {
    let engine: Engine;
    before(async () => {
      engine = await start();
    });
    after(() => engine[Symbol.asyncDispose]());

    test("serves S3, and says what the engine keeps in its place", async () => {
      await using server = await startServerProcess({ args: ["--store", engine.newPlace()] });
      const client = new S3TestClient(server.s3, server);
      await expectStatus(client, 200, { method: "PUT", target: "/bucket" });
      const prng = new Prng(1);
      for (const length of [0, 100, 4096, 100_000, 9_000_000]) {
        const body = prng.bytes(length);
        await expectStatus(client, 200, { method: "PUT", target: `/bucket/${length}`, body });
        const answer = await expectStatus(client, 200, { method: "GET", target: `/bucket/${length}` });
        assert.equal(hashOf(answer.body), hashOf(body));
      }
      const once = { method: "PUT", target: "/bucket/100", headers: { "if-none-match": "*" } };
      await expectStatus(client, 412, once);
      const listed = await expectStatus(client, 200, { method: "GET", target: "/bucket?list-type=2" });
      assert.equal(new TextDecoder().decode(listed.body).match(/<Key>/g)?.length, 5);
      await expectStatus(client, 204, { method: "DELETE", target: "/bucket/100" });
      await expectStatus(client, 404, { method: "GET", target: "/bucket/100" });
      client.close();

      const status = (await apiCall(server, "GET", "/v1/status")) as { readonly health: string };
      assert.equal(status.health, "healthy");
      const counters = (await apiCall(server, "GET", "/v1/counters")) as Record<string, Record<string, number>>;
      assert.ok(counters["store"]!["commits"]! > 5);
      assert.deepEqual(counters["log"], {});
      await apiCall(server, "GET", "/v1/events");
      const kept = (error: unknown): boolean =>
        error instanceof ApiRefusal && error.status === 409 && /ENGINE_KEEPS_STORE/.test(error.message);
      await assert.rejects(apiCall(server, "POST", "/v1/store/checkpoint"), kept);
      await assert.rejects(apiCall(server, "POST", "/v1/backup"), kept);
      assert.equal(await server.stop(), 0, server.log());
    });

    test("is alone on its Store, and tied to its data directory", async () => {
      await using folder = await temporaryFolder("engines");
      const [dataDir, copy] = [join(folder.path, "data"), join(folder.path, "copy")];
      const args = ["--store", engine.newPlace()];
      await using first = await startServerProcess({ dataDir, args });
      assert.match(await refusal(startServerProcess({ args })), /belongs to another data directory/);
      await cp(dataDir, copy, { recursive: true });
      assert.match(await refusal(startServerProcess({ dataDir: copy, args })), /Another server works on this Store/);
      await first.kill();
      assert.match(await refusal(startServerProcess({ dataDir })), /--store names none/);
      const other = ["--store", engine.newPlace()];
      assert.match(await refusal(startServerProcess({ dataDir, args: other })), /holds none of the rows/);
      // The one that was killed is missed before long.
      await using second = await startServerProcess({ dataDir, args });
      assert.equal((await fetch(`${second.api}/readyz`)).status, 200);
    });

    test(`has every acknowledged object after ${KILLS} SIGKILLs of the engine under ${CLIENTS} clients`, async (t) => {
      const seed = simulationSeeds(1)[0]!;
      t.diagnostic(`ASHLAR_SIM_SEED=${seed}`);
      const prng = new Prng(seed);
      await using server = await startServerProcess({ args: ["--store", engine.newPlace()] });
      const client = new S3TestClient(server.s3, server);
      await expectStatus(client, 200, { method: "PUT", target: "/plain" });
      const keys = new PlainKeys();
      const work = async (id: number, own: Prng, stop: AbortSignal): Promise<void> => {
        while (!stop.aborted) {
          const key = `client-${id}/key-${own.below(6)}`;
          const body = bodyOf(own);
          const put = async (): Promise<void> => {
            const { status } = await client.call({ method: "PUT", target: `/plain/${key}`, body });
            if (status !== 200) throw new NoAnswer(`${status}`);
          };
          await keys.change(key, hashOf(body), put).catch((error: unknown) => {
            if (!(error instanceof NoAnswer)) throw error;
          });
        }
      };
      for (let kill = 0; kill < KILLS; kill++) {
        const stop = new AbortController();
        const enough = keys.acknowledged + 5 * CLIENTS;
        const working = Promise.all(Array.from({ length: CLIENTS }, (_, id) => work(id, prng.fork(), stop.signal)));
        while (keys.acknowledged < enough) await sleep(10);
        await sleep(prng.below(200));
        await engine.kill();
        await engine.run();
        const again = keys.acknowledged + CLIENTS;
        while (keys.acknowledged < again) await sleep(10);
        stop.abort();
        await working;
        await keys.verify(client);
      }
      t.diagnostic(`${keys.acknowledged} acknowledged writes`);
      client.close();
      assert.equal(server.process.exitCode, null, `it runs on: ${server.log()}`);
    });
  });
}
