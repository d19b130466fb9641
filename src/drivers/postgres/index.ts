export {
  PostgresClient,
  type PostgresListener,
  type PostgresOptions,
  type RunStatement,
  type SqlRow,
} from "./client.ts";
export { checkDurability } from "./durability.ts";
export { POSTGRES_ERRORS, type PostgresError, type PostgresErrorCode, postgresFailure } from "./errors.ts";
export { type DrawnNumbers, PostgresSequence } from "./sequence.ts";
