import { type AshlarError, failures } from "../../std/errors.ts";

export const MYSQL_ERRORS = {
  CLIENT_MISSING: {
    what: "The package that speaks to MySQL and MariaDB is not installed.",
    advice: "npm i mysql2",
  },
  UNAVAILABLE: {
    what: "The database could not be reached, or takes no writes; nothing was changed.",
    advice: "Check the address, that the server runs, and that it is not a replica.",
  },
  OUTCOME_UNKNOWN: {
    what: "The transaction was sent to the database but the answer to its commit was lost.",
    advice: "Read what it may have changed.",
  },
  OVERLOADED: {
    what: "The database has no connection or no space left.",
    advice: "Try again later; raise max_connections or give its disk more room.",
  },
  DENIED: {
    what: "The database refused the credentials, or they do not allow this.",
    advice: "Check the user, the password and the name of the database, and what the user was granted.",
  },
  UNSAFE: {
    what: "The database is set up so that it may lose what it has acknowledged.",
    advice:
      "Set innodb_flush_log_at_trx_commit to 1, and sync_binlog to 1 where it has a binary log; use MySQL 8.0, MariaDB 10.3, or newer.",
  },
  ROW_EXISTS: { what: "There is a row with this key already.", advice: "Read it." },
  SEQUENCE_MISSING: {
    what: "The database has no such table.",
    advice: "Create it, or name another one; and check that the user has rights on it.",
  },
  SEQUENCE_UNFIT: {
    what: "The table could give a number twice, or counts otherwise.",
    advice: "Take one with the engine InnoDB, a number with AUTO_INCREMENT and a UNIQUE column stub.",
  },
  OUT_OF_RANGE: { what: "The database has no number left for this.", advice: "Go on with another row." },
  ANSWER_INVALID: {
    what: "The database refused a statement, or holds what it should not.",
    advice: "Check that the table is there and is as it should be; what the database said stands in the log.",
  },
  CLOSED: { what: "The connections to the database were closed.", advice: "Open them again." },
} as const;

export type MysqlErrorCode = keyof typeof MYSQL_ERRORS;
export type MysqlError = AshlarError<MysqlErrorCode>;

export const mysqlFailure: ReturnType<typeof failures<typeof MYSQL_ERRORS>> = failures(MYSQL_ERRORS);

/** By the server's number of it; what has none never reached a decision of the server. */
export function failureOf(error: unknown): MysqlError {
  const number = serverNumber(error);
  const detail = error instanceof Error ? error.message : String(error);
  const code = number === undefined ? "UNAVAILABLE" : (CODES[number] ?? "ANSWER_INVALID");
  return mysqlFailure(code, { data: { number, detail }, cause: error });
}

/** Those of MySQL and of MariaDB, which share most. */
const CODES: Readonly<Record<number, MysqlErrorCode | undefined>> = {
  1021: "OVERLOADED", // The disk is full.
  1040: "OVERLOADED", // Too many connections.
  1203: "OVERLOADED", // Too many of this user.
  1226: "OVERLOADED",
  1041: "OVERLOADED",
  1053: "UNAVAILABLE", // The server stops.
  1205: "UNAVAILABLE", // A lock was waited for too long.
  1213: "UNAVAILABLE", // A deadlock, of which this is the victim.
  1290: "UNAVAILABLE", // Read only.
  1836: "UNAVAILABLE",
  1927: "UNAVAILABLE", // The connection was killed.
  1044: "DENIED",
  1045: "DENIED",
  1049: "DENIED", // There is no such database.
  1130: "DENIED",
  1142: "DENIED",
  1143: "DENIED",
  1227: "DENIED",
  1698: "DENIED",
  1062: "ROW_EXISTS",
  167: "OUT_OF_RANGE", // Of AUTO_INCREMENT, by the engine's number.
  1467: "OUT_OF_RANGE",
  1264: "OUT_OF_RANGE",
  1690: "OUT_OF_RANGE",
};

function serverNumber(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const { errno, sqlState } = error as { readonly errno?: unknown; readonly sqlState?: unknown };
  return typeof errno === "number" && errno > 0 && typeof sqlState === "string" ? errno : undefined;
}
