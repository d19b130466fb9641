// What stands in the database, all of it in one schema. Rows are the machine's: keys and values as it writes them, each
// value with a checksum that is bound to its key. Bytes sort in PostgreSQL as they do in the Index.
//
//   format   one row: the format of everything here, and an id that positions carry
//   state    one row: the machine's counters; whoever writes holds its lock
//   rows     key, value
//   history  revision, changes: of the last commits, for watchers
//   leases   when each lease ends, by the database's clock

import type { PostgresClient, RunStatement } from "../../drivers/postgres/index.ts";
import { storeFailure } from "../errors.ts";

/** Where commits are told of: a name in the whole database. As SQL, and for `listen`. */
export const CHANNEL_SQL = "current_schema() || '_history'";

export function channelOf(schema: string): string {
  return `${schema}_history`;
}

const FORMAT = 1;

const CREATE: readonly string[] = [
  `create table format (singleton boolean primary key default true check (singleton), format int not null, id text not null)`,
  // Its row is written by every batch: room on its page keeps that from growing the table.
  `create table state (singleton boolean primary key default true check (singleton), value bytea, trimmed float8 not null)
     with (fillfactor = 10)`,
  `create table rows (key bytea primary key, value bytea not null)`,
  `alter table rows alter column value set storage external`,
  `create table history (revision float8 primary key, changes bytea not null)`,
  `alter table history alter column changes set storage external`,
  `create table leases (lease float8 primary key, ttl_millis float8 not null, ends timestamptz not null)`,
  `insert into state (trimmed) values (0)`,
];

/** The id of what is stored. Creates the schema where there is none; rejects with FORMAT_NEWER. */
export async function openSchema(client: PostgresClient, schema: string, newId: string): Promise<string> {
  return client.transaction("select pg_advisory_xact_lock(6583164927481)", async (run) => {
    if (!(await exists(run, schema))) await create(run, schema, newId);
    const [[format, id]] = (await run({ text: "select format, id from format" })) as [[number, string]];
    if (format > FORMAT) {
      const what = "The rows in PostgreSQL were written by a newer version of Ashlar.";
      throw storeFailure("FORMAT_NEWER", { what, data: { format, formatMax: FORMAT } });
    }
    return id;
  });
}

async function exists(run: RunStatement, schema: string): Promise<boolean> {
  const text = "select 1 from pg_tables where schemaname = $1 and tablename = 'format'";
  const found = await run({ text, values: [schema] });
  return found.length > 0;
}

async function create(run: RunStatement, schema: string, id: string): Promise<void> {
  const [found] = await run({ text: "select 1 from pg_namespace where nspname = $1", values: [schema] });
  // Whoever may not create schemas can be given one that is empty.
  if (found === undefined) await run({ text: `create schema ${schema}` });
  for (const text of CREATE) await run({ text });
  await run({ text: "insert into format (format, id) values ($1::int, $2::text)", values: [FORMAT, id] });
}
