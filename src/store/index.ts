export {
  type CheckpointHeader,
  checkpointName,
  readCheckpoint,
  restoreCheckpoint,
  type WrittenCheckpoint,
  writeCheckpoint,
} from "./checkpoint.ts";
export type { EngineStore } from "./engine/engine-store.ts";
export { asStoreFailure } from "./engine/failures.ts";
export { isPassing, STORE_ERRORS, type StoreError, type StoreErrorCode, storeFailure } from "./errors.ts";
export { ETCD_PREFIX_BYTES_MAX, type OpenEtcdStore, openEtcdStore } from "./etcd/open.ts";
export { addressBytes, decodeKeyBound, encodeKeyBound } from "./key-codec.ts";
export type { PageLimits } from "./machine/export-pages.ts";
export { KEYS_FROM, type KeyInterval } from "./machine/range-state.ts";
export { type CommandResult, StoreMachine } from "./machine.ts";
export { type OpenPostgresStore, openPostgresStore } from "./postgres/open.ts";
export { GroupCalls, type PeerCalls } from "./ranges/group-calls.ts";
export { GroupRouter, type GroupRouterSettings } from "./ranges/group-router.ts";
export type { GroupStore } from "./ranges/group-store.ts";
export { type HeldRange, type JoinedCopy, writeJoinedCopy } from "./ranges/joined-copy.ts";
export { isMap, RangeMap } from "./ranges/range-map.ts";
export * from "./ranges/range-rows.ts";
export { RangeTable, type RangeTableSettings } from "./ranges/range-table.ts";
export { RANGED_DEFAULTS, type RangedOptions, RangedStore, type RangedStoreSettings } from "./ranges/ranged-store.ts";
export { RemoteGroup, type RemoteGroupSettings } from "./ranges/remote-group.ts";
export { RowSpool } from "./ranges/row-spool.ts";
export { groupsInIndex } from "./ranges/stopped-map.ts";
export {
  bringKeys,
  Copier,
  giveUp,
  PAGE_LIMITS,
  releaseKeys,
  type TransferGroup,
  type TransferName,
  type TransferRun,
  untilDone,
} from "./ranges/transfer.ts";
export { type TransferGroupSettings, transferGroup } from "./ranges/transfer-group.ts";
export type { StoreCounters } from "./replicated/counters.ts";
export { type OpenReplicatedStore, openReplicatedStore } from "./replicated/open.ts";
export { REPLICATED_DEFAULTS, type ReplicatedOptions } from "./replicated/options.ts";
export type { OpenGroup } from "./replicated/recovery.ts";
export type { ReplicatedStore } from "./replicated/replicated-store.ts";
export * from "./store.ts";
export { ROOT_GROUP, TABLES } from "./tables.ts";
export type { RevisionMark } from "./transactions/commit-steps.ts";
export {
  type AcrossOptions,
  type AcrossResult,
  Coordinator,
  type CoordinatorSettings,
} from "./transactions/coordinator.ts";
export { TRANSACTION_DEFAULTS, type TransactionOptions } from "./transactions/options.ts";
export type { Participant, Participants, SentCommand, TransactionResult } from "./transactions/participant.ts";
