// What `ashlar/server` exports.

// Whoever imports the types need not have this library among its own.
/// <reference lib="esnext.disposable" preserve="true" />

export { beginDataDirectory, joinDataDirectory } from "./data-directory.ts";
export { SERVER_ERRORS, type ServerError, type ServerErrorCode } from "./errors.ts";
export { SERVER_OPTIONS, type ServerOptions } from "./options.ts";
export {
  type GroupRepair,
  type LostElsewhere,
  type QuorumRepair,
  type QuorumRepairResult,
  repairQuorum,
} from "./repair-quorum.ts";
export { type RunningServer, resolveServerOptions, type StartOptions, startNode, startServer } from "./start.ts";
