// A bounded number of connections to one PostgreSQL. Reads and transactions whose connection breaks begin again until the
// time for a call is over: they have changed nothing. Only a commit whose answer is lost is OUTCOME_UNKNOWN.

import { readFile } from "node:fs/promises";
import type * as Pg from "pg";
import { assert } from "../../std/assert.ts";
import { hasCode } from "../../std/errors.ts";
import { failureOf, postgresFailure, sqlState } from "./errors.ts";

export interface PostgresOptions {
  /** As libpq takes it, without a password. */
  readonly url: string;
  readonly password?: string | undefined;
  /** Names of PEM files; the URL's `sslmode` decides where none is given. */
  readonly tls?: {
    readonly caFile?: string | undefined;
    readonly certFile?: string | undefined;
    readonly keyFile?: string | undefined;
  };
  /** Unqualified names are of this schema. A plain name. */
  readonly schema: string;
  readonly connectionsMax: number;
  /** How long a call may take, with all its attempts. */
  readonly callMillis: number;
}

export interface Statement {
  /** Prepared under this name, once a connection. */
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** Columns in their order: `bytea` as bytes, numbers as numbers. */
export type SqlRow = readonly unknown[];

export type RunStatement = (statement: Statement) => Promise<readonly SqlRow[]>;

const ATTEMPT_MILLIS = 100;

export class PostgresClient implements AsyncDisposable {
  readonly #pool: Pg.Pool;
  readonly #options: PostgresOptions;
  readonly #listeners = new Set<PostgresListener>();
  #closed = false;

  /** Connects when it is first used. Rejects with CLIENT_MISSING. */
  static async open(options: PostgresOptions): Promise<PostgresClient> {
    const { default: pg } = await import("pg").catch((cause: unknown) => {
      throw postgresFailure("CLIENT_MISSING", { cause });
    });
    const { schema, connectionsMax, callMillis, tls } = options;
    assert(/^[a-z][a-z0-9_]{0,47}$/.test(schema), "the name of a schema needs no quotes");
    const pool = new pg.Pool({
      connectionString: withPassword(options),
      max: connectionsMax,
      connectionTimeoutMillis: callMillis,
      query_timeout: callMillis,
      idleTimeoutMillis: 0,
      keepAlive: true,
      application_name: "ashlar",
      options: `-c search_path=${schema}`,
      ...(tls?.caFile && { ssl: await secured(tls) }),
    });
    // A connection that breaks while nobody uses it is replaced.
    pool.on("error", () => {});
    return new PostgresClient(pool, options);
  }

  private constructor(pool: Pg.Pool, options: PostgresOptions) {
    this.#pool = pool;
    this.#options = options;
  }

  /** One statement that only reads, or whose repetition does no harm. */
  read(statement: Statement): Promise<readonly SqlRow[]> {
    return this.#attempts(async (connection) => {
      const rows = await run(connection, statement);
      return () => rows;
    });
  }

  /**
   * Begins with a statement that takes a lock, does the work on its rows, and commits. The work may be done several times,
   * each time on what the database holds then; it changes nothing else. What it throws by itself rolls everything back.
   */
  transaction<T>(lock: string, work: (run: RunStatement, locked: readonly SqlRow[]) => Promise<T>): Promise<T> {
    return this.#attempts(async (connection) => {
      const locked = await begin(connection, lock);
      const result = await work((statement) => run(connection, statement), locked);
      return async () => {
        try {
          await connection.query("commit");
        } catch (cause) {
          throw postgresFailure("OUTCOME_UNKNOWN", { cause });
        }
        return result;
      };
    });
  }

  /** Calls back whenever somebody notifies the channel; some notices may be lost with a connection. */
  listen(channel: string, onNotice: () => void): PostgresListener {
    const listener = new PostgresListener(() => this.#pool.connect(), channel, onNotice);
    this.#listeners.add(listener);
    return listener;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const listener of this.#listeners) listener.close();
    await this.#pool.end();
  }

  /** The attempt gives what is to be done last, after which nothing is tried again. */
  async #attempts<T>(attempt: (connection: Pg.PoolClient) => Promise<() => T | Promise<T>>): Promise<T> {
    const deadline = Date.now() + this.#options.callMillis;
    for (;;) {
      try {
        return await this.#attempt(attempt);
      } catch (error) {
        if (!hasCode(error, "UNAVAILABLE") || this.#closed || Date.now() + ATTEMPT_MILLIS >= deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, ATTEMPT_MILLIS));
      }
    }
  }

  async #attempt<T>(attempt: (connection: Pg.PoolClient) => Promise<() => T | Promise<T>>): Promise<T> {
    if (this.#closed) throw postgresFailure("CLOSED");
    const connection = await this.#pool.connect().catch((error: unknown) => {
      throw failureOf(error);
    });
    // Of a connection that breaks between two statements; the next one fails by itself.
    const ignore = (): void => {};
    connection.on("error", ignore);
    let broken: Error | undefined;
    try {
      const finish = await attempt(connection);
      return await finish();
    } catch (error) {
      broken = error as Error;
      throw isOwn(error) ? error : failureOf(error);
    } finally {
      connection.off("error", ignore);
      // Whatever it was in the middle of, the server rolls back when the connection ends.
      connection.release(broken);
    }
  }
}

const RETRY_MILLIS = 500;

/** What a listener needs of a connection: the client's own types are the caller's to install. */
export interface ListeningConnection {
  on(event: "error" | "notification", listener: () => void): unknown;
  query(text: string): Promise<unknown>;
  release(destroy: boolean): void;
}

/** A connection of its own that waits for notices. */
export class PostgresListener {
  readonly #connect: () => Promise<ListeningConnection>;
  readonly #channel: string;
  readonly #onNotice: () => void;
  #connection: ListeningConnection | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(connect: () => Promise<ListeningConnection>, channel: string, onNotice: () => void) {
    this.#connect = connect;
    this.#channel = channel;
    this.#onNotice = onNotice;
    void this.#begin();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#connection?.release(true);
    this.#connection = undefined;
  }

  async #begin(): Promise<void> {
    let connection: ListeningConnection | undefined;
    try {
      connection = await this.#connect();
      connection.on("error", () => this.#broken(connection!));
      connection.on("notification", this.#onNotice);
      await connection.query(`listen ${this.#channel}`);
    } catch {
      connection?.release(true);
      this.#again();
      return;
    }
    if (this.#closed) connection.release(true);
    else this.#connection = connection;
    this.#onNotice();
  }

  #broken(connection: ListeningConnection): void {
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    connection.release(true);
    this.#again();
  }

  #again(): void {
    if (!this.#closed) this.#retry = setTimeout(() => void this.#begin(), RETRY_MILLIS);
  }
}

async function run(connection: Pg.PoolClient, { name, text, values = [] }: Statement): Promise<readonly SqlRow[]> {
  const query = { text, values: [...values], rowMode: "array" as const, ...(name && { name }) };
  const { rows } = await connection.query<unknown[]>(query);
  return rows;
}

/** Both in one message. */
async function begin(connection: Pg.PoolClient, lock: string): Promise<readonly SqlRow[]> {
  const answers: unknown = await connection.query({
    text: `begin isolation level read committed read write; ${lock}`,
    rowMode: "array",
  });
  return (answers as readonly Pg.QueryArrayResult<unknown[]>[])[1]!.rows;
}

/** Thrown by the work itself: neither a failure of a statement nor one of the connection, which are plain errors. */
function isOwn(error: unknown): boolean {
  return sqlState(error) === undefined && error instanceof Error && error.name !== "Error";
}

function withPassword({ url, password }: PostgresOptions): string {
  if (password === undefined) return url;
  const whole = new URL(url);
  whole.password = encodeURIComponent(password);
  return whole.href;
}

async function secured({ caFile, certFile, keyFile }: NonNullable<PostgresOptions["tls"]>) {
  const read = (file: string | undefined) => (file === undefined ? undefined : readFile(file));
  const [ca, cert, key] = await Promise.all([read(caFile), read(certFile), read(keyFile)]);
  return { ca, ...(cert && { cert }), ...(key && { key }) };
}
