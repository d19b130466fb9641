// How failures are told: as Spring tells Leaf's, a JSON object with these fields in this order, with the name of the Java class
// that Leaf's clients know. Why it was, in our own terms, is in the header X-Ashlar-Error.

import type { IdErrorCode, IdsErrorCode } from "../../service/ids/index.ts";
import { AshlarError } from "../../std/errors.ts";
import { HTTP_STATUS, SIGV4_STATUS } from "../http/index.ts";
import { type LeafErrorCode, leafFailure } from "./errors.ts";
import type { Mode } from "./request.ts";

export interface ToldFailure {
  readonly status: number;
  /** For the log and for X-Ashlar-Error. */
  readonly code: string;
  readonly body: LeafFailureBody;
}

export interface LeafFailureBody {
  readonly timestamp: number;
  readonly status: number;
  readonly error: string;
  readonly exception?: string;
  readonly message: string;
  readonly path: string;
}

/**
 * What Leaf says where it has no id: a negative number in the message. The reason is kept as the cause. Whatever else than a
 * wrong size keeps an id from being handed out comes to this, so that no client takes a failure for an id.
 */
export function noId(mode: Mode, cause: AshlarError): AshlarError {
  if (PASSED_ON.has(cause.code)) return cause;
  const results: Partial<Record<string, number>> = mode === "segment" ? SEGMENT_RESULTS : SNOWFLAKE_RESULTS;
  const result = results[cause.code] ?? OTHER_RESULT[mode];
  return leafFailure("NO_ID", { what: `Result{id=${result}, status=EXCEPTION}`, data: { reason: cause.code }, cause });
}

export function toldFailure(error: unknown, path: string, timestamp: number): ToldFailure {
  const failure = error instanceof AshlarError ? error : UNEXPECTED;
  const { code } = failure;
  const status = STATUSES[code] ?? 500;
  const exception = EXCEPTIONS[code] ?? (code === "PATH_MISSING" ? undefined : code);
  const told = { timestamp, status, error: REASONS[status]! };
  const message = code in EXCEPTIONS ? failure.message : withAdvice(failure);
  const body = { ...told, ...(exception !== undefined && { exception }), message, path };
  const reason = failure.data["reason"];
  return { status, code: typeof reason === "string" ? reason : code, body };
}

/** Leaf's -2: there is no such key; -1: its cache is not ready, as on a node that starts or stops. */
const SEGMENT_RESULTS: Partial<Record<IdsErrorCode, number>> = {
  TAG_MISSING: -2,
  SEQUENCE_MISSING: -2,
  NAME_INVALID: -2,
  IDS_CLOSED: -1,
  TABLE_UNREAD: -1,
};
/** Leaf's -3: the clock was set back too far; -2: the wait was interrupted. */
const SNOWFLAKE_RESULTS: Partial<Record<IdsErrorCode | IdErrorCode, number>> = { CLOCK_BEHIND: -3, IDS_CLOSED: -2 };
/** Of segments: what is held is used up, and no more has come in time. Of snowflake: no id after a wait. */
const OTHER_RESULT: Readonly<Record<Mode, number>> = { segment: -3, snowflake: -1 };

const PASSED_ON: ReadonlySet<string> = new Set<IdsErrorCode>(["COUNT_INVALID"]);

const OWN: Readonly<Record<LeafErrorCode, number>> = {
  NO_ID: 500,
  KEY_NONE: 500,
  KEY_MALFORMED: 400,
  PATH_MISSING: 404,
  PARAMETER_MISSING: 400,
  PARAMETER_INVALID: 400,
  SIZE_HIDDEN: 400,
  CREDENTIAL_MISSING: 401,
  CREDENTIAL_REFUSED: 401,
  ACCESS_DENIED: 403,
};

/** What else a request can meet: anything of a layer below is a failure of the server, as it is in Leaf. */
const STATUSES: Readonly<Record<string, number | undefined>> = {
  ...OWN,
  ...HTTP_STATUS,
  ...SIGV4_STATUS,
  COUNT_INVALID: 400,
  PAGE_INVALID: 400,
  GENERATOR_MISSING: 404,
  NAME_INVALID: 400,
};

/** The classes of Leaf and Spring. */
const EXCEPTIONS: Readonly<Partial<Record<string, string>>> = {
  NO_ID: "com.sankuai.inf.leaf.server.exception.LeafServerException",
  KEY_NONE: "com.sankuai.inf.leaf.server.exception.NoKeyException",
  PARAMETER_MISSING: "org.springframework.web.bind.MissingServletRequestParameterException",
};

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  408: "Request Timeout",
  413: "Payload Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

const UNEXPECTED: AshlarError = new AshlarError(
  "INTERNAL",
  "The server met an error that it did not expect.",
  "Look for the request's id in the server's log, and report what stands there.",
);

function withAdvice({ code, message, advice }: AshlarError): string {
  return code === "PATH_MISSING" ? message : `${message} ${advice}`;
}
