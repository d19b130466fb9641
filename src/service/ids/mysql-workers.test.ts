import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type MysqlRow, mysqlFailure, type RunMysql } from "../../drivers/mysql/index.ts";
import { MysqlWorkers } from "./mysql-workers.ts";

const RECORD = { holder: "holder", node: "node", generation: 1, reservedUntilMillis: Date.UTC(2026, 10, 22) };
const SAFE = ["10.11.19-MariaDB", "1", "fsync", "0", "0"];

/** Answers statements by the word that they begin with. */
class StandIn {
  readonly sent: string[] = [];
  engines: MysqlRow[] = [["InnoDB"]];
  held: MysqlRow[] = [["41"]];
  failure: Error | undefined;

  read = async (sql: string): Promise<readonly MysqlRow[]> => {
    this.sent.push(sql);
    if (sql.startsWith("CREATE")) this.engines = [["InnoDB"]];
    return sql.startsWith("SELECT VERSION") ? [SAFE] : this.engines;
  };

  transaction = async <T>(work: (run: RunMysql) => Promise<T>): Promise<T> => {
    const result = await work(async (sql) => {
      this.sent.push(sql);
      if (sql.startsWith("SELECT id")) return this.held;
      return sql.startsWith("SELECT LAST") ? [["42"]] : [];
    });
    if (this.failure !== undefined) throw this.failure;
    return result;
  };
}

describe("worker numbers in a MySQL or MariaDB", () => {
  const open = async (database: StandIn) => MysqlWorkers.open(database, { port: 9100, launchMillis: 0 });

  test("create their table where there is none, and leave one that is there alone", async () => {
    const [fresh, used] = [new StandIn(), new StandIn()];
    fresh.engines = [];
    await open(fresh);
    await open(used);
    assert.deepEqual(
      [fresh, used].map(({ sent }) => sent.filter((sql) => sql.startsWith("CREATE")).length),
      [1, 0],
    );
  });

  test("replace the row that was read, and nothing where that is gone", async () => {
    const database = new StandIn();
    const source = await open(database);
    assert.equal(await source.write("twitter", 7, 41, RECORD), 42);
    assert.ok(database.sent.some((sql) => sql.startsWith("REPLACE")));
    database.sent.length = 0;
    database.held = [];
    assert.equal(await source.write("twitter", 7, 41, RECORD), undefined);
    assert.deepEqual(database.sent.length, 1);
  });

  test("insert a first row and never replace one: who comes second is told so", async () => {
    const database = new StandIn();
    const source = await open(database);
    assert.equal(await source.write("twitter", 7, 0, RECORD), 42);
    assert.ok(!database.sent.some((sql) => sql.startsWith("REPLACE")));
    database.failure = mysqlFailure("ROW_EXISTS");
    assert.equal(await source.write("twitter", 7, 0, RECORD), undefined);
    await assert.rejects(source.write("twitter", 7, 41, RECORD), { code: "ROW_EXISTS" });
  });

  test("tell a commit whose answer was lost from one that was not made", async () => {
    const database = new StandIn();
    const source = await open(database);
    for (const [code, told] of [
      ["OUTCOME_UNKNOWN", "OUTCOME_UNKNOWN"],
      ["UNAVAILABLE", "NO_LEADER"],
      ["DENIED", "NO_LEADER"],
      ["OVERLOADED", "OVERLOADED"],
    ] as const) {
      database.failure = mysqlFailure(code);
      for (const revision of [0, 41])
        await assert.rejects(source.write("twitter", 7, revision, RECORD), { code: told });
    }
  });

  test("that can not be read are told as damaged", async () => {
    const database = new StandIn();
    const source = await open(database);
    for (const text of ["?", "", "////"]) {
      database.engines = [["41", "7", text]];
      await assert.rejects(source.read("twitter", 7), (error: { code?: string }) =>
        ["RECORD_DAMAGED", "RECORD_NEWER"].includes(error.code!),
      );
    }
  });
});
