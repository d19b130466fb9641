// Which keys a group serves, and what of them is on its way to or from another group. One row of the machine's own;
// without one, a group serves all keys or none, as it began: so whoever never splits pays nothing.
//
// Bounds are of keys, encoded as behind a row's table byte (`encodeKeyBound`): an interval covers the rows of its keys in
// every ordinary table. Root tables are served by group 1 whatever its intervals are, and by nobody else.

import type { Index } from "../../env/index.ts";
import { compareBytes, EMPTY } from "../../std/bytes.ts";
import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import { storeFailure } from "../errors.ts";
import { decodeRow, type StoredRow } from "../row-codec.ts";
import { ROOT_GROUP, ROOT_TABLES } from "../tables.ts";
import { RANGE_KEY } from "./keys.ts";

export interface KeyInterval {
  readonly from: Uint8Array;
  /** Empty: no end. */
  readonly to: Uint8Array;
}

export interface ServedInterval extends KeyInterval {
  /** The group's history of these keys is whole behind this revision. */
  readonly since: number;
  /** Whom they came from, and its revision when it gave them up; 0 and 0 for what was there from the beginning. */
  readonly origin: number;
  readonly originRevision: number;
}

export interface Transfer extends KeyInterval {
  readonly transfer: number;
  /** Of its drivers the latest: what an earlier one still asks is refused. */
  readonly attempt: number;
}

export interface Import extends Transfer {
  readonly source: number;
  /** Number of the next piece; an earlier one that comes again is taken for done. */
  readonly next: number;
  readonly isFinished: boolean;
}

export interface Export extends Transfer {
  readonly target: number;
  readonly phase: ExportPhase;
  /** Of the group when it was frozen; 0 before. */
  readonly revision: number;
}

/** Frozen: nobody reads or writes its keys. Moved: they are another group's, and their rows go. */
export type ExportPhase = "copying" | "frozen" | "moved";

export interface RangeState {
  /** In order of keys, apart from each other. */
  readonly serves: readonly ServedInterval[];
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
  /** Transfers up to these have ended here: their steps that are still on their way change nothing. */
  readonly importsEnded: number;
  readonly exportsEnded: number;
}

export type RangeRefusal = "RANGE_MISMATCH" | "RANGE_MOVING";

export const NO_KEYS: RangeState = { serves: [], imports: [], exports: [], importsEnded: 0, exportsEnded: 0 };

export function allKeys(): RangeState {
  return { ...NO_KEYS, serves: [{ from: KEYS_FROM, to: EMPTY, since: 0, origin: 0, originRevision: 0 }] };
}

/** Undefined for a group that serves all keys and gives none away. */
export function readRangeState(index: Index, beginsEmpty: boolean): RangeState | undefined {
  const stored = index.get(RANGE_KEY);
  if (stored !== undefined) return decodeRangeState(decodeRow(RANGE_KEY, stored).value.slice());
  return beginsEmpty ? NO_KEYS : undefined;
}

/** Why the row under an encoded address is not to be read or written here, or undefined where it is. */
export function refusalOfRow(state: RangeState, group: number, row: Uint8Array): RangeRefusal | undefined {
  if (ROOT_TABLES.has(row[0]!)) return group === ROOT_GROUP ? undefined : "RANGE_MISMATCH";
  const key = row.subarray(1);
  if (!state.serves.some((interval) => covers(interval, key))) return "RANGE_MISMATCH";
  return state.exports.some((one) => one.phase === "frozen" && covers(one, key)) ? "RANGE_MOVING" : undefined;
}

/** Likewise of all rows of one table from one encoded bound to another, both with the table's byte. */
export function refusalOfRows(
  state: RangeState,
  group: number,
  bounds: { readonly from: Uint8Array; readonly to: Uint8Array },
): RangeRefusal | undefined {
  if (!serves(state, group, bounds)) return "RANGE_MISMATCH";
  if (ROOT_TABLES.has(bounds.from[0]!)) return undefined;
  const asked = keysWithin(bounds);
  return state.exports.some((one) => one.phase === "frozen" && overlap(one, asked)) ? "RANGE_MOVING" : undefined;
}

/** Whether the group has all rows of one table between two bounds, frozen or not. */
export function serves(
  state: RangeState,
  group: number,
  bounds: { readonly from: Uint8Array; readonly to: Uint8Array },
): boolean {
  if (ROOT_TABLES.has(bounds.from[0]!)) return group === ROOT_GROUP;
  return isCovered(state.serves, keysWithin(bounds));
}

export function servesAllKeys({ serves, exports }: RangeState): boolean {
  return isCovered(serves, { from: KEYS_FROM, to: EMPTY }) && exports.every(({ phase }) => phase === "copying");
}

/** The keys between two encoded bounds of one table. */
export function keysWithin({ from, to }: { readonly from: Uint8Array; readonly to: Uint8Array }): KeyInterval {
  return { from: from.subarray(1), to: to[0] === from[0] ? to.subarray(1) : EMPTY };
}

export function covers({ from, to }: KeyInterval, key: Uint8Array): boolean {
  return compareBytes(key, from) >= 0 && (to.length === 0 || compareBytes(key, to) < 0);
}

export function overlap(one: KeyInterval, other: KeyInterval): boolean {
  return endsAfter(one.to, other.from) && endsAfter(other.to, one.from);
}

/** Whether intervals in order leave no gap in another one. */
export function isCovered(intervals: readonly KeyInterval[], { from, to }: KeyInterval): boolean {
  let at = from.length === 0 ? KEYS_FROM : from;
  for (const interval of intervals) {
    if (compareBytes(interval.from, at) > 0) return false;
    if (!endsAfter(interval.to, at)) continue;
    if (interval.to.length === 0) return true;
    at = interval.to;
    if (to.length > 0 && compareBytes(at, to) >= 0) return true;
  }
  return false;
}

export function withInterval(serves: readonly ServedInterval[], added: ServedInterval): ServedInterval[] {
  return [...serves, added].sort((one, other) => compareBytes(one.from, other.from));
}

export function withoutInterval(serves: readonly ServedInterval[], { from, to }: KeyInterval): ServedInterval[] {
  return serves.flatMap((interval) => {
    if (!overlap(interval, { from, to })) return [interval];
    const rest: ServedInterval[] = [];
    if (compareBytes(interval.from, from) < 0) rest.push({ ...interval, to: from });
    if (to.length > 0 && endsAfter(interval.to, to)) rest.push({ ...interval, from: to });
    return rest;
  });
}

export function rangeStateRow(state: RangeState): StoredRow {
  return { revision: 0, lease: 0, value: encodeRangeState(state) };
}

/** Where the keys begin: with the empty one. */
export const KEYS_FROM: Uint8Array = Uint8Array.of(0, 0);
const FORMAT = 1;
const PHASES: readonly ExportPhase[] = ["copying", "frozen", "moved"];

function endsAfter(to: Uint8Array, at: Uint8Array): boolean {
  return to.length === 0 || compareBytes(to, at) > 0;
}

function encodeRangeState({ serves, imports, exports, importsEnded, exportsEnded }: RangeState): Uint8Array {
  const writer = new ByteWriter(256).u8(FORMAT).varint(importsEnded).varint(exportsEnded);
  writer.varint(serves.length);
  for (const { from, to, since, origin, originRevision } of serves) {
    writer.blob(from).blob(to).varint(since).varint(origin).varint(originRevision);
  }
  writer.varint(imports.length);
  for (const { transfer, attempt, from, to, source, next, isFinished } of imports) {
    writer.varint(transfer).varint(attempt).blob(from).blob(to).varint(source).varint(next);
    writer.u8(isFinished ? 1 : 0);
  }
  writer.varint(exports.length);
  for (const { transfer, attempt, from, to, target, phase, revision } of exports) {
    writer.varint(transfer).varint(attempt).blob(from).blob(to).varint(target);
    writer.u8(PHASES.indexOf(phase)).varint(revision);
  }
  return writer.finish();
}

/** Throws FORMAT_NEWER. */
function decodeRangeState(value: Uint8Array): RangeState {
  const reader = new ByteReader(value);
  const format = reader.u8();
  if (format > FORMAT) {
    throw storeFailure("FORMAT_NEWER", { what: "The Store's ranges have a newer format.", data: { format } });
  }
  const [importsEnded, exportsEnded] = [reader.varint(), reader.varint()];
  const serves = list(reader, () => {
    const interval = { from: reader.blob(), to: reader.blob() };
    return { ...interval, since: reader.varint(), origin: reader.varint(), originRevision: reader.varint() };
  });
  const transfer = (): Transfer => {
    const name = { transfer: reader.varint(), attempt: reader.varint() };
    return { ...name, from: reader.blob(), to: reader.blob() };
  };
  const imports = list(reader, () => {
    return { ...transfer(), source: reader.varint(), next: reader.varint(), isFinished: reader.u8() === 1 };
  });
  const exports = list(reader, () => {
    return { ...transfer(), target: reader.varint(), phase: PHASES[reader.u8()]!, revision: reader.varint() };
  });
  return { serves, imports, exports, importsEnded, exportsEnded };
}

function list<T>(reader: ByteReader, item: () => T): T[] {
  return Array.from({ length: reader.varint() }, item);
}
