// What the root group's tables say of ranges, of groups and of keys on their way between two of them.
//
//   range     key: where the range begins, as an encoded key bound    value: format u8, to blob, group varint
//   group     key: group u64, big-endian                              value: format u8, state u8, nodes, members
//   group     key: 0                                                  value: format u8, next id varint
//   transfer  key: transfer u64, big-endian                           value: format u8, source, target, attempt varint,
//                                                                            phase u8, from blob, to blob, reason string
//   hold      key: empty                                              value: empty
//
// No row of a range at all: one range, of group 1. The rows of a map are changed together, in one commit that checks
// those which it takes away. Ids of groups and of transfers come from one counter, and are never given out twice.

import { assert } from "../../std/assert.ts";
import { EMPTY } from "../../std/bytes.ts";
import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import { storeFailure } from "../errors.ts";
import type { KeyInterval } from "../machine/range-state.ts";
import type { RowAddress } from "../store.ts";
import { ROOT_GROUP, TABLES } from "../tables.ts";

/** One range of the map. Bounds are encoded key bounds; an empty `to`: no end. */
export interface RangeRow extends KeyInterval {
  readonly group: number;
}

/** With the revision of the commit of the root group that wrote it: its keys have had no other group since. */
export interface MappedRange extends RangeRow {
  readonly revision: number;
}

export interface GroupRow {
  readonly id: number;
  /** Founding: its founders open it, others do not yet. Retiring: it serves nothing any more, and goes. */
  readonly state: "founding" | "open" | "retiring";
  /** Who is to be a member of it. */
  readonly nodes: readonly number[];
  /** Who is one, as far as it was known when the row was written. */
  readonly members: readonly number[];
}

export interface TransferRow extends KeyInterval {
  readonly id: number;
  readonly source: number;
  readonly target: number;
  /** Of the drivers the latest. */
  readonly attempt: number;
  /**
   * Holding: no transfer at all, but all keys are held where they are, each range of the map under a number of its own,
   * from the id on.
   */
  readonly phase: "bringing" | "releasing" | "givingUp" | "holding";
  /** For the operator. */
  readonly reason: string;
}

/** The first id that the counter gives out: 1 is the root group's for ever. */
export const FIRST_ID: number = ROOT_GROUP + 1;

/** Where the row of a range stands. */
export function rangeAddress({ from }: Pick<RangeRow, "from">): RowAddress {
  return { table: TABLES.range, key: from };
}

export function encodeRangeRow({ to, group }: RangeRow): Uint8Array {
  return new ByteWriter(64).u8(FORMAT).blob(to).varint(group).finish();
}

/** Throws FORMAT_NEWER, as the others do. */
export function decodeRangeRow(key: Uint8Array, value: Uint8Array): RangeRow {
  const reader = readerOf(value);
  return { from: key.slice(), to: reader.blob().slice(), group: reader.varint() };
}

export function groupAddress(id: number): RowAddress {
  return { table: TABLES.group, key: idKey(id) };
}

/** Whose value is the id that is given out next; absent: `FIRST_ID`. */
export const ID_COUNTER: RowAddress = groupAddress(0);

export function encodeIdCounter(next: number): Uint8Array {
  return new ByteWriter(16).u8(FORMAT).varint(next).finish();
}

export function decodeIdCounter(value: Uint8Array): number {
  return readerOf(value).varint();
}

export function encodeGroupRow({ state, nodes, members }: GroupRow): Uint8Array {
  const writer = new ByteWriter(64).u8(FORMAT).u8(GROUP_STATES.indexOf(state));
  for (const list of [nodes, members]) {
    writer.varint(list.length);
    for (const node of list) writer.varint(node);
  }
  return writer.finish();
}

export function decodeGroupRow(key: Uint8Array, value: Uint8Array): GroupRow {
  const reader = readerOf(value);
  const state = GROUP_STATES[reader.u8()];
  assert(state !== undefined, "a group is in a state that this version knows");
  const list = (): number[] => Array.from({ length: reader.varint() }, () => reader.varint());
  return { id: idOfKey(key), state, nodes: list(), members: list() };
}

export function transferAddress(id: number): RowAddress {
  return { table: TABLES.transfer, key: idKey(id) };
}

export function encodeTransferRow(row: TransferRow): Uint8Array {
  const { source, target, attempt, phase, from, to, reason } = row;
  const writer = new ByteWriter(128).u8(FORMAT).varint(source).varint(target).varint(attempt);
  return writer.u8(TRANSFER_PHASES.indexOf(phase)).blob(from).blob(to).string(reason).finish();
}

export function decodeTransferRow(key: Uint8Array, value: Uint8Array): TransferRow {
  const reader = readerOf(value);
  const [source, target, attempt] = [reader.varint(), reader.varint(), reader.varint()];
  const phase = TRANSFER_PHASES[reader.u8()];
  assert(phase !== undefined, "a transfer is in a phase that this version knows");
  const interval = { from: reader.blob().slice(), to: reader.blob().slice() };
  return { id: idOfKey(key), source, target, attempt, phase, ...interval, reason: reader.string() };
}

/** There while whoever holds all keys is alive: it is on his lease. */
export const HOLD: RowAddress = { table: TABLES.hold, key: EMPTY };

/** Of a row of tables `group` and `transfer`. */
export function idOfKey(key: Uint8Array): number {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  return view.getUint32(0) * 0x1_0000_0000 + view.getUint32(4);
}

const FORMAT = 1;
/** Their places are part of the format: never reorder. */
const GROUP_STATES: readonly GroupRow["state"][] = ["founding", "open", "retiring"];
const TRANSFER_PHASES: readonly TransferRow["phase"][] = ["bringing", "releasing", "givingUp", "holding"];

function idKey(id: number): Uint8Array {
  const key = new Uint8Array(8);
  const view = new DataView(key.buffer);
  view.setUint32(0, Math.floor(id / 0x1_0000_0000));
  view.setUint32(4, id % 0x1_0000_0000);
  return key;
}

function readerOf(value: Uint8Array): ByteReader {
  const reader = new ByteReader(value);
  const format = reader.u8();
  if (format > FORMAT) {
    throw storeFailure("FORMAT_NEWER", { what: "A row of the map of ranges has a newer format.", data: { format } });
  }
  return reader;
}
