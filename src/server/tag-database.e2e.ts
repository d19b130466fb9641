// Tags that a sequence of a real PostgreSQL and a table of tickets in a real MariaDB count, while applications draw from them too.

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { MysqlClient } from "../drivers/mysql/index.ts";
import { PostgresClient, PostgresSequence } from "../drivers/postgres/index.ts";
import { AshlarError } from "../std/errors.ts";
import { MariadbProcess } from "../testing/engines/mariadb-process.ts";
import { PostgresProcess } from "../testing/engines/postgres-process.ts";
import { whyWithout } from "../testing/engines/programs.ts";
import { type ServerProcess, startServerProcess, temporaryFolder } from "../testing/server-process.ts";
import { type ApiRefusal, apiCall } from "./testing/cluster-status.ts";

interface Engine extends AsyncDisposable {
  readonly url: string;
  readonly password: string | undefined;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Over the same data. */
  run(): Promise<void>;
  /** As its administrator. */
  execute(...statements: readonly string[]): Promise<void>;
  /** A sequence or a table of tickets, which an application has. */
  create(name: string): Promise<void>;
  /** As the application draws a number. Rejects where the engine is away. */
  draw(name: string): Promise<bigint>;
  /** What makes it give its last number next but one. */
  exhaust(name: string): Promise<void>;
  /** Statements that make sequences which could repeat themselves, by the names of those. */
  readonly unfit: Readonly<Record<string, string>>;
}

async function startPostgres(): Promise<Engine> {
  const engine = await PostgresProcess.start();
  const { url } = engine;
  const client = await PostgresClient.open({ url, schema: "public", connectionsMax: 8, callMillis: 1000 });
  const execute = async (...statements: readonly string[]): Promise<void> => {
    for (const text of statements) await client.read({ text });
  };
  const denied = ["create role stranger login", "create sequence secret"];
  await execute(...denied);
  return {
    ...{ url: url.replace("ashlar@", "stranger@"), password: undefined, execute },
    kill: () => engine.kill(),
    run: () => engine.run(),
    create: (name) =>
      execute(
        `create sequence ${name}`,
        `create table of_${name} (id bigint primary key default nextval('${name}'))`,
        `grant usage on ${name} to stranger`,
      ),
    async draw(name) {
      const [[id] = []] = await client.read({ text: `insert into of_${name} default values returning id::text` });
      return BigInt(String(id));
    },
    exhaust: (name) => execute(`alter sequence ${name} maxvalue 100`, `select setval('${name}', 98)`),
    unfit: {
      cycling: "create sequence cycling cycle",
      falling: "create sequence falling increment -1",
      fleeting: "create unlogged sequence fleeting",
      no_sequence: "create table no_sequence (id int)",
    },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

async function startMariadb(): Promise<Engine> {
  const engine = await MariadbProcess.start();
  const { port, user, password, database } = engine;
  const place = { host: "127.0.0.1", port, user: "stranger", password, database };
  const names = "'stranger'@'127.0.0.1'";
  engine.query(`CREATE USER ${names} IDENTIFIED BY '${password.replace("'", "''")}'`);
  engine.query(`GRANT LOCK TABLES ON ids.* TO ${names}`);
  const client = await MysqlClient.open({ ...place, user, connectionsMax: 8, callMillis: 1000 });
  const tickets = (name: string, options = "ENGINE=InnoDB"): string =>
    `CREATE TABLE ids.${name} (id bigint unsigned NOT NULL AUTO_INCREMENT, stub char(1) NOT NULL DEFAULT '',
      PRIMARY KEY (id), UNIQUE KEY stub (stub)) ${options}`;
  const grant = (name: string): string => `GRANT SELECT, INSERT, DELETE ON ids.${name} TO ${names}`;
  const execute = async (...statements: readonly string[]): Promise<void> => void engine.query(...statements);
  await execute(tickets("secret"), `GRANT SELECT ON ids.secret TO ${names}`);
  return {
    ...{ url: engine.url.replace(`${user}@`, "stranger@"), password, execute },
    kill: () => engine.kill(),
    run: () => engine.run(),
    create: (name) => execute(tickets(name), grant(name)),
    draw: (name) =>
      client.session(async (run) => {
        await run(`REPLACE INTO ${name} (stub) VALUES ('a')`);
        const [[id] = []] = await run("SELECT LAST_INSERT_ID()");
        return BigInt(String(id));
      }),
    exhaust: (name) =>
      execute(
        `ALTER TABLE ids.${name} MODIFY id tinyint unsigned NOT NULL AUTO_INCREMENT`,
        `REPLACE INTO ids.${name} VALUES (252, 'a')`,
      ),
    unfit: {
      fleeting: [tickets("fleeting", "ENGINE=MyISAM"), grant("fleeting")].join(";"),
      stubless: ["CREATE TABLE ids.stubless (id int PRIMARY KEY AUTO_INCREMENT) ENGINE=InnoDB", grant("stubless")].join(
        ";",
      ),
      no_count: ["CREATE TABLE ids.no_count (stub char(1) PRIMARY KEY) ENGINE=InnoDB", grant("no_count")].join(";"),
      sequence: ["CREATE SEQUENCE ids.sequence", "GRANT ALL ON ids.sequence TO 'stranger'@'127.0.0.1'"].join(";"),
    },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

for (const [name, start] of [
  ["postgres", startPostgres],
  ["mariadb", startMariadb],
] as const) {
  describe(`tags that ${name} counts`, { timeout: 300_000, ...whyWithout(name) }, () => {
    let engine: Engine;
    before(async () => void (engine = await start()));
    after(() => engine[Symbol.asyncDispose]());

    const serve = (...tags: readonly string[]): Promise<ServerProcess> =>
      startServerProcess({
        args: [
          ...["--memory", "--leaf-listen", "127.0.0.1:0", "--leaf-anonymous", "--tag-database", engine.url],
          ...tags.flatMap((tag) => ["--tag-sequence", tag]),
        ],
        env: { ...ROOT, ...(engine.password !== undefined && { ASHLAR_TAG_DATABASE_PASSWORD: engine.password }) },
      });

    test("are drawn by all fronts, singly and in batches, from where the application is", async () => {
      await engine.create("orders_id_seq");
      for (const expected of [1n, 2n, 3n]) equal(await engine.draw("orders_id_seq"), expected);
      await using server = await serve("orders=orders_id_seq");
      deepEqual(await apiCall(server, "POST", "/v1/ids/tags/orders/next"), { ids: ["4"] });
      equal(await engine.draw("orders_id_seq"), 5n);
      const { ids } = (await apiCall(server, "POST", "/v1/ids/tags/orders/next?count=2000")) as { ids: string[] };
      deepEqual(
        ids.map(Number),
        Array.from({ length: 2000 }, (_, at) => at + 6),
      );
      deepEqual(await leaf(server, "orders"), [2006n]);
      deepEqual(await leaf(server, "orders", 3), [2007n, 2008n, 2009n]);
      const environment = { ...process.env, ASHLAR_API: server.api, ASHLAR_DATA_DIR: server.dataDir, ...ROOT };
      const command = ["bin/ashlar.js", "id", "next", "--tag", "orders", "--count", "2"];
      equal(execFileSync(process.execPath, command, { env: environment, encoding: "utf8" }), "2010\n2011\n");
      equal(await engine.draw("orders_id_seq"), 2012n);
      const tag = (await apiCall(server, "GET", "/v1/ids/tags/orders")) as Record<string, unknown>;
      deepEqual([tag["next"], tag["order"], tag["description"]], ["2013", "global", "orders_id_seq of --tag-database"]);
      await apiCall(server, "PUT", "/v1/ids/tags/of-the-store", {});
      const { items } = (await apiCall(server, "GET", "/v1/ids/tags")) as { items: { name: string }[] };
      deepEqual(
        items.map((item) => item.name),
        ["of-the-store", "orders"],
      );
      equal(await refusal(apiCall(server, "DELETE", "/v1/ids/tags/orders")), "409 TAG_OUTSIDE");
      const status = (await apiCall(server, "GET", "/v1/ids/status")) as { tags: { tag: string; handedOut: number }[] };
      equal(status.tags.find((each) => each.tag === "orders")!.handedOut, 2007);
    });

    test("come to two servers and an application at once, none twice, over crashes of the engine", async () => {
      await engine.create("busy");
      await using one = await serve("busy");
      await using other = await serve("busy");
      const seen = new Map<bigint, number>();
      let [isOver, twice] = [false, 0];
      const counts = [0, 0, 0];
      const worker = async (who: number, take: (turn: number) => Promise<readonly bigint[]>): Promise<void> => {
        for (let turn = 0; !isOver; turn++) {
          const numbers = await take(turn).catch(() => []);
          for (const number of numbers) {
            if (seen.has(number)) twice++;
            seen.set(number, who);
          }
          counts[who]! += numbers.length;
        }
      };
      const sizes = [1, 1, 40, 1, 7];
      const workers = [
        ...[1, 2, 3].map(() => worker(0, async () => [await engine.draw("busy")])),
        ...[1, 2, 3, 4].map(() => worker(1, (turn) => leaf(one, "busy", sizes[turn % sizes.length]!))),
        ...[1, 2, 3, 4].map(() => worker(2, (turn) => leaf(other, "busy", sizes[(turn + 2) % sizes.length]!))),
      ];
      const moreFromAll = async (): Promise<void> => {
        const before = [...counts];
        while (counts.some((count, who) => count < before[who]! + 100)) await new Promise((go) => setTimeout(go, 20));
      };
      for (let crash = 0; crash < 3; crash++) {
        await moreFromAll();
        await engine.kill();
        await engine.run();
      }
      await moreFromAll();
      isOver = true;
      await Promise.all(workers);
      equal(twice, 0, `${seen.size} numbers`);
      equal(seen.size, counts[0]! + counts[1]! + counts[2]!);
      ok(!seen.has(0n));
    });

    test("are refused with a clear error while the engine is away, also where it is at the start", async () => {
      await engine.create("away");
      await engine.kill();
      await using server = await serve("away");
      equal(await refusal(apiCall(server, "POST", "/v1/ids/tags/away/next")), "503 SEQUENCE_UNAVAILABLE");
      const told = await fetch(`${server.leaf}/api/segment/get/away`);
      equal(told.status, 500);
      equal(((await told.json()) as { message: string }).message, "Result{id=-3, status=EXCEPTION}");
      await engine.run();
      deepEqual(await leaf(server, "away"), [1n]);
      match(server.log(), /ids\.sequence-unreadable.*ids\.sequence-read /s);
    });

    test("end where the sequence ends, and nothing comes again", async () => {
      await engine.create("short");
      await engine.exhaust("short");
      await using server = await serve("short");
      const [first] = await leaf(server, "short");
      ok(first! > 90n);
      const left: bigint[] = [];
      let told = "";
      for (let turn = 0; turn < 5 && told === ""; turn++) {
        const { status, text } = await answer(server, "short");
        if (status === 200) left.push(BigInt(text));
        else told = text;
      }
      ok(left.length >= 1 && left.every((number, at) => number === first! + BigInt(at + 1)), `${left}`);
      for (const path of ["next", "next?count=5"])
        equal(await refusal(apiCall(server, "POST", `/v1/ids/tags/short/${path}`)), "409 TAG_USED_UP");
    });

    test("are refused of what is not there, may not be drawn from, or could repeat itself", async () => {
      const unfit = Object.keys(engine.unfit);
      for (const statement of Object.values(engine.unfit)) await engine.execute(...statement.split(";"));
      if (name === "postgres") for (const each of unfit) await engine.execute(`grant all on ${each} to stranger`);
      await using server = await serve("nowhere", "secret", ...unfit);
      const next = (tag: string) => refusal(apiCall(server, "POST", `/v1/ids/tags/${tag}/next?count=2`));
      equal(await next("nowhere"), "404 SEQUENCE_MISSING");
      equal(await next("secret"), "503 SEQUENCE_DENIED");
      for (const tag of unfit) equal(await next(tag), "409 SEQUENCE_REFUSED", tag);
    });

    test("are refused where the Store has counted a tag of this name", async () => {
      await engine.create("older");
      await using folder = await temporaryFolder("older");
      const args = ["--space-reserve-bytes", "64MiB"];
      {
        await using server = await startServerProcess({ args, dataDir: folder.path, env: ROOT });
        await apiCall(server, "PUT", "/v1/ids/tags/older", {});
        await apiCall(server, "DELETE", "/v1/ids/tags/older");
      }
      const more = ["--tag-database", engine.url, "--tag-sequence", "older"];
      const env = { ...ROOT, ...(engine.password !== undefined && { ASHLAR_TAG_DATABASE_PASSWORD: engine.password }) };
      await using server = await startServerProcess({ args: [...args, ...more], dataDir: folder.path, env });
      equal(await refusal(apiCall(server, "POST", "/v1/ids/tags/older/next")), "409 SEQUENCE_REFUSED");
    });
  });
}

test(
  "a number of PostgreSQL is on disk before it is given, though who logged it has not committed",
  whyWithout("postgres"),
  async () => {
    await using engine = await PostgresProcess.start({ settings: ["wal_writer_delay=10s"] });
    const options = { url: engine.url, schema: "public", connectionsMax: 4, callMillis: 10_000 };
    await using client = await PostgresClient.open(options);
    await client.read({ text: "create sequence slow" });
    const sequence = new PostgresSequence(client, "slow");
    deepEqual((await sequence.draw(1)).numbers, [1n]);
    await client.read({ text: "checkpoint" });
    let given: readonly bigint[] = [];
    const begun = client.transaction("select nextval('slow')", async () => {
      ({ numbers: given } = await sequence.draw(1));
      await engine.kill();
      throw new AshlarError("OVER", "It is over.", "");
    });
    await rejects(begun, { code: "OVER" });
    deepEqual(given, [3n]);
    await engine.run();
    const [again] = (await sequence.draw(1)).numbers;
    ok(again! > 3n, `${again}`);
  },
);

const ROOT = { ASHLAR_ROOT_ACCESS_KEY: "tags-root-key", ASHLAR_ROOT_SECRET_KEY: "tags-root-secret" };

async function answer(server: ServerProcess, tag: string, size = 1): Promise<{ status: number; text: string }> {
  const reply = await fetch(`${server.leaf}/api/segment/get/${tag}?size=${size}`);
  return { status: reply.status, text: await reply.text() };
}

async function leaf(server: ServerProcess, tag: string, size = 1): Promise<bigint[]> {
  const { status, text } = await answer(server, tag, size);
  if (status !== 200) throw new AshlarError("REFUSED", text, "");
  return text.split("\n").map(BigInt);
}

/** `409 TAG_OUTSIDE` */
async function refusal(call: Promise<unknown>): Promise<string> {
  let told = "";
  await rejects(call, (error: Error) => {
    match(error.message, /"code":/);
    told = `${(error as ApiRefusal).status} ${/"code":"(\w+)"/.exec(error.message)![1]}`;
    return true;
  });
  return told;
}
