import { serverFailure } from "./errors.ts";
import type { ServerOptions } from "./options.ts";

/** A database of a MySQL or MariaDB. */
export interface MysqlPlace {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
}

const FORM = /^(?:mysql|mariadb):\/\/([^:@/]+)@(\[[0-9a-fA-F:.]+\]|[^:@/?#[\]]+)(?::(\d{1,5}))?\/([^/?#]+)$/;
const MYSQL_PORT = 3306;

/** The same, with a password out of the URL: options are shown to operators, but for secrets. */
export function withoutMysqlPassword(options: ServerOptions): ServerOptions {
  const [, head, password, tail] = /^([a-z]+:\/\/[^:@/]*):([^@/]*)(@.*)$/.exec(options.leafMysql ?? "") ?? [];
  if (password === undefined) return options;
  return {
    ...options,
    leafMysql: `${head}${tail}`,
    leafMysqlPassword: options.leafMysqlPassword ?? unescaped(password),
  };
}

/** Undefined without the option, whose password has been taken out. Throws MYSQL_OPTION_INVALID. */
export function mysqlPlace({ leafMysql, leafMysqlPassword, leafListen }: ServerOptions): MysqlPlace | undefined {
  if (leafMysql === undefined) return undefined;
  const place = placeOfMysql(leafMysql, leafMysqlPassword);
  if (place === undefined || leafListen === undefined) throw serverFailure("MYSQL_OPTION_INVALID");
  return place;
}

/** Undefined for what is no `mysql://USER@HOST[:PORT]/DATABASE`, or the same as mariadb. */
export function placeOfMysql(url: string, password: string | undefined): MysqlPlace | undefined {
  const match = FORM.exec(url);
  const port = Number(match?.[3] ?? MYSQL_PORT);
  const user = decoded(match?.[1]);
  const database = decoded(match?.[4]);
  if (match === null || user === undefined || database === undefined || port < 1 || port > 65_535) return undefined;
  return { host: match[2]!.replace(/^\[|\]$/g, ""), port, user, password, database };
}

/** Throws MYSQL_OPTION_INVALID. */
function unescaped(password: string): string {
  const text = decoded(password);
  if (text !== undefined) return text;
  throw serverFailure("MYSQL_OPTION_INVALID", {
    what: "The password in --leaf-mysql holds a % that begins no escape.",
  });
}

/** Undefined where a % begins no escape. */
function decoded(part: string | undefined): string | undefined {
  try {
    return part && decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
