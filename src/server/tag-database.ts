// `--tag-database` and `--tag-sequence`: tags that a user's own database counts.

import { MysqlClient, TicketTable } from "../drivers/mysql/index.ts";
import { PostgresClient, PostgresSequence } from "../drivers/postgres/index.ts";
import type { NumberSource, OutsideTag } from "../service/ids/index.ts";
import { serverFailure } from "./errors.ts";
import type { Logger } from "./logger.ts";
import { type MysqlPlace, placeOfMysql } from "./mysql-url.ts";
import type { ServerOptions } from "./options.ts";
import { type PostgresPlace, placeOf } from "./store-url.ts";

export interface TagPlaces {
  readonly database: PostgresPlace | ({ readonly kind: "mysql" } & MysqlPlace);
  /** Tag to the name of its sequence or table. */
  readonly sequences: ReadonlyMap<string, string>;
}

const TAG = /^([\w.:+,@-]{1,128})(?:=(.{1,128}))?$/;
const MYSQL = /^(?:mysql|mariadb):/;
/** How long a call waits for a database that can not be reached: within it, a failover is not noticed. */
const CALL_MILLIS = 2000;
const CONNECTIONS_MAX = 4;
/** Where names without a schema are looked for. */
const POSTGRES_SCHEMA = "public";

/** Undefined without the options, whose password has been taken out. Throws TAG_DATABASE_INVALID. */
export function tagPlaces({ tagDatabase, tagDatabasePassword, tagSequence }: ServerOptions): TagPlaces | undefined {
  if (tagDatabase === undefined && tagSequence.length === 0) return undefined;
  const invalid = (what?: string) => serverFailure("TAG_DATABASE_INVALID", { ...(what !== undefined && { what }) });
  if (tagDatabase === undefined) throw invalid("--tag-sequence names a tag, and --tag-database no database.");
  if (tagSequence.length === 0) throw invalid("--tag-database names a database, and --tag-sequence no tag.");
  const sequences = new Map<string, string>();
  for (const text of tagSequence) {
    const [, tag, name = tag] = TAG.exec(text) ?? [];
    if (tag === undefined || name === undefined || sequences.has(tag))
      throw invalid(`--tag-sequence ${text} is neither TAG nor TAG=NAME, or names a tag again.`);
    sequences.set(tag, name);
  }
  if (MYSQL.test(tagDatabase)) {
    const place = placeOfMysql(tagDatabase, tagDatabasePassword);
    if (place === undefined) throw invalid("--tag-database names no user and database of a MySQL or MariaDB.");
    return { database: { kind: "mysql", ...place }, sequences };
  }
  const option = { flag: "--tag-database", url: tagDatabase, password: tagDatabasePassword, prefix: "" };
  const database = placeOf(option, invalid);
  if (database.kind !== "postgres") throw invalid("--tag-database is neither a PostgreSQL nor a MySQL or MariaDB.");
  return { database, sequences };
}

/** For the ids service. The database need not be reachable yet. `parts` owns what was opened. */
export async function openTagDatabase(
  { options, logger }: { readonly options: ServerOptions; readonly logger: Pick<Logger, "info" | "error"> },
  parts: AsyncDisposableStack,
): Promise<ReadonlyMap<string, OutsideTag> | undefined> {
  const places = tagPlaces(options);
  if (places === undefined) return undefined;
  const sourceOf = await openDatabase(places.database, options, parts);
  const tags = [...places.sequences].map(([tag, name]): [string, OutsideTag] => {
    const onFailure = (error: Error | undefined): void => {
      if (error === undefined) logger.info("ids.sequence-read", { tag });
      else logger.error("ids.sequence-unreadable", error, { tag });
    };
    return [tag, { source: sourceOf(name), description: `${name} of --tag-database`, onFailure }];
  });
  return new Map(tags);
}

async function openDatabase(
  database: TagPlaces["database"],
  options: ServerOptions,
  parts: AsyncDisposableStack,
): Promise<(name: string) => NumberSource> {
  const { tagDatabaseCa: caFile, tagDatabaseCert: certFile, tagDatabaseKey: keyFile } = options;
  const limits = { connectionsMax: CONNECTIONS_MAX, callMillis: CALL_MILLIS };
  const tls = { caFile, certFile, keyFile };
  if (database.kind === "mysql") {
    const client = parts.use(await MysqlClient.open({ ...database, ...tls, ...limits }));
    return (name) => new TicketTable(client, name);
  }
  const { url, password } = database;
  const client = parts.use(await PostgresClient.open({ url, password, tls, schema: POSTGRES_SCHEMA, ...limits }));
  return (name) => new PostgresSequence(client, name);
}
