import { type AshlarError, failures } from "../std/errors.ts";

/** What the client itself fails with. A code that the server has too means the same there. */
export const CLIENT_ERRORS = {
  URL_INVALID: {
    what: "The address is not one of a server's API.",
    advice: "Give the address of --api-listen, as in http://127.0.0.1:9100.",
  },
  CREDENTIAL_MISSING: {
    what: "There is no access key.",
    advice: "Pass `credentials`, or set ASHLAR_ACCESS_KEY and ASHLAR_SECRET_KEY.",
  },
  ARGUMENT_INVALID: { what: "The call takes other arguments.", advice: "Correct the caller." },
  SERVER_UNREACHABLE: {
    what: "No server answers.",
    advice: "Check the addresses, and whether the servers run and their certificates are trusted.",
  },
  REPLY_UNREADABLE: {
    what: "The answer is not one of Ashlar's API.",
    advice: "Check that the address is the API's, not that of S3 or of a proxy's error page.",
  },
  OVERLOADED: {
    what: "Too many calls of this client wait already.",
    advice: "Wait for some of them before making more.",
  },
  DEADLINE_EXCEEDED: {
    what: "The call was not answered within its time.",
    advice: "Try again, or give it more with `timeoutMillis`.",
  },
  OUTCOME_UNKNOWN: {
    what: "The call was sent and its result is not known: it may have taken effect, or not.",
    advice: "Read what it changes to find out.",
  },
  LEASE_LOST: {
    what: "The lease could not be kept alive: it has ended, or is about to.",
    advice: "Stop what relies on it; grant a new one to go on.",
  },
  CLOSED: { what: "The client is closed.", advice: "Make calls before it is closed." },
} as const;

export type ClientErrorCode = keyof typeof CLIENT_ERRORS;

export const clientFailure: ReturnType<typeof failures<typeof CLIENT_ERRORS>> = failures(CLIENT_ERRORS);

/** Codes that a server answers calls of this client with, beside those for a credential or a request that is malformed. */
export type ServerErrorCode = (typeof SERVER_ERROR_CODES)[number];

export const SERVER_ERROR_CODES = [
  "INPUT_INVALID",
  "SIGN_IN_REQUIRED",
  "CREDENTIAL_REFUSED",
  "SIGNATURE_DOES_NOT_MATCH",
  "REQUEST_TIME_TOO_SKEWED",
  "ACCESS_DENIED",
  "TOO_MANY_REQUESTS",
  "BODY_TOO_LARGE",
  "WATCHERS_EXHAUSTED",
  "DEADLINE_EXCEEDED",
  "TOO_LARGE",
  "REQUEST_INVALID",
  "OVERLOADED",
  "NO_LEADER",
  "NOT_LEADER",
  "RANGE_MISMATCH",
  "RANGE_MOVING",
  "DEADLINE_PASSED",
  "OUTCOME_UNKNOWN",
  "LEASE_UNKNOWN",
  "SESSION_UNKNOWN",
  "SESSION_WINDOW",
  "HISTORY_LOST",
  "SLOW_WATCHER",
  "POSITION_INVALID",
  "STOPPED",
  "NAME_INVALID",
  "CONTENDED",
  "TAG_MISSING",
  "TAG_EXISTS",
  "TAG_INVALID",
  "TAG_START_PASSED",
  "TAG_USED_UP",
  "LIMIT_TAGS",
  "TAG_OUTSIDE",
  "SEQUENCE_MISSING",
  "SEQUENCE_REFUSED",
  "SEQUENCE_DENIED",
  "SEQUENCE_UNAVAILABLE",
  "GENERATOR_MISSING",
  "GENERATOR_EXISTS",
  "GENERATOR_BUILT_IN",
  "GENERATOR_INVALID",
  "GENERATOR_FIXED",
  "LIMIT_GENERATORS",
  "LAYOUT_INVALID",
  "WORKERS_EXHAUSTED",
  "WORKER_LOST",
  "WORKER_SOURCE_UNAVAILABLE",
  "IDS_OVERLOADED",
  "IDS_CLOSED",
  "UNIT_FULL",
  "CLOCK_BEHIND",
  "CLOCK_BEFORE_EPOCH",
  "TIME_EXHAUSTED",
  "MALFORMED",
  "OUT_OF_RANGE",
] as const;

export type AshlarErrorCode = ClientErrorCode | ServerErrorCode;
export type { AshlarError };

/** Nothing has happened at the server that says so, and another one may do better. */
const REFUSED: ReadonlySet<string> = new Set([
  ...["OVERLOADED", "NO_LEADER", "NOT_LEADER", "TOO_MANY_REQUESTS"],
  ...["RANGE_MISMATCH", "RANGE_MOVING", "DEADLINE_PASSED"],
  ...["CONTENDED", "IDS_OVERLOADED", "IDS_CLOSED", "WORKERS_EXHAUSTED", "WORKER_LOST", "SEQUENCE_UNAVAILABLE"],
  ...["WORKER_SOURCE_UNAVAILABLE"],
  ...["CLOCK_BEHIND", "CLOCK_BEFORE_EPOCH"],
]);
/** Something may have happened, and another server can tell. */
const UNCERTAIN: ReadonlySet<string> = new Set([
  "OUTCOME_UNKNOWN",
  "DEADLINE_EXCEEDED",
  "STOPPED",
  "SERVER_UNREACHABLE",
  "CONNECTION_LOST",
  "LOG_CLOSED",
]);
/** Of answers without a code: of a server that is starting, or of a proxy in front of it. */
const UNCERTAIN_STATUSES: ReadonlySet<unknown> = new Set([502, 503, 504]);

export type FailureKind = "refused" | "uncertain" | "final";

/** What a failed attempt means for the next one. */
export function kindOf({ code, data }: AshlarError): FailureKind {
  if (code === "SERVER_UNREACHABLE" && data["sent"] === false) return "refused";
  if (REFUSED.has(code)) return "refused";
  if (UNCERTAIN.has(code)) return "uncertain";
  return code === "REPLY_UNREADABLE" && UNCERTAIN_STATUSES.has(data["status"]) ? "uncertain" : "final";
}
