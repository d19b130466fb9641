// A bounded number of connections to one MySQL or MariaDB. Reads and transactions whose connection breaks begin again until the
// time for a call is over: they have changed nothing. Only a commit whose answer is lost is OUTCOME_UNKNOWN.
//
// Statements go as text with their values in it. Prepared ones would send numbers as doubles: a count near 2^63 would be added
// to in double precision.

import { readFile } from "node:fs/promises";
import type * as Mysql from "mysql2/promise";
import { AshlarError, hasCode } from "../../std/errors.ts";
import { failureOf, mysqlFailure } from "./errors.ts";

export interface MysqlOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string | undefined;
  readonly database: string;
  /** PEM file of the authority that the server's certificate has to come from, under the host's name. */
  readonly caFile?: string | undefined;
  /** PEM files of a certificate for this client, and of its key. Without any of the three there is no TLS. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly connectionsMax: number;
  /** How long a call may take, with all its attempts. */
  readonly callMillis: number;
}

/** Columns in their order: 64-bit numbers as texts, dates as texts in UTC. */
export type MysqlRow = readonly unknown[];

export type RunMysql = (sql: string, values?: readonly (string | number)[]) => Promise<readonly MysqlRow[]>;

const ATTEMPT_MILLIS = 100;
const QUEUE_MAX = 10_000;

/**
 * A backslash in a value escapes, whatever the server's default is, times are read in UTC, and what does not fit a column is
 * refused: it would be cut to the column's largest number, again and again.
 */
const SESSION = `SET time_zone = '+00:00', autocommit = 1,
  sql_mode = CONCAT(REPLACE(@@SESSION.sql_mode, 'NO_BACKSLASH_ESCAPES', ''), ',STRICT_ALL_TABLES')`;
/** Who has given up a call must not wait for its lock any longer, and then get it. */
const LOCK_WAITS = "SET lock_wait_timeout = ?, innodb_lock_wait_timeout = ?";

export class MysqlClient implements AsyncDisposable {
  readonly #pool: Mysql.Pool;
  readonly #options: MysqlOptions;
  /** Connections that have had `SESSION` and `LOCK_WAITS`. */
  readonly #set = new WeakSet<object>();
  #closed = false;

  /** Connects when it is first used. Rejects with CLIENT_MISSING. */
  static async open(options: MysqlOptions): Promise<MysqlClient> {
    const { default: mysql } = await import("mysql2/promise").catch((cause: unknown) => {
      throw mysqlFailure("CLIENT_MISSING", { cause });
    });
    const { host, port, user, password, database, connectionsMax, callMillis } = options;
    const ssl = await secured(options);
    const pool = mysql.createPool({
      ...{ host, port, user, database, charset: "utf8mb4" },
      ...(password !== undefined && { password }),
      ...(ssl !== undefined && { ssl }),
      ...{ connectionLimit: connectionsMax, queueLimit: QUEUE_MAX, connectTimeout: callMillis, enableKeepAlive: true },
      ...{ supportBigNumbers: true, bigNumberStrings: true, dateStrings: true, rowsAsArray: true },
    });
    return new MysqlClient(pool, options);
  }

  private constructor(pool: Mysql.Pool, options: MysqlOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  /** One statement that only reads, or whose repetition does no harm. */
  read(sql: string, values?: readonly (string | number)[]): Promise<readonly MysqlRow[]> {
    return this.#attempts((run) => run(sql, values));
  }

  /** Statements that each commit by themselves, on one connection. All of it may be done several times, which must do no harm. */
  session<T>(work: (run: RunMysql) => Promise<T>): Promise<T> {
    return this.#attempts(work);
  }

  /** The work may be done several times, and changes nothing else. What it throws by itself rolls everything back. */
  transaction<T>(work: (run: RunMysql) => Promise<T>): Promise<T> {
    return this.#attempts(async (run) => {
      await run("START TRANSACTION");
      const result = await work(run);
      await run("COMMIT").catch((cause: unknown) => {
        throw mysqlFailure("OUTCOME_UNKNOWN", { cause });
      });
      return result;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // One that is being made may fail meanwhile: it is gone all the same.
    await this.#pool.end().catch(() => {});
  }

  async #attempts<T>(attempt: (run: RunMysql) => Promise<T>): Promise<T> {
    const deadline = Date.now() + this.#options.callMillis;
    for (;;) {
      try {
        return await this.#attempt(attempt, Math.max(1, deadline - Date.now()));
      } catch (error) {
        if (!hasCode(error, "UNAVAILABLE") || this.#closed || Date.now() + ATTEMPT_MILLIS >= deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, ATTEMPT_MILLIS));
      }
    }
  }

  async #attempt<T>(attempt: (run: RunMysql) => Promise<T>, millis: number): Promise<T> {
    if (this.#closed) throw mysqlFailure("CLOSED");
    const connection = await this.#connect(millis);
    const run: RunMysql = async (sql, values = []) => {
      const [rows] = await connection.query<Mysql.RowDataPacket[]>({ sql, values: [...values], timeout: millis });
      // What is no query is answered with a header.
      return Array.isArray(rows) ? (rows as unknown as readonly MysqlRow[]) : [];
    };
    try {
      if (!this.#set.has(connection.connection)) {
        const seconds = Math.ceil(this.#options.callMillis / 1000);
        await run(SESSION);
        await run(LOCK_WAITS, [seconds, seconds]);
      }
      this.#set.add(connection.connection);
      const result = await attempt(run);
      connection.release();
      return result;
    } catch (error) {
      // Whatever it was in the middle of, the server rolls back when the connection ends.
      connection.destroy();
      throw error instanceof AshlarError ? error : failureOf(error);
    }
  }

  /** One that is made too late goes back to the pool. */
  async #connect(millis: number): Promise<Mysql.PoolConnection> {
    const connecting = this.#pool.getConnection();
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(mysqlFailure("UNAVAILABLE", { data: { millis } })), millis);
    try {
      return await Promise.race([connecting, late]);
    } catch (error) {
      connecting.then(
        (connection) => connection.release(),
        () => {},
      );
      throw error instanceof AshlarError ? error : failureOf(error);
    } finally {
      clearTimeout(timer);
    }
  }
}

async function secured({ caFile, certFile, keyFile }: MysqlOptions): Promise<Mysql.SslOptions | undefined> {
  const read = (file: string | undefined) => (file === undefined ? undefined : readFile(file));
  const [ca, cert, key] = await Promise.all([read(caFile), read(certFile), read(keyFile)]);
  if (ca === undefined && cert === undefined && key === undefined) return undefined;
  return { verifyIdentity: true, ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}
