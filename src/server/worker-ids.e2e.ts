// Sources of worker numbers in real engines: one suite for all of them, and whole servers that share one.

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { after, before, describe, test } from "node:test";
import { decodeId, LAYOUTS } from "../core/id/index.ts";
import { createNodeEnv } from "../env/node/index.ts";
import type { WorkerSource } from "../service/ids/index.ts";
import { NO_IDS_BUGS } from "../service/ids/seeded-bugs.ts";
import { workerSourceConformance } from "../service/ids/testing/worker-source-suite.ts";
import { WorkerIds } from "../service/ids/worker-ids.ts";
import { EtcdProcess } from "../testing/engines/etcd-process.ts";
import { MariadbProcess } from "../testing/engines/mariadb-process.ts";
import { PostgresProcess } from "../testing/engines/postgres-process.ts";
import { whyWithout } from "../testing/engines/programs.ts";
import { RedisProcess } from "../testing/engines/redis-process.ts";
import { ZookeeperProcess } from "../testing/engines/zookeeper-process.ts";
import { memoryFolder, startServerProcess } from "../testing/server-process.ts";
import { openLeasedIds } from "./ids-library.ts";
import type { ServerOptions } from "./options.ts";
import { resolveServerOptions } from "./start.ts";
import { withoutUrlPasswords } from "./store-url.ts";
import { apiCall } from "./testing/cluster-status.ts";
import { openWorkerIds } from "./worker-ids.ts";

interface Engine extends AsyncDisposable {
  /** For an option that names an engine: where nothing is so far. */
  newPlace(): string;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Over the same data. */
  run(): Promise<void>;
}

const ENGINES: readonly {
  readonly name: "etcd" | "postgres" | "redis" | "zookeeper" | "mariadb";
  readonly start: () => Promise<Engine>;
}[] = [
  { name: "etcd", start: () => EtcdProcess.start() },
  { name: "postgres", start: () => PostgresProcess.start() },
  { name: "redis", start: () => RedisProcess.start() },
  { name: "zookeeper", start: () => ZookeeperProcess.start() },
  { name: "mariadb", start: () => MariadbProcess.start() },
];

for (const { name, start } of ENGINES) {
  describe(`worker numbers in ${name}`, { timeout: 300_000, ...whyWithout(name) }, () => {
    let engine: Engine;
    const parts = new AsyncDisposableStack();
    let sources: readonly [WorkerSource, WorkerSource];

    before(async () => {
      engine = parts.use(await start());
      const folder = parts.use(await memoryFolder("worker-ids"));
      const env = parts.use(await createNodeEnv({ dataDirectory: folder.path }));
      const options = optionsOf(engine.newPlace());
      const open = async () => (await openWorkerIds({ env, options }, parts)).workers!;
      sources = [await open(), await open()];
    });
    after(() => parts.disposeAsync());

    workerSourceConformance(test, () => sources);

    test("a program without a server leases them beside a server, and makes no id that the server makes", async () => {
      const place = engine.newPlace();
      await using folder = await memoryFolder("node");
      const args = ["--worker-ids", place, "--space-reserve-bytes", "64MiB"];
      await using server = await startServerProcess({ args, dataDir: folder.path });
      const twitter = { source: place, generator: "twitter", layout: LAYOUTS.twitter };
      const path = "/v1/ids/generators/twitter/next?count=1000";
      const { ids: served } = (await apiCall(server, "POST", path)) as { readonly ids: readonly string[] };
      const ids = await openLeasedIds({ ...twitter, node: "program" });
      const own = [await ids.next(), ...(await ids.nextMany(1000))];
      const { worker } = ids.lease!;
      await ids[Symbol.asyncDispose]();
      await rejects(ids.next(), { code: "IDS_CLOSED" });
      equal(new Set([...served.map(BigInt), ...own]).size, 2001);
      // It was given back: the next one has it at once, and goes on behind.
      await using again = await openLeasedIds({ ...twitter, node: "program" });
      ok((await again.next()) > own.at(-1)!);
      equal(again.lease!.worker, worker);
      await rejects(openLeasedIds({ ...twitter, layout: LAYOUTS.discord }), { code: "GENERATOR_FIXED" });
    });

    test("two servers that know nothing else of each other make no id twice, over a crash of the engine", async () => {
      const place = engine.newPlace();
      const args = ["--worker-ids", place, "--space-reserve-bytes", "64MiB"];
      await using folders = new AsyncDisposableStack();
      const node = async () => {
        const { path } = folders.use(await memoryFolder("node"));
        return startServerProcess({ args, dataDir: path });
      };
      await using one = await node();
      await using other = await node();
      const take = async (server: typeof one) => {
        const path = "/v1/ids/generators/twitter/next?count=2000";
        const { ids } = (await apiCall(server, "POST", path)) as { readonly ids: readonly string[] };
        return ids;
      };
      const ids = [...(await take(one)), ...(await take(other))];
      await engine.kill();
      await engine.run();
      ids.push(...(await take(one)), ...(await take(other)));
      deepEqual([ids.length, new Set(ids).size], [8_000, 8_000]);
      equal(new Set(ids.map((id) => decodeId(BigInt(id), LAYOUTS.twitter).worker)).size, 2);
    });
  });
}

test("a Redis that may lose what it acknowledges is refused", whyWithout("redis"), async () => {
  await using redis = await RedisProcess.start({ fsync: "everysec" });
  await using folder = await memoryFolder("worker-ids");
  await using env = await createNodeEnv({ dataDirectory: folder.path });
  await using parts = new AsyncDisposableStack();
  await rejects(openWorkerIds({ env, options: optionsOf(redis.newPlace()) }, parts), { code: "UNSAFE" });
});

describe("worker numbers in MariaDB", { timeout: 120_000, ...whyWithout("mariadb") }, () => {
  let mariadb: MariadbProcess;
  const parts = new AsyncDisposableStack();
  let env: Awaited<ReturnType<typeof createNodeEnv>>;

  before(async () => {
    mariadb = parts.use(await MariadbProcess.start());
    const folder = parts.use(await memoryFolder("worker-ids"));
    env = parts.use(await createNodeEnv({ dataDirectory: folder.path }));
  });
  after(() => parts.disposeAsync());

  const record = { holder: "holder", node: "node", generation: 1, reservedUntilMillis: Date.UTC(2026, 10, 22, 12) };
  const open = async (place: string): Promise<WorkerSource> =>
    (await openWorkerIds({ env, options: optionsOf(place) }, parts)).workers!;

  test("stand in a table that says which node has which number, up to when, where it runs and since when", async () => {
    const before = Date.now();
    const source = await open(mariadb.newPlace());
    const revision = await source.write("twitter", 7, 0, record);
    const columns = "id, generator, worker, node, reserved_until, host_name, port, launch_date";
    const [row] = mariadb.query(`SELECT ${columns} FROM ${mariadb.place}.ashlar_worker_node`).split("\n");
    const [id, ...shown] = row!.split("\t");
    const launched = Date.parse(`${shown.pop()!.replace(" ", "T")}Z`);
    deepEqual(
      [Number(id), ...shown],
      [...[revision, "twitter", "7", "node", "2026-11-22 12:00:00.000", "127.0.0.1", "9100"]],
    );
    ok(launched > before - 2_000 && launched <= Date.now() + 1_000);
  });

  test("that were lost with their row are not mistaken for those of a new one", async () => {
    const source = await open(mariadb.newPlace());
    const first = await source.write("twitter", 7, 0, record);
    mariadb.query(`DELETE FROM ${mariadb.place}.ashlar_worker_node`);
    await mariadb.kill();
    await mariadb.run();
    equal(await source.write("twitter", 7, first!, record), undefined);
    const second = await source.write("twitter", 7, 0, { ...record, holder: "other" });
    ok(second! > first!);
    equal(await source.write("twitter", 7, first!, record), undefined);
  });

  test("are refused where an acknowledged change may be lost", async () => {
    const place = mariadb.newPlace();
    for (const [unsafe, safe] of [
      ["innodb_flush_log_at_trx_commit = 2", "innodb_flush_log_at_trx_commit = 1"],
      ["innodb_flush_log_at_trx_commit = 0", "innodb_flush_log_at_trx_commit = 1"],
    ]) {
      mariadb.query(`SET GLOBAL ${unsafe}`);
      await rejects(open(place), { code: "UNSAFE" });
      mariadb.query(`SET GLOBAL ${safe}`);
    }
    await open(place);
    mariadb.query(`ALTER TABLE ${mariadb.place}.ashlar_worker_node ENGINE=MyISAM`);
    await rejects(open(place), { code: "UNSAFE" });
  });

  test("that were written by a commit whose answer was lost are found, and none is guessed to be", async () => {
    await using link = await CommitCutter.to(mariadb.port);
    const place = mariadb.newPlace();
    const source = await open(place.replace(`:${mariadb.port}/`, `:${link.port}/`));
    const other = await open(place);
    link.cut = "answer";
    await rejects(source.write("twitter", 7, 0, record), { code: "OUTCOME_UNKNOWN" });
    ok((await other.read("twitter", 7)) !== undefined);
    link.cut = "commit";
    await rejects(source.write("twitter", 8, 0, record), { code: "OUTCOME_UNKNOWN" });
    equal(await other.read("twitter", 8), undefined);
    link.cut = "answer";
    const generator = { isRemoved: false, layout: LAYOUTS.twitter, workerFirst: 9, workers: 1, description: "" };
    const holder = { holder: "process", node: "node" };
    const numbers = new WorkerIds(source, "twitter", { ...generator, windowMillis: 1_000 }, holder, NO_IDS_BUGS);
    const lease = await numbers.claim({ nowMillis: record.reservedUntilMillis, notBeforeMillis: 0 });
    deepEqual([lease.worker, link.cut], [9, undefined]);
  });

  test("need no right to create tables where the table is there", async () => {
    const place = mariadb.newPlace();
    await open(place);
    const user = `'${mariadb.user}'@'127.0.0.1'`;
    const table = `${mariadb.place}.ashlar_worker_node`;
    mariadb.query(
      `REVOKE ALL ON ${mariadb.place}.* FROM ${user}`,
      `GRANT SELECT, INSERT, DELETE ON ${table} TO ${user}`,
    );
    const source = await open(place);
    const revision = await source.write("twitter", 7, 0, record);
    ok((await source.write("twitter", 7, revision!, record))! > revision!);
    mariadb.query(`DROP TABLE ${table}`, `REVOKE ALL ON ${table} FROM ${user}`);
    await rejects(open(place), { code: "DENIED" });
  });
});

/** Carries connections to a database, and breaks one off at its next commit: before that has arrived, or before its answer has. */
class CommitCutter implements AsyncDisposable {
  cut: "commit" | "answer" | undefined;
  readonly #server: Server;

  static async to(port: number): Promise<CommitCutter> {
    const cutter = new CommitCutter(port);
    await once(cutter.#server.listen(0, "127.0.0.1"), "listening");
    return cutter;
  }

  private constructor(target: number) {
    this.#server = createServer((client) => {
      const database = connect(target, "127.0.0.1");
      for (const [from, to] of [
        [client, database],
        [database, client],
      ] as const)
        from.on("error", () => {}).on("close", () => to.destroy());
      let isCutting = false;
      client.on("data", (bytes) => {
        isCutting = this.cut !== undefined && bytes.includes("COMMIT");
        if (!isCutting || this.cut === "answer") database.write(bytes);
        else client.destroy();
        if (isCutting) this.cut = undefined;
      });
      database.on("data", (bytes) => void (isCutting ? client.destroy() : client.write(bytes)));
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
  }
}

function optionsOf(place: string): ServerOptions {
  return withoutUrlPasswords(resolveServerOptions([{ label: "test", values: { workerIds: place } }]));
}
