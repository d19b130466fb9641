// What `ashlar/raft` is: a replicated group that is ready to use, and the protocol alone for those who drive it
// themselves. It runs in Node and in a browser; what needs files and sockets is in `ashlar/raft/node`.

// Whoever imports the types need not have this library among its own.
/// <reference lib="esnext.disposable" preserve="true" />

// The protocol alone, for owners who bring their own input and output. docs/raft.md names their duties.
export {
  APPEND_THREAD,
  APPLY_THREAD,
  allMembers,
  type Change,
  ChangeType,
  type ConfChange,
  type Configuration,
  change,
  configurationOf,
  decodeConfChange,
  decodeConfiguration,
  decodeEntry,
  decodeHardState,
  decodeMessage,
  type Entry as CoreEntry,
  EntryType,
  type Explanation,
  encodeConfChange,
  encodeConfiguration,
  encodeEntry,
  encodeHardState,
  encodeMessage,
  type HardState,
  isConfChange,
  isMember,
  isStorageThread,
  isVoter,
  type LaggingMember,
  LEAVE_JOINT,
  MemoryStorage,
  type Message,
  MessageType,
  NODE_ID_MAX,
  newMessage,
  type ProgressStatus,
  RAFT_ERRORS,
  type RaftError,
  type RaftErrorCode,
  RaftNode as RaftCore,
  type RaftOptions as RaftCoreOptions,
  type RaftStatus,
  type ReadMode,
  type ReadState,
  type Ready,
  type Role,
  type Snapshot,
  type SoftState,
  type Storage as CoreStorage,
  type Transition,
} from "../core/raft/index.ts";
export type { Clock, Disk, DiskFile, Random, Timer, Timers } from "../env/index.ts";
export type { GroupDamage, LogPoint, MembershipMark, StoredEntry } from "../log/index.ts";
export { AshlarError } from "../std/errors.ts";
export { type ByteSource, sourceFrom, sourceOf } from "../std/source.ts";
export { HOST_ERRORS, type HostError, type HostErrorCode } from "./errors.ts";
export type { GroupEvent } from "./group-services.ts";
export { type GroupRepair, repairGroup } from "./members/group-repair.ts";
export type { QuorumLossRepair } from "./members/repair.ts";
export { type CommandContext, type MemoryMachine, memoryMachine } from "./memory-machine.ts";
export type { CoreOptions, GroupLimits, HostLimits } from "./options.ts";
export { type ChangeOptions, RaftGroup } from "./raft-group.ts";
export {
  type GroupSessionOptions,
  RAFT_GROUP_DEFAULTS,
  type RaftGroupLimits,
  type RaftGroupOptions,
} from "./raft-group-options.ts";
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
export { type MemoryStorageOptions, memoryStorage } from "./storage/memory-storage.ts";
export type { RaftLog, RaftLogGroup, RaftLogRecord } from "./storage/raft-log.ts";
export type { OpenRaftStorage, RaftEnv, RaftStorage, SnapshotDisk } from "./storage/raft-storage.ts";
export { MemoryNetwork } from "./transport/memory-network.ts";
export {
  broadcastTransport,
  type MessageEnd,
  type MessageListener,
  portTransport,
} from "./transport/port-transport.ts";
export type { Transport, TransportHandlers } from "./transport/transport.ts";
