// A table of tickets, Flickr's way: one row whose AUTO_INCREMENT number each draw replaces, and others draw from too.
//
//     id bigint unsigned AUTO_INCREMENT PRIMARY KEY | stub char(1) UNIQUE
//
// One number: REPLACE INTO tickets (stub) VALUES ('a'), and LAST_INSERT_ID. Several: with the table locked, so that nobody else
// holds a number that is not in the table yet, the next one, and then the row moved on to the last of those that are
// wanted, which moves the count. Each statement commits by itself: whatever breaks off costs numbers and gives none twice.

import type { MysqlClient, RunMysql } from "./client.ts";
import { checkDurability } from "./durability.ts";
import { mysqlFailure } from "./errors.ts";

export interface DrawnTickets {
  /** Ascending. */
  readonly numbers: readonly bigint[];
  /** Whatever is drawn later is greater. */
  readonly isOrdered: true;
}

interface Drawn {
  readonly first: bigint;
  /** From one number to the next: the server's auto_increment_increment. */
  readonly step: bigint;
}

interface Column {
  /** Of the numbers, quoted. */
  readonly name: string;
  /** What its type holds at most. It is not handed out: a server that is not strict gives it again and again. */
  readonly greatest: bigint;
}

const STUB = "'a'";
const ENGINE = "SELECT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?";
const COLUMNS = `SELECT COLUMN_NAME, COLUMN_TYPE, COLUMN_KEY, EXTRA FROM information_schema.COLUMNS
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?`;

export class TicketTable {
  readonly #client: Pick<MysqlClient, "read" | "session">;
  readonly #name: string;
  readonly #table: string;
  #column: Column | undefined;

  constructor(client: Pick<MysqlClient, "read" | "session">, name: string) {
    this.#client = client;
    this.#name = name;
    this.#table = quoted(name);
  }

  /** Rejects with SEQUENCE_MISSING, SEQUENCE_UNFIT, OUT_OF_RANGE, UNSAFE, and with the client's errors; numbers may be lost then. */
  async draw(count: number): Promise<DrawnTickets> {
    const column = await this.#known();
    try {
      const draw = (run: RunMysql): Promise<Drawn> =>
        count === 1 ? this.#one(run, column) : this.#several(run, column, count);
      const { first, step } = await this.#client.session(draw);
      return { numbers: Array.from({ length: count }, (_, at) => first + BigInt(at) * step), isOrdered: true };
    } catch (error) {
      // It may be another table by now: the next draw looks at it anew.
      this.#column = undefined;
      throw error;
    }
  }

  /** Behind the last number that was drawn; others may draw it first. Rejects as `draw`. */
  async next(): Promise<bigint> {
    const { name } = await this.#known();
    const next = `COALESCE(MAX(${name}) + @@auto_increment_increment, @@auto_increment_offset)`;
    const [[number] = []] = await this.#client.read(`SELECT ${next} FROM ${this.#table}`);
    return BigInt(String(number));
  }

  async #one(run: RunMysql, column: Column): Promise<Drawn> {
    await run(`REPLACE INTO ${this.#table} (stub) VALUES (${STUB})`);
    const [[first, step] = []] = await run("SELECT LAST_INSERT_ID(), @@auto_increment_increment");
    const drawn = { first: BigInt(String(first)), step: BigInt(String(step)) };
    this.#checkLast(drawn.first, column);
    return drawn;
  }

  /** The lock ends with the connection where this breaks off. */
  async #several(run: RunMysql, column: Column, count: number): Promise<Drawn> {
    await run(`LOCK TABLES ${this.#table} WRITE`);
    const { first, step } = await this.#one(run, column);
    const last = first + BigInt(count - 1) * step;
    this.#checkLast(last, column);
    await run(`REPLACE INTO ${this.#table} (${column.name}, stub) VALUES (${last}, ${STUB})`);
    const [[found] = []] = await run(`SELECT MAX(${column.name}) FROM ${this.#table}`);
    await run("UNLOCK TABLES");
    if (String(found) === String(last)) return { first, step };
    const what = `The table ${this.#name} holds ${String(found)} where ${last} was written.`;
    throw mysqlFailure("SEQUENCE_UNFIT", { what, data: { table: this.#name } });
  }

  #checkLast(last: bigint, { greatest }: Column): void {
    if (last < greatest) return;
    const what = `The table ${this.#name} has not so many numbers left.`;
    throw mysqlFailure("OUT_OF_RANGE", { what, data: { table: this.#name } });
  }

  async #known(): Promise<Column> {
    this.#column ??= await this.#look();
    return this.#column;
  }

  async #look(): Promise<Column> {
    await checkDurability(this.#client);
    const data = { table: this.#name };
    const [row] = await this.#client.read(ENGINE, [this.#name]);
    if (row === undefined) {
      const what = `There is no table ${this.#name}, or the user has no right on it.`;
      throw mysqlFailure("SEQUENCE_MISSING", { what, data });
    }
    const unfit = (why: string) => mysqlFailure("SEQUENCE_UNFIT", { what: `The table ${this.#name} ${why}.`, data });
    if (row[0] !== "InnoDB") throw unfit(`has the engine ${String(row[0])}, which may lose what it has acknowledged`);
    const columns = (await this.#client.read(COLUMNS, [this.#name])).map((column) => column.map(String));
    const counting = columns.find(([, , , extra]) => /auto_increment/i.test(extra!));
    const stub = columns.find(([name]) => name!.toLowerCase() === "stub");
    if (counting === undefined || !["UNI", "PRI"].includes(stub?.[2] ?? ""))
      throw unfit("is none of tickets: that has a column with AUTO_INCREMENT and a UNIQUE column stub");
    return { name: quoted(counting[0]!), greatest: greatestOf(counting[1]!) };
  }
}

const BITS: Readonly<Record<string, bigint | undefined>> = { tinyint: 8n, smallint: 16n, mediumint: 24n, int: 32n };

/** `bigint(20) unsigned` */
function greatestOf(type: string): bigint {
  const bits = BITS[/^[a-z]+/i.exec(type)?.[0].toLowerCase() ?? ""] ?? 64n;
  return 2n ** (type.toLowerCase().includes("unsigned") ? bits : bits - 1n) - 1n;
}

function quoted(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}
