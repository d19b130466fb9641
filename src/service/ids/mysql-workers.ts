// Rows of worker numbers in a MySQL or MariaDB: one table that people can look at, as Baidu's WORKER_NODE is, but whose numbers
// come back. Every change replaces a number's row by a new one, and the AUTO_INCREMENT id of that is its revision: no id
// comes again, not even where somebody has deleted rows, so that who held one of those learns that it is lost.
//
//     id  generator  worker  record   node  reserved_until           host_name  port  launch_date          modified
//     41  twitter         7  AQ8f..   n-17  2026-11-22 12:00:01.000  10.0.0.7   9100  2026-11-22 11:58:03  ...
//
// `record` is what counts; the columns behind it are for people, and nothing reads them.

import { checkDurability, type MysqlClient, type MysqlRow, mysqlFailure } from "../../drivers/mysql/index.ts";
import { EMPTY, fromBase64, toBase64 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { isoTime } from "../../std/time-text.ts";
import { asStoreFailure, TABLES } from "../../store/index.ts";
import { idsFailure } from "./errors.ts";
import { decodeWorker, encodeWorker, type WorkerRecord, workerSuffix } from "./records.ts";
import type { WorkerRow, WorkerSource } from "./worker-source.ts";

/** Of this server, for people who look at the table; its host is as the database sees it. */
export interface WorkerNode {
  readonly port: number;
  readonly launchMillis: number;
}

const TABLE = "ashlar_worker_node";

const CREATE = `CREATE TABLE IF NOT EXISTS ${TABLE} (
  id bigint NOT NULL AUTO_INCREMENT,
  generator varchar(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  worker int unsigned NOT NULL,
  record varchar(1024) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  node varchar(255) NOT NULL,
  reserved_until datetime(3) NOT NULL,
  host_name varchar(255) NOT NULL,
  port int unsigned NOT NULL,
  launch_date datetime NOT NULL,
  modified timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY generator_worker (generator, worker)
) ENGINE=InnoDB`;
const ENGINE = `SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '${TABLE}'`;
const ROWS = `SELECT id, worker, record FROM ${TABLE} WHERE generator = ? ORDER BY worker`;
const ROW = `SELECT id, worker, record FROM ${TABLE} WHERE generator = ? AND worker = ?`;
/** By the id alone: two that want the same row wait for each other in the primary key, and not in both, which would lock up. */
const HOLD = `SELECT id FROM ${TABLE} WHERE id = ? FOR UPDATE`;
const COLUMNS = "generator, worker, record, node, reserved_until, port, launch_date, host_name";
const VALUES = "?, ?, ?, ?, ?, ?, ?, SUBSTRING_INDEX(USER(), '@', -1)";

export class MysqlWorkers implements WorkerSource {
  readonly #client: Pick<MysqlClient, "read" | "transaction">;
  readonly #node: WorkerNode;

  /**
   * Creates the table where there is none. Rejects with the driver's errors: with UNSAFE where the database may lose what it has
   * committed, with DENIED where the user may not create the table.
   */
  static async open(client: Pick<MysqlClient, "read" | "transaction">, node: WorkerNode): Promise<MysqlWorkers> {
    await checkDurability(client);
    // Who may only read and write rows is not stopped by a statement that would change nothing.
    if ((await client.read(ENGINE)).length === 0) await client.read(CREATE);
    const [[engine] = []] = await client.read(ENGINE);
    if (engine !== "InnoDB") {
      const what = `The table ${TABLE} has the engine ${String(engine)}, which may lose what it has acknowledged.`;
      throw mysqlFailure("UNSAFE", { what, advice: `ALTER TABLE ${TABLE} ENGINE=InnoDB`, data: { engine } });
    }
    return new MysqlWorkers(client, node);
  }

  private constructor(client: Pick<MysqlClient, "read" | "transaction">, node: WorkerNode) {
    this.#client = client;
    this.#node = node;
  }

  async *rows(generator: string): AsyncGenerator<WorkerRow, void, void> {
    yield* (await asStoreFailure(this.#client.read(ROWS, [generator]))).map(rowOf);
  }

  async read(generator: string, worker: number): Promise<WorkerRow | undefined> {
    const [row] = await asStoreFailure(this.#client.read(ROW, [generator, worker]));
    return row && rowOf(row);
  }

  async write(generator: string, worker: number, revision: number, record: WorkerRecord): Promise<number | undefined> {
    const { port, launchMillis } = this.#node;
    const shown = [record.node, dateTime(record.reservedUntilMillis), port, dateTime(launchMillis)];
    const values = [generator, worker, toBase64(encodeWorker(record)), ...shown];
    const written = this.#client.transaction(async (run) => {
      if (revision !== 0 && (await run(HOLD, [revision])).length === 0) return undefined;
      await run(`${revision === 0 ? "INSERT" : "REPLACE"} INTO ${TABLE} (${COLUMNS}) VALUES (${VALUES})`, values);
      const [[id] = []] = await run("SELECT LAST_INSERT_ID()");
      return Number(id);
    });
    // Of two who insert the same number one is told that it has a row.
    return asStoreFailure(written).catch((error: unknown) => {
      if (revision === 0 && hasCode(error, "ROW_EXISTS")) return undefined;
      throw error;
    });
  }
}

/** Throws RECORD_DAMAGED, RECORD_NEWER. */
function rowOf([id, number, text]: MysqlRow): WorkerRow {
  const [revision, worker] = [Number(id), Number(number)];
  const value = fromBase64(String(text));
  if (value === undefined) throw idsFailure("RECORD_DAMAGED", { data: { worker } });
  const address = { table: TABLES.idWorker, key: EMPTY, suffix: workerSuffix(worker) };
  return { worker, revision, record: decodeWorker({ ...address, revision, value }) };
}

/** `2026-11-22 12:00:01.000`, in UTC. */
function dateTime(millis: number): string {
  return isoTime(millis).replace("T", " ").replace("Z", "");
}
