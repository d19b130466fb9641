import { type AshlarError, failures } from "../../std/errors.ts";

export const REDIS_ERRORS = {
  CLIENT_MISSING: {
    what: "The package that speaks to Redis is not installed.",
    advice: "npm i @redis/client",
  },
  UNAVAILABLE: {
    what: "Redis could not be reached, or takes no writes; nothing was changed.",
    advice: "Check the address, that the server runs, and that it is not a replica.",
  },
  OUTCOME_UNKNOWN: {
    what: "The command was sent to Redis but its answer was lost.",
    advice: "Read what it may have changed.",
  },
  OVERLOADED: {
    what: "Redis has no memory left for this.",
    advice: "Raise its maxmemory.",
  },
  DENIED: {
    what: "Redis refused the credentials, or they do not allow this.",
    advice:
      "Give a user that may read, write and run scripts on the keys under the prefix, and read the configuration.",
  },
  UNSAFE: {
    what: "Redis is set up so that it may lose what it has acknowledged.",
    advice: "Set appendonly to yes, appendfsync to always, and a maxmemory-policy that is not of the allkeys kind.",
  },
  ANSWER_INVALID: {
    what: "Redis refused a command.",
    advice: "Check that nobody else uses the keys under the prefix; Redis 6 or newer is needed.",
  },
  CLOSED: { what: "The connection to Redis was closed.", advice: "Open it again." },
} as const;

export type RedisErrorCode = keyof typeof REDIS_ERRORS;
export type RedisError = AshlarError<RedisErrorCode>;

export const redisFailure: ReturnType<typeof failures<typeof REDIS_ERRORS>> = failures(REDIS_ERRORS);

/** Of an error that Redis answered, by the word that it begins with. */
export function answeredFailure(cause: Error): RedisError {
  const details = { data: { detail: cause.message }, cause };
  switch (/^[A-Z]+/.exec(cause.message)?.[0]) {
    case "NOAUTH":
    case "WRONGPASS":
    case "NOPERM":
      return redisFailure("DENIED", details);
    case "OOM":
      return redisFailure("OVERLOADED", details);
    case "READONLY":
    case "LOADING":
    case "MASTERDOWN":
    case "CLUSTERDOWN":
    case "MISCONF":
    case "BUSY":
      return redisFailure("UNAVAILABLE", details);
    default:
      return redisFailure("ANSWER_INVALID", details);
  }
}
