// What every storage and every transport of a group must do, as tests that any runner can register: those from outside
// can prove themselves with them. Nothing is skipped silently: a test that can not be passed, or for which its provider
// can not crash or cut, is named together with the reason. Nothing of Node is needed.

/// <reference lib="esnext.disposable" preserve="true" />

export type { ConformanceSkip, RegisterTest } from "./conformance/case.ts";
export {
  RAFT_STORAGE_TESTS,
  type RaftStorageConformance,
  raftStorageConformance,
  type StorageFixture,
} from "./conformance/storage.ts";
export type { StorageNeed } from "./conformance/storage-subject.ts";
export {
  RAFT_TRANSPORT_TESTS,
  type RaftTransportConformance,
  raftTransportConformance,
  type TransportFixture,
} from "./conformance/transport.ts";
export type { TransportNeed } from "./conformance/transport-subject.ts";
