import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MysqlRow, RunMysql } from "./client.ts";
import { mysqlFailure } from "./errors.ts";
import { TicketTable } from "./tickets.ts";

/** A server with one table, from which nobody else draws. */
class StandIn {
  readonly sent: string[] = [];
  engine: readonly MysqlRow[] = [["InnoDB"]];
  type = "bigint(20) unsigned";
  stubKey = "UNI";
  flush = "1";
  step = 1n;
  last = 0n;
  failure: Error | undefined;

  read = async (sql: string): Promise<readonly MysqlRow[]> => {
    if (sql.startsWith("SELECT VERSION")) return [["8.0.36", this.flush, "fsync", "0", "1"]];
    if (sql.startsWith("SELECT ENGINE")) return this.engine;
    if (sql.startsWith("SELECT COLUMN_NAME"))
      return [
        ["id", this.type, "PRI", "auto_increment"],
        ["stub", "char(1)", this.stubKey, ""],
      ];
    return [[String(this.last + this.step)]];
  };

  session = <T>(work: (run: RunMysql) => Promise<T>): Promise<T> =>
    work(async (sql) => {
      this.sent.push(sql);
      if (this.failure !== undefined) throw this.failure;
      const [, moved] = /VALUES \((\d+), 'a'\)/.exec(sql) ?? [];
      if (moved !== undefined) this.last = BigInt(moved);
      else if (sql.startsWith("REPLACE")) this.last += this.step;
      if (sql.startsWith("SELECT LAST")) return [[String(this.last), String(this.step)]];
      return sql.startsWith("SELECT MAX") ? [[String(this.last)]] : [];
    });
}

describe("a table of tickets", () => {
  test("gives one number by Flickr's statement, and several behind a lock", async () => {
    const server = new StandIn();
    const table = new TicketTable(server, "Tickets64");
    assert.deepEqual(await table.draw(1), { numbers: [1n], isOrdered: true });
    assert.deepEqual(server.sent, [
      "REPLACE INTO `Tickets64` (stub) VALUES ('a')",
      "SELECT LAST_INSERT_ID(), @@auto_increment_increment",
    ]);
    server.sent.length = 0;
    assert.deepEqual((await table.draw(3)).numbers, [2n, 3n, 4n]);
    assert.deepEqual(server.sent, [
      "LOCK TABLES `Tickets64` WRITE",
      "REPLACE INTO `Tickets64` (stub) VALUES ('a')",
      "SELECT LAST_INSERT_ID(), @@auto_increment_increment",
      "REPLACE INTO `Tickets64` (`id`, stub) VALUES (4, 'a')",
      "SELECT MAX(`id`) FROM `Tickets64`",
      "UNLOCK TABLES",
    ]);
    assert.equal(await table.next(), 5n);
  });

  test("of one of two servers that take turns gives every second number", async () => {
    const server = new StandIn();
    [server.step, server.last] = [2n, -1n];
    const table = new TicketTable(server, "t");
    assert.deepEqual((await table.draw(4)).numbers, [1n, 3n, 5n, 7n]);
    assert.deepEqual((await table.draw(1)).numbers, [9n]);
  });

  test("gives no number that its column does not hold, and not the last one, which a lax server repeats", async () => {
    for (const [type, greatest] of [
      ["tinyint(4)", 127n],
      ["smallint unsigned", 65_535n],
      ["mediumint", 8_388_607n],
      ["int(10) unsigned", 4_294_967_295n],
      ["bigint", 2n ** 63n - 1n],
      ["bigint unsigned", 2n ** 64n - 1n],
    ] as const) {
      const server = new StandIn();
      [server.type, server.last] = [type, greatest - 3n];
      const table = new TicketTable(server, "t");
      await assert.rejects(table.draw(5), { code: "OUT_OF_RANGE" });
      assert.ok(!server.sent.some((sql) => sql.includes("`id`, stub")));
      assert.equal(server.last, greatest - 2n);
      assert.deepEqual((await table.draw(1)).numbers, [greatest - 1n], type);
      await assert.rejects(table.draw(1), { code: "OUT_OF_RANGE" }, type);
    }
  });

  test("is refused where it is not there, is none, or may lose numbers", async () => {
    const refused = async (change: (server: StandIn) => void, code: string): Promise<void> => {
      const server = new StandIn();
      change(server);
      await assert.rejects(new TicketTable(server, "t").draw(2), { code });
      await assert.rejects(new TicketTable(server, "t").next(), { code });
      assert.deepEqual(server.sent, []);
    };
    await refused((server) => void (server.engine = []), "SEQUENCE_MISSING");
    await refused((server) => void (server.engine = [["MyISAM"]]), "SEQUENCE_UNFIT");
    await refused((server) => void (server.stubKey = ""), "SEQUENCE_UNFIT");
    await refused((server) => void (server.flush = "2"), "UNSAFE");
  });

  test("is looked at anew after a failure, which may be that it was made anew", async () => {
    const server = new StandIn();
    const table = new TicketTable(server, "t");
    await table.draw(1);
    server.failure = mysqlFailure("ANSWER_INVALID");
    await assert.rejects(table.draw(1), { code: "ANSWER_INVALID" });
    server.failure = undefined;
    server.engine = [["MyISAM"]];
    await assert.rejects(table.draw(1), { code: "SEQUENCE_UNFIT" });
  });

  test("has any name that a table may have", async () => {
    const server = new StandIn();
    await new TicketTable(server, "a`; DROP TABLE b; --").draw(1);
    assert.equal(server.sent[0], "REPLACE INTO `a``; DROP TABLE b; --` (stub) VALUES ('a')");
  });
});
