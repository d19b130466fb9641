import { type AshlarError, failures } from "../../std/errors.ts";

/** What a request to the HTTP API can fail with before a service has seen it. */
export const API_ERRORS = {
  INPUT_INVALID: {
    what: "The request holds something that this operation does not take.",
    advice: "Correct what is named; /openapi.json describes what each operation takes.",
  },
  ROUTE_MISSING: { what: "There is nothing at this path.", advice: "See /openapi.json for the paths that there are." },
  METHOD_NOT_ALLOWED: {
    what: "The path does not take this method.",
    advice: "Use one of the methods that the Allow header names.",
  },
  BODY_NOT_JSON: { what: "The body is not a JSON document.", advice: "Send JSON in UTF-8." },
  CONTENT_TYPE_REFUSED: {
    what: "The body's type is not taken here.",
    advice: "Send `Content-Type: application/json`.",
  },
  LENGTH_REQUIRED: { what: "The body comes without its length.", advice: "Send a Content-Length header." },
  SIGN_IN_REQUIRED: {
    what: "The request carries no credential.",
    advice: "Sign it (Signature Version 4, service `ashlar`), or sign in with POST /v1/session.",
  },
  CREDENTIAL_REFUSED: {
    what: "The credential is not good.",
    advice: "Check the access key and its secret, and whether the key or its user is disabled or expired.",
  },
  ORIGIN_REFUSED: {
    what: "The request was made by another site's page.",
    advice: "Use the console itself, or sign the request instead of relying on the cookie.",
  },
  ACCESS_DENIED: {
    what: "The caller may not do this.",
    advice: "Have a policy attached that allows it; `ashlar policy explain` tells what decided.",
  },
  WATCHERS_EXHAUSTED: {
    what: "As many watchers are connected as there may be.",
    advice: "Close pages and scripts that watch, or try again later.",
  },
  UPLOADS_EXHAUSTED: {
    what: "As many uploads of unknown length are running as there may be.",
    advice: "Send a Content-Length header, or try again later.",
  },
  BACKUP_RUNNING: {
    what: "A backup is being taken already.",
    advice: "Wait until it has ended: one runs at a time.",
  },
  LINK_REFUSED: {
    what: "A link can not be made.",
    advice: "It needs an S3 gateway that runs, and a credential that can sign.",
  },
  ENGINE_KEEPS_STORE: {
    what: "An engine outside of this node keeps the Store.",
    advice:
      "Use that engine's own tools, together with a copy of the data directory; the manual's page on engines tells how.",
  },
  CLUSTER_MISSING: {
    what: "The node is alone: there is no cluster.",
    advice: "`ashlar cluster init` makes a data directory the first of a cluster.",
  },
  DEADLINE_EXCEEDED: {
    what: "The request was not answered within the time that it gave.",
    advice: "Try again, or give it more time with `timeoutMillis`.",
  },
  EVENT_UNKNOWN: { what: "The id is not one of an event.", advice: "Use an id that a listing of events returned." },
} as const;

export type ApiErrorCode = keyof typeof API_ERRORS;
export type ApiError = AshlarError<ApiErrorCode>;

export const apiFailure: ReturnType<typeof failures<typeof API_ERRORS>> = failures(API_ERRORS);
