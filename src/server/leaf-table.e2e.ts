import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { LeafAllocTable, MysqlClient } from "../drivers/mysql/index.ts";
import { type TestTlsFiles, testAuthority, writeTestTls } from "../testing/certificates.ts";
import { MariadbProcess } from "../testing/engines/mariadb-process.ts";
import { whyWithout } from "../testing/engines/programs.ts";
import { type ServerProcess, startServerProcess, temporaryFolder } from "../testing/server-process.ts";

// Leaf's segment mode on a user's own table, in a real MariaDB with the columns that Leaf's table has.

const TABLE = `CREATE TABLE ids.leaf_alloc (
  biz_tag varchar(128) NOT NULL DEFAULT '', max_id bigint(20) NOT NULL DEFAULT '1', step int(11) NOT NULL,
  description varchar(256) DEFAULT NULL,
  update_time timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, PRIMARY KEY (biz_tag)
) ENGINE=InnoDB`;
const ROOT = { ASHLAR_ROOT_ACCESS_KEY: "leaf-root-key", ASHLAR_ROOT_SECRET_KEY: "leaf-root-secret" };

describe("leaf_alloc in MariaDB", whyWithout("mariadb"), () => {
  let mariadb: MariadbProcess;

  before(async () => {
    mariadb = await MariadbProcess.start();
    mariadb.query(TABLE);
  });

  after(() => mariadb[Symbol.asyncDispose]());

  const insert = (tag: string, maxId: string, step: number): string =>
    mariadb.query(`INSERT INTO ids.leaf_alloc (biz_tag, max_id, step) VALUES ('${tag}', ${maxId}, ${step})`);
  const maxIdOf = (tag: string): string => mariadb.query(`SELECT max_id FROM ids.leaf_alloc WHERE biz_tag = '${tag}'`);
  const connect = (more: Partial<Parameters<typeof MysqlClient.open>[0]> = {}): Promise<MysqlClient> => {
    const { port, user, password, database } = mariadb;
    const place = { host: "127.0.0.1", port, user, password, database };
    return MysqlClient.open({ ...place, connectionsMax: 4, callMillis: 2000, ...more });
  };
  const start = (): Promise<ServerProcess> =>
    startServerProcess({
      args: ["--memory", "--leaf-listen", "127.0.0.1:0", "--leaf-anonymous", "--leaf-mysql", mariadb.url],
      env: { ...ROOT, ASHLAR_LEAF_MYSQL_PASSWORD: mariadb.password },
    });
  const segment = async (server: ServerProcess, tag: string, query = ""): Promise<{ status: number; text: string }> => {
    const reply = await fetch(`${server.leaf}/api/segment/get/${tag}${query}`);
    return { status: reply.status, text: await reply.text() };
  };

  test("counts as Leaf counts: the first row's 1 to 2000, then on", async () => {
    insert("leaf-segment-test", "1", 2000);
    await using server = await start();
    assert.deepEqual(await segment(server, "leaf-segment-test"), { status: 200, text: "1" });
    assert.equal(maxIdOf("leaf-segment-test"), "2001");
    const many = (await segment(server, "leaf-segment-test", "?size=2500")).text.split("\n").map(Number);
    assert.deepEqual(
      many,
      Array.from({ length: 2500 }, (_, at) => at + 2),
    );
    const { tags } = (await (await fetch(`${server.leaf}/api/segment/tags`)).json()) as { tags: { tag: string }[] };
    assert.deepEqual(
      tags.map(({ tag }) => tag),
      ["leaf-segment-test"],
    );
    assert.match(
      await (await fetch(`${server.leaf}/db`)).text(),
      /<td>leaf-segment-test<\/td><td>\d{4,}<\/td><td>2000<\/td>/,
    );
    assert.match(await (await fetch(`${server.leaf}/cache`)).text(), /<td>leaf-segment-test<\/td><td>true<\/td>/);
  });

  test("takes tags that are added while it runs, and none twice on two servers at once", async () => {
    await using first = await start();
    await using second = await start();
    assert.equal((await segment(first, "young")).status, 500);
    insert("young", "1", 50);
    for (const server of [first, second])
      while ((await segment(server, "young")).status !== 200) await new Promise((resolve) => setTimeout(resolve, 50));
    const numbers = await Promise.all(
      Array.from({ length: 200 }, (_, at) => segment(at % 2 === 0 ? first : second, "young", "?size=7")),
    );
    const all = numbers.flatMap(({ status, text }) => (status === 200 ? text.split("\n") : []));
    assert.equal(all.length, 1400);
    assert.equal(new Set(all).size, 1400);
  });

  test("goes on over a database that is killed for as long as a block lasts, and again when it is back", async () => {
    insert("outage", "1", 1000);
    await using server = await start();
    await segment(server, "outage", "?size=200");
    // Two blocks; a third one, where the answer to a draw came too late, is nobody's.
    while (Number(maxIdOf("outage")) < 2001) await new Promise((resolve) => setTimeout(resolve, 20));
    const drawn = Number(maxIdOf("outage"));
    await mariadb.kill();
    const held = (await segment(server, "outage", "?size=1800")).text.split("\n").map(Number);
    assert.equal(held.length, 1800);
    assert.ok(held.every((number, at) => number > (held[at - 1] ?? 200) && number < drawn));
    const spent = await segment(server, "outage");
    assert.equal(spent.status, 500);
    assert.equal(JSON.parse(spent.text).message, "Result{id=-3, status=EXCEPTION}");
    await mariadb.run();
    const next = await segment(server, "outage");
    assert.equal(next.status, 200);
    assert.ok(Number(next.text) >= drawn);
  });

  test("a server starts without its database, says so, and has its numbers once it is there", async () => {
    insert("late", "1", 10);
    await mariadb.kill();
    await using server = await start();
    const early = await segment(server, "late");
    assert.equal(JSON.parse(early.text).message, "Result{id=-1, status=EXCEPTION}");
    assert.match(server.log(), /leaf\.table-unreadable/);
    assert.ok(!server.log().includes(mariadb.password));
    await mariadb.run();
    for (let answer = early; answer.status !== 200; answer = await segment(server, "late"))
      await new Promise((resolve) => setTimeout(resolve, 100));
  });

  test("counts exactly up to 2^63, and refuses what lies behind, and what is no step", async () => {
    insert("high", "9223372036854775000", 100);
    insert("last", "9223372036854775800", 100);
    insert("zero", "1", 0);
    await using client = await connect();
    const table = new LeafAllocTable(client);
    assert.deepEqual(await table.advance("high", 7), { tag: "high", maxId: 9223372036854775007n, step: 100 });
    await assert.rejects(table.advance("last", undefined), { code: "OUT_OF_RANGE" });
    await assert.rejects(table.advance("zero", undefined), { code: "ANSWER_INVALID" });
    assert.equal(maxIdOf("zero"), "1");
    assert.equal(await table.advance("none", 5), undefined);
    const { updatedMillis } = (await table.rows()).find(({ tag }) => tag === "high")!;
    assert.ok(Math.abs(updatedMillis - Date.now()) < 3_600_000);
  });

  test("finds a tag by its name, whatever that is and however the server reads a backslash", async () => {
    const names = [
      "o'clock",
      "back\\slash",
      "both\\' ",
      "\u4e2d\u6587 \u{1f600}",
      '"; DROP TABLE leaf_alloc; --',
      "\\' OR 1 -- ",
    ];
    const before = mariadb.query("SELECT @@GLOBAL.sql_mode");
    for (const mode of ["", ",NO_BACKSLASH_ESCAPES"]) {
      mariadb.query(`SET GLOBAL sql_mode = '${before}${mode}'`);
      await using client = await connect();
      const table = new LeafAllocTable(client);
      for (const name of names) {
        assert.equal(await table.advance(name, undefined), undefined, name);
        const hex = Buffer.from(name).toString("hex");
        mariadb.query(`INSERT INTO ids.leaf_alloc (biz_tag, step) VALUES (CONVERT(x'${hex}' USING utf8mb4), 5)`);
        assert.equal((await table.advance(name, undefined))?.maxId, 6n, name);
        mariadb.query(`DELETE FROM ids.leaf_alloc WHERE biz_tag = CONVERT(x'${hex}' USING utf8mb4)`);
      }
    }
    mariadb.query(`SET GLOBAL sql_mode = '${before}'`);
  });

  test("a wrong password, a database that is not there and a table that is not there are told apart", async () => {
    const failing = async (code: string, more: Parameters<typeof connect>[0]): Promise<void> => {
      await using client = await connect(more);
      await assert.rejects(new LeafAllocTable(client).tags(), { code });
    };
    await failing("DENIED", { password: "wrong" });
    await failing("DENIED", { database: "none" });
    await failing("UNAVAILABLE", { port: 1, callMillis: 300 });
    mariadb.query("RENAME TABLE ids.leaf_alloc TO ids.away");
    await failing("ANSWER_INVALID", {});
    mariadb.query("RENAME TABLE ids.away TO ids.leaf_alloc");
  });

  test("the connection is private to a server with the authority's certificate for its name", async () => {
    const authority = testAuthority("of the database");
    let files: TestTlsFiles[] = [];
    await using secured = await MariadbProcess.start((folder) => {
      files = ["localhost", "elsewhere.test"].map((name) => writeTestTls(folder, authority, [name]));
      const [{ certFile, keyFile }] = files as [TestTlsFiles];
      return [`--ssl-cert=${certFile}`, `--ssl-key=${keyFile}`];
    });
    const [own, others] = files as [TestTlsFiles, TestTlsFiles];
    const { port } = secured;
    const cipherOf = async (caFile: string): Promise<string> => {
      await using client = await connect({ host: "localhost", port, caFile });
      const [row] = await client.read("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
      return String(row?.[1]);
    };
    assert.match(await cipherOf(own.caFile), /^TLS_/);
    await using folder = await temporaryFolder("leaf-tls");
    const { caFile: foreign } = writeTestTls(folder.path, testAuthority("of nobody"), ["localhost"]);
    await assert.rejects(cipherOf(foreign), { code: "UNAVAILABLE" });
    // The same authority's, but of another host.
    await secured.kill();
    await copyFile(others.certFile, own.certFile);
    await copyFile(others.keyFile, own.keyFile);
    await secured.run();
    await assert.rejects(cipherOf(own.caFile), { code: "UNAVAILABLE" });
  });
});
