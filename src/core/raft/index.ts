export {
  type Change,
  ChangeType,
  type ConfChange,
  change,
  decodeConfChange,
  encodeConfChange,
  isConfChange,
  LEAVE_JOINT,
  type Transition,
} from "./conf-change.ts";
export {
  allMembers,
  allVoters,
  type Configuration,
  configurationOf,
  EMPTY_CONFIGURATION,
  isJoint,
  isMember,
  isVoter,
} from "./configuration.ts";
export { describeEntry, describeMessage, describeReady } from "./describe.ts";
export { RAFT_ERRORS, type RaftError, type RaftErrorCode } from "./errors.ts";
export type { Explanation, LaggingMember } from "./explain.ts";
export { MemoryStorage } from "./memory-storage.ts";
export {
  APPEND_THREAD,
  APPLY_THREAD,
  type Entry,
  EntryType,
  type HardState,
  isLocalType,
  isStorageThread,
  type Message,
  MessageType,
  NODE_ID_MAX,
  NONE,
  newMessage,
  type ReadState,
  type Role,
  type Snapshot,
  type SoftState,
} from "./messages.ts";
export { RaftNode } from "./node.ts";
export type { RaftOptions, ReadMode } from "./options.ts";
export { canDecide, commitQuorumOf, electionQuorumOf } from "./quorum.ts";
export type { Ready } from "./ready.ts";
export { changed as changedConfiguration } from "./reconfiguration.ts";
export { RAFT_BUGS, type RaftBug, type RaftBugs } from "./seeded-bugs.ts";
export type { ProgressStatus, RaftStatus } from "./status.ts";
export type { Storage } from "./storage.ts";
export {
  decodeConfiguration,
  decodeEntry,
  decodeHardState,
  decodeMessage,
  encodeConfiguration,
  encodeEntry,
  encodeHardState,
  encodeMessage,
  writeMessage,
} from "./wire.ts";
