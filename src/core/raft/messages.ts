import { EMPTY } from "../../std/bytes.ts";
import type { Configuration } from "./configuration.ts";

// What goes in and out of a core. Ids, terms and indexes are safe integers; an id of 0 is nobody, a term of 0 is none.

export const NONE = 0;
/** The node's own appender and applier, as targets of messages when storage is written asynchronously. */
export const APPEND_THREAD: number = Number.MAX_SAFE_INTEGER;
export const APPLY_THREAD: number = Number.MAX_SAFE_INTEGER - 1;
export const NODE_ID_MAX: number = Number.MAX_SAFE_INTEGER - 2;

export function isStorageThread(id: number): boolean {
  return id === APPEND_THREAD || id === APPLY_THREAD;
}

export const EntryType = {
  normal: 0,
  /** One change of one member. */
  confChange: 1,
  /** Any number of changes; no bytes at all leave a joint configuration. */
  confChangeV2: 2,
  /** What a witness holds in place of a normal entry: its term and index without its bytes. */
  metadata: 3,
} as const;
export type EntryType = (typeof EntryType)[keyof typeof EntryType];

export interface Entry {
  readonly term: number;
  readonly index: number;
  readonly type: EntryType;
  /** Belongs to the core once proposed: nobody changes it any more. */
  readonly data: Uint8Array;
}

/** What an entry counts for where a limit is in bytes: its data and about what its frame takes on the wire. */
export function entryBytes(entry: Entry): number {
  return entry.data.length + 12;
}

export function entriesBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entryBytes(entry);
  return bytes;
}

/** Sizes that users think in: the data alone. */
export function payloadBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entry.data.length;
  return bytes;
}

/** As many entries from the front as fit, at least one. */
export function limitEntries(entries: readonly Entry[], bytesMax: number): readonly Entry[] {
  if (bytesMax === Number.POSITIVE_INFINITY || entries.length <= 1) return entries;
  let bytes = entryBytes(entries[0]!);
  for (let count = 1; count < entries.length; count++) {
    bytes += entryBytes(entries[count]!);
    if (bytes > bytesMax) return entries.slice(0, count);
  }
  return entries;
}

export interface Snapshot {
  readonly index: number;
  readonly term: number;
  readonly configuration: Configuration;
  readonly data: Uint8Array;
}

/** What a node must find again after a crash, besides its log. */
export interface HardState {
  readonly term: number;
  readonly vote: number;
  readonly commit: number;
  /** 0 until the node loses its disk, then a random name of what it is since. */
  readonly incarnation: number;
  /** While a node that lost its disk waits for the group to make it a learner: it must neither vote nor acknowledge. */
  readonly isLost: boolean;
}

export type Role = "follower" | "candidate" | "leader" | "pre-candidate";

export interface SoftState {
  readonly lead: number;
  readonly role: Role;
}

/** A read may be answered once the state machine has applied the index. */
export interface ReadState {
  readonly index: number;
  readonly context: Uint8Array;
}

export const MessageType = {
  hup: 0,
  beat: 1,
  propose: 2,
  append: 3,
  appendResponse: 4,
  vote: 5,
  voteResponse: 6,
  snapshot: 7,
  heartbeat: 8,
  heartbeatResponse: 9,
  unreachable: 10,
  snapshotStatus: 11,
  checkQuorum: 12,
  transferLeader: 13,
  timeoutNow: 14,
  readIndex: 15,
  readIndexResponse: 16,
  preVote: 17,
  preVoteResponse: 18,
  storageAppend: 19,
  storageAppendResponse: 20,
  storageApply: 21,
  storageApplyResponse: 22,
  forgetLeader: 23,
  /** From a node that lost its disk: make me a learner. */
  rejoin: 24,
  /** To that node: the group has committed that you are a learner. */
  rejoinResponse: 25,
  /** From a leader with nothing to do: no heartbeats follow. */
  quiesce: 26,
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

export const MESSAGE_TYPE_MAX = 26;

/** One shape for every kind of message, so that the code that handles them stays fast. Fields that a kind does not use are 0 or empty. */
export interface Message {
  readonly type: MessageType;
  to: number;
  from: number;
  term: number;
  logTerm: number;
  index: number;
  commit: number;
  vote: number;
  reject: boolean;
  rejectHint: number;
  /** Of acknowledgements, and of what is said about a lost disk. */
  incarnation: number;
  entries: readonly Entry[];
  snapshot: Snapshot | undefined;
  context: Uint8Array;
  /** Of storage work, and never on the wire. */
  hardState: HardState | undefined;
  /** Of storage work: what to put on the network once the work is done. Never on the wire. */
  responses: readonly Message[];
}

const NO_ENTRIES: readonly Entry[] = [];
const NO_MESSAGES: readonly Message[] = [];

export function newMessage(type: MessageType, to: number): Message {
  return {
    type,
    to,
    from: NONE,
    term: 0,
    logTerm: 0,
    index: 0,
    commit: 0,
    vote: NONE,
    reject: false,
    rejectHint: 0,
    incarnation: 0,
    entries: NO_ENTRIES,
    snapshot: undefined,
    context: EMPTY,
    hardState: undefined,
    responses: NO_MESSAGES,
  };
}

/** Kinds that never cross the network. */
export function isLocalType(type: MessageType): boolean {
  switch (type) {
    case MessageType.hup:
    case MessageType.beat:
    case MessageType.unreachable:
    case MessageType.snapshotStatus:
    case MessageType.checkQuorum:
    case MessageType.storageAppend:
    case MessageType.storageAppendResponse:
    case MessageType.storageApply:
    case MessageType.storageApplyResponse:
      return true;
    default:
      return false;
  }
}

export function isResponseType(type: MessageType): boolean {
  switch (type) {
    case MessageType.appendResponse:
    case MessageType.voteResponse:
    case MessageType.heartbeatResponse:
    case MessageType.unreachable:
    case MessageType.readIndexResponse:
    case MessageType.preVoteResponse:
    case MessageType.storageAppendResponse:
    case MessageType.storageApplyResponse:
      return true;
    default:
      return false;
  }
}
