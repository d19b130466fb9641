export { STORE_ERRORS, type StoreError, type StoreErrorCode, storeFailure } from "./errors.ts";
export { type OpenReplicatedStore, openReplicatedStore } from "./replicated/open.ts";
export * from "./store.ts";
export { TABLES } from "./tables.ts";
