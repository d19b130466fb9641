import { EMPTY } from "../../std/bytes.ts";
import { ByteReader, MalformedBytes } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import { raftFailure } from "./errors.ts";
import { type Entry, EntryType } from "./messages.ts";

// A change of membership as it is proposed and as it lies in the log.

export const ChangeType = {
  addVoter: 0,
  removeNode: 1,
  /** Changes nothing here: the owner's addresses or labels of the node. */
  updateNode: 2,
  addLearner: 3,
  /** A voter without a state machine: it votes and acknowledges, and stores no entry's bytes. */
  addWitness: 4,
  /** A learner that the leader makes a voter once it has caught up. */
  addJoining: 5,
  /** A member that lost its disk becomes a joining learner; the value is its new incarnation. */
  rejoin: 6,
  /** The number of voters that commit an entry; 0 is the majority. The id is not used. */
  commitQuorum: 7,
} as const;
export type ChangeType = (typeof ChangeType)[keyof typeof ChangeType];
const CHANGE_TYPE_MAX = 7;

export interface Change {
  readonly type: ChangeType;
  readonly id: number;
  /** Of `rejoin` and `commitQuorum`; else 0. */
  readonly value: number;
}

/** How to get from one configuration to the next: `auto` goes through a joint one only where it must. */
export type Transition = "auto" | "implicit" | "explicit";
const TRANSITIONS: readonly Transition[] = ["auto", "implicit", "explicit"];

export interface ConfChange {
  readonly transition: Transition;
  readonly changes: readonly Change[];
  /** The proposer's own bytes. */
  readonly context: Uint8Array;
}

/** A proposal without changes: leave the joint configuration. */
export const LEAVE_JOINT: ConfChange = { transition: "auto", changes: [], context: EMPTY };

export function change(type: ChangeType, id: number, value = 0): Change {
  return { type, id, value };
}

export function leavesJoint(conf: ConfChange): boolean {
  return conf.transition === "auto" && conf.changes.length === 0;
}

const VERSION = 1;

/** LEAVE_JOINT has no bytes at all. */
export function encodeConfChange(conf: ConfChange): Uint8Array {
  if (leavesJoint(conf) && conf.context.length === 0) return EMPTY;
  const writer = new ByteWriter(32).u8(VERSION).u8(TRANSITIONS.indexOf(conf.transition)).varint(conf.changes.length);
  for (const one of conf.changes) writer.u8(one.type).varint(one.id).varint(one.value);
  return writer.blob(conf.context).finish();
}

export function decodeConfChange(bytes: Uint8Array): ConfChange {
  if (bytes.length === 0) return LEAVE_JOINT;
  const reader = new ByteReader(bytes);
  try {
    const version = reader.u8();
    if (version !== VERSION) throw raftFailure("MALFORMED", { data: { record: "membership change", version } });
    const transition = TRANSITIONS[reader.u8()];
    if (transition === undefined) throw new MalformedBytes("an unknown transition");
    const changes: Change[] = [];
    for (let left = reader.varint(); left > 0; left--) {
      const type = reader.u8();
      if (type > CHANGE_TYPE_MAX) throw new MalformedBytes("an unknown change");
      changes.push(change(type as ChangeType, reader.varint(), reader.varint()));
    }
    return { transition, changes, context: reader.blob() };
  } catch (cause) {
    if (cause instanceof MalformedBytes)
      throw raftFailure("MALFORMED", { data: { record: "membership change" }, cause });
    throw cause;
  }
}

export function isConfChange(entry: Entry): boolean {
  return entry.type === EntryType.confChange || entry.type === EntryType.confChangeV2;
}
