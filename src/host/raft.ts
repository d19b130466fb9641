// What `ashlar/raft` is: a replicated group that is ready to use, and the protocol alone for those who drive it
// themselves. It runs in Node and in a browser; what needs files and sockets is in `ashlar/raft/node`.

// Whoever imports the types need not have this library among its own.
/// <reference lib="esnext.disposable" preserve="true" />

export type {
  Configuration,
  Explanation,
  LaggingMember,
  ProgressStatus,
  RaftStatus,
  Role,
} from "../core/raft/index.ts";
export type { Clock, Disk, DiskFile, Random, Timer, Timers } from "../env/index.ts";
export type { LogPoint, LogRecord, MembershipMark, StoredEntry } from "../log/index.ts";
export { AshlarError } from "../std/errors.ts";
export { type ByteSource, sourceFrom, sourceOf } from "../std/source.ts";
export { HOST_ERRORS, type HostError, type HostErrorCode } from "./errors.ts";
export type { GroupEvent } from "./group-services.ts";
export { type CommandContext, type MemoryMachine, memoryMachine } from "./memory-machine.ts";
export { MemoryNetwork } from "./memory-network.ts";
export { type MemoryStorageOptions, memoryStorage } from "./memory-storage.ts";
export type { CoreOptions, GroupLimits, HostLimits } from "./options.ts";
export { broadcastTransport, type MessageEnd, portTransport } from "./port-transport.ts";
export { RaftGroup } from "./raft-group.ts";
export {
  type GroupSessionOptions,
  RAFT_GROUP_DEFAULTS,
  type RaftGroupLimits,
  type RaftGroupOptions,
} from "./raft-group-options.ts";
export type { RaftLog, RaftLogGroup } from "./raft-log.ts";
export type { OpenRaftStorage, RaftEnv, RaftStorage, SnapshotDisk } from "./raft-storage.ts";
export {
  type CallOptions,
  ClientSession,
  SESSION_DEFAULTS,
  type SessionLimits,
  type SessionOptions,
  type SessionPropose,
} from "./sessions/client.ts";
export type { SessionOutcome } from "./sessions/machine.ts";
export { PLAIN_RESULTS, type ResultCodec } from "./sessions/result-codec.ts";
export type { Capture, Entry, StateMachine } from "./state-machine.ts";
export type { Transport, TransportHandlers } from "./transport.ts";
