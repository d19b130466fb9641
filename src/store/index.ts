export {
  type CheckpointHeader,
  checkpointName,
  readCheckpoint,
  restoreCheckpoint,
  type WrittenCheckpoint,
  writeCheckpoint,
} from "./checkpoint.ts";
export { STORE_ERRORS, type StoreError, type StoreErrorCode, storeFailure } from "./errors.ts";
export { addressBytes } from "./key-codec.ts";
export { type CommandResult, StoreMachine } from "./machine.ts";
export type { StoreCounters } from "./replicated/counters.ts";
export { type OpenReplicatedStore, openReplicatedStore } from "./replicated/open.ts";
export { REPLICATED_DEFAULTS, type ReplicatedOptions } from "./replicated/options.ts";
export type { OpenGroup } from "./replicated/recovery.ts";
export type { ReplicatedStore } from "./replicated/replicated-store.ts";
export * from "./store.ts";
export { TABLES } from "./tables.ts";
