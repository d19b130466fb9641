// Leases whose rows are in several groups. All are the root group's: it grants and times them. Another group that holds
// rows or results of one has a stub of it, and the root group a note that it has.
//
//   lend       at home: it lives, and that group may hold rows of it from now on
//   adopt      elsewhere: makes the stub
//   end        at home: the lease is over, and named are the groups that still have to end it; elsewhere: rows and stub go
//   give-back  at home: these groups have ended it, and home may forget it once none is left
//   bury       elsewhere: forgets that leases have ended here
//
// A stub must not come back behind its end, or its rows would stay for ever. So a group that has ended a lease remembers
// that for a while, and forgets it only behind a fence: an adoption says a revision that the group had reached before
// home was asked to lend, and is refused where that is not behind the fence. Home lends nothing that has ended, so an
// adoption that began later finds that out there.

import { unreachable } from "../../std/assert.ts";
import { EMPTY } from "../../std/bytes.ts";
import { type ByteReader, MalformedBytes } from "../../std/reader.ts";
import type { ByteWriter } from "../../std/writer.ts";
import type { LeaseId } from "../store.ts";
import { ADOPTION_FENCE_KEY, groupOfLentKey, leaseKey, lentKey, lentKeys } from "./keys.ts";
import { readLease, STUB, writeLease } from "./leases.ts";
import type { PendingRows } from "./pending.ts";
import type { Late, Lent, Refused } from "./result.ts";

export type LentLeaseCommand = LendCommand | AdoptCommand | GiveBackCommand | BuryCommand;

export interface LendCommand {
  readonly kind: "lend";
  readonly lease: LeaseId;
  readonly group: number;
  /** Rows of it go to that group with their keys: also while it ends. */
  readonly isEnding: boolean;
}

export interface AdoptCommand {
  readonly kind: "adopt";
  readonly lease: LeaseId;
  /** Of the group, from before home was asked. */
  readonly known: number;
}

export interface GiveBackCommand {
  readonly kind: "give-back";
  readonly lease: LeaseId;
  readonly groups: readonly number[];
}

export interface BuryCommand {
  readonly kind: "bury";
  readonly leases: readonly LeaseId[];
}

/** Groups that one step of a lease's end names, and leases that one command buries. */
export const LENT_GROUPS_MAX = 64;
export const BURIED_MAX = 256;

export const KIND_LEND = 48;
export const KIND_ADOPT = 49;
export const KIND_GIVE_BACK = 50;
export const KIND_BURY = 51;

export function isLentLeaseCommand(command: { readonly kind: string }): command is LentLeaseCommand {
  return KINDS.has(command.kind);
}

export function encodeLentLeaseCommand(writer: ByteWriter, command: LentLeaseCommand): Uint8Array {
  switch (command.kind) {
    case "lend":
      writer.u8(KIND_LEND).varint(command.lease).varint(command.group);
      return writer.u8(command.isEnding ? 1 : 0).finish();
    case "adopt":
      return writer.u8(KIND_ADOPT).varint(command.lease).varint(command.known).finish();
    case "give-back":
      writer.u8(KIND_GIVE_BACK).varint(command.lease).varint(command.groups.length);
      for (const group of command.groups) writer.varint(group);
      return writer.finish();
    case "bury":
      writer.u8(KIND_BURY).varint(command.leases.length);
      for (const lease of command.leases) writer.varint(lease);
      return writer.finish();
    default:
      return unreachable(command);
  }
}

/** Undefined where it is no kind of these. */
export function decodeLentLeaseCommand(kind: number, reader: ByteReader): LentLeaseCommand | undefined {
  switch (kind) {
    case KIND_LEND:
      return { kind: "lend", lease: reader.varint(), group: reader.varint(), isEnding: reader.u8() === 1 };
    case KIND_ADOPT:
      return { kind: "adopt", lease: reader.varint(), known: reader.varint() };
    case KIND_GIVE_BACK:
      return { kind: "give-back", lease: reader.varint(), groups: numbers(reader, LENT_GROUPS_MAX) };
    case KIND_BURY:
      return { kind: "bury", leases: numbers(reader, BURIED_MAX) };
    default:
      return undefined;
  }
}

/** The machine's part in these commands, but for the end of a lease. */
export function applyLentLease(
  {
    pending,
    revision,
    step,
  }: { readonly pending: PendingRows; readonly revision: number; readonly step: () => number },
  command: LentLeaseCommand,
): Lent | Late | Refused {
  switch (command.kind) {
    case "lend": {
      const record = readLease(pending, command.lease);
      if (record === undefined || (record.ending && !command.isEnding)) return UNKNOWN;
      pending.put(lentKey(command.lease, command.group), { revision: 0, lease: 0, value: EMPTY });
      return { kind: "lent", revision };
    }
    case "adopt": {
      const record = readLease(pending, command.lease);
      if (record?.ending === true) return UNKNOWN;
      if (record !== undefined) return { kind: "lent", revision };
      const fence = pending.get(ADOPTION_FENCE_KEY)?.revision ?? 0;
      if (command.known < fence) return { kind: "late", revision };
      writeLease(pending, command.lease, STUB);
      return { kind: "lent", revision };
    }
    case "give-back":
      for (const group of command.groups) pending.delete(lentKey(command.lease, group));
      return { kind: "lent", revision };
    case "bury":
      return bury(pending, command, step);
    default:
      return unreachable(command);
  }
}

/** Groups that have to end a lease before home forgets it; not all where they are many. */
export function groupsLentTo(pending: PendingRows, lease: LeaseId): number[] {
  return pending.keys(lentKeys(lease), LENT_GROUPS_MAX).map(groupOfLentKey);
}

/** The fence is raised in the same step, or an adoption from before could come in between. */
function bury(pending: PendingRows, { leases }: BuryCommand, step: () => number): Lent {
  const revision = step();
  for (const lease of leases) if (readLease(pending, lease)?.ended === true) pending.delete(leaseKey(lease));
  pending.put(ADOPTION_FENCE_KEY, { revision, lease: 0, value: EMPTY });
  return { kind: "lent", revision };
}

const UNKNOWN: Refused = { kind: "refused", code: "LEASE_UNKNOWN" };
const KINDS: ReadonlySet<string> = new Set(["lend", "adopt", "give-back", "bury"]);

function numbers(reader: ByteReader, countMax: number): number[] {
  const count = reader.varint();
  if (count > countMax) throw new MalformedBytes("a command of leases holds more numbers than any version writes");
  return Array.from({ length: count }, () => reader.varint());
}
