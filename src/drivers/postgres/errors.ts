import { type AshlarError, failures } from "../../std/errors.ts";

export const POSTGRES_ERRORS = {
  CLIENT_MISSING: {
    what: "The package that speaks to PostgreSQL is not installed.",
    advice: "npm i pg",
  },
  UNAVAILABLE: {
    what: "PostgreSQL could not be reached, or takes no writes; nothing was changed.",
    advice: "Check the address, that the server runs, and that it is not a standby.",
  },
  OUTCOME_UNKNOWN: {
    what: "The transaction was sent to PostgreSQL but the answer to its commit was lost.",
    advice: "Read what it may have changed.",
  },
  OVERLOADED: {
    what: "PostgreSQL has no connection or no space left.",
    advice: "Try again later; raise max_connections or give its disk more room.",
  },
  DENIED: {
    what: "PostgreSQL refused the credentials, or they do not allow this.",
    advice: "Give a user that may create the schema `ashlar` in the database, or own it.",
  },
  UNSAFE: {
    what: "PostgreSQL is set up so that it may lose what it has acknowledged.",
    advice: "Set fsync, full_page_writes and synchronous_commit to on.",
  },
  SEQUENCE_MISSING: {
    what: "The database has no such sequence.",
    advice: "Create it, or name another one; and check that the user has rights on it.",
  },
  SEQUENCE_UNFIT: {
    what: "The sequence could give a number twice, or counts otherwise.",
    advice: "Take one that counts up, is logged, and has NO CYCLE.",
  },
  OUT_OF_RANGE: { what: "The database has no number left for this.", advice: "Go on with another sequence." },
  ANSWER_INVALID: {
    what: "PostgreSQL refused a statement.",
    advice: "Check that nobody else has changed the schema `ashlar`; PostgreSQL 12 or newer is needed.",
  },
  CLOSED: { what: "The connections to PostgreSQL were closed.", advice: "Open them again." },
} as const;

export type PostgresErrorCode = keyof typeof POSTGRES_ERRORS;
export type PostgresError = AshlarError<PostgresErrorCode>;

export const postgresFailure: ReturnType<typeof failures<typeof POSTGRES_ERRORS>> = failures(POSTGRES_ERRORS);

/** By the class of its SQLSTATE; what has none never reached a decision of the server. */
export function failureOf(error: unknown): PostgresError {
  const state = sqlState(error);
  const detail = error instanceof Error ? error.message : String(error);
  const details = { data: { state, detail }, cause: error };
  if (state === undefined || state === "25006") return postgresFailure("UNAVAILABLE", details);
  switch (state.slice(0, 2)) {
    case "08":
    case "40":
    case "57":
      return postgresFailure("UNAVAILABLE", details);
    case "53":
      return postgresFailure("OVERLOADED", details);
    case "28":
    case "3D":
      return postgresFailure("DENIED", details);
    default:
      return state === "42501" ? postgresFailure("DENIED", details) : postgresFailure("ANSWER_INVALID", details);
  }
}

/** Undefined where the connection failed and not a statement. */
export function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as { readonly code?: unknown }).code : undefined;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && "severity" in (error as object) ? code : undefined;
}
