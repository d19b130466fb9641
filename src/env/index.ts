export * from "./env.ts";
export { ENV_ERRORS, type EnvError, type EnvErrorCode, envFailure } from "./errors.ts";
