// Between the rows of the Store and their forms in JSON. Every address gets the table of users' rows here and nowhere
// else: no request can name another one.

import { compareBytes, EMPTY, prefixEnd } from "../../../std/bytes.ts";
import { bytesOfJson, type JsonBytes, jsonOfBytes } from "../../../std/json-bytes.ts";
import {
  type Change,
  type Check,
  type Put,
  type ReadLevel,
  type Row,
  type RowAddress,
  type RowKey,
  type ScanRange,
  TABLES,
} from "../../../store/index.ts";
import type { Infer } from "../schema.ts";
import { invalid } from "../validate.ts";

export function addressOf({ key, suffix }: Infer<"RowAddress">): RowAddress {
  return { table: TABLES.kv, ...rowKeyOf(key, suffix) };
}

export function putOf({ value, ...address }: Infer<"RowPut">): Put {
  return { ...addressOf(address), value: octets(value) };
}

/** Throws INPUT_INVALID where it is not clear what has to hold. */
export function checkOf({ revision, absent, ...address }: Infer<"RowCheck">, at: number): Check {
  if (revision !== undefined && absent === undefined) return { ...addressOf(address), revision };
  if (revision === undefined && absent === true) return { ...addressOf(address), absent };
  throw invalid(`body.checks[${at}]`, "needs either a revision or `absent: true`");
}

interface ReadLevelQuery {
  readonly level?: "linearizable" | "stale" | undefined;
  readonly atLeast?: string | undefined;
}

/** Throws INPUT_INVALID for both at once. */
export function readLevelOf({ level, atLeast }: ReadLevelQuery): ReadLevel {
  if (atLeast === undefined) return level ?? "linearizable";
  if (level !== undefined) throw invalid("query.level", "and `atLeast` exclude each other");
  return { atLeast };
}

/** What a range covers, and what all of its keys begin with. */
export interface KeyRange {
  readonly range: ScanRange;
  readonly prefix: Uint8Array;
  /** The prefix is the only key. */
  readonly isOneKey: boolean;
}

type RangeQuery = {
  readonly [Name in "prefix" | "key" | "suffixPrefix" | "from" | "to"]?: JsonBytes | undefined;
};

/** Throws INPUT_INVALID where the query says in two ways what it wants. */
export function rangeOf({ prefix, key, suffixPrefix, from, to }: RangeQuery): KeyRange {
  const ways = [prefix, key, from ?? to].filter((way) => way !== undefined);
  if (ways.length > 1) throw invalid("query", "takes one of `prefix`, `key`, and `from` with `to`");
  if (suffixPrefix !== undefined && key === undefined) throw invalid("query.suffixPrefix", "goes with `key` only");
  if (key !== undefined) return rangeOfKey(octets(key), suffixPrefix === undefined ? EMPTY : octets(suffixPrefix));
  if (prefix !== undefined) return rangeOfPrefix(octets(prefix));
  const [low, high] = [from === undefined ? EMPTY : octets(from), to === undefined ? undefined : octets(to)];
  const range = { from: { key: low }, ...(high !== undefined && { to: { key: high } }) };
  return { range, prefix: high === undefined ? EMPTY : commonPrefix(low, high), isOneKey: false };
}

/** The rest of a range behind a row, or in front of it where the scan goes backwards. */
export function rangeBehind(range: ScanRange, last: RowKey, reverse: boolean): ScanRange {
  if (!reverse) return { ...range, after: last };
  // A row that is not of the range does not widen it.
  const isInside = range.to === undefined || compareRowKeys(last, range.to) < 0;
  return isInside ? { ...range, to: last } : range;
}

export function rowKeyOf(key: JsonBytes, suffix: JsonBytes | undefined): RowKey {
  return { key: octets(key), ...(suffix !== undefined && { suffix: octets(suffix) }) };
}

export function rowShape({ key, suffix, value, revision, lease }: Row): Infer<"Row"> {
  return {
    ...addressShape({ key, suffix }),
    value: jsonOfBytes(value),
    revision,
    ...(lease !== undefined && { leased: true }),
  };
}

export function changeShape({ key, suffix, value, revision }: Change): Infer<"RowChange"> {
  return { ...addressShape({ key, suffix }), ...(value !== undefined && { value: jsonOfBytes(value) }), revision };
}

export function addressShape({ key, suffix = EMPTY }: RowKey): Infer<"RowAddress"> {
  return { key: jsonOfBytes(key), ...(suffix.length > 0 && { suffix: jsonOfBytes(suffix) }) };
}

function rangeOfKey(key: Uint8Array, suffixPrefix: Uint8Array): KeyRange {
  const suffixEnd = prefixEnd(suffixPrefix);
  // The first key behind this one is this one and a zero byte: all suffixes stand before it.
  const to = suffixEnd === undefined ? { key: Uint8Array.of(...key, 0) } : { key, suffix: suffixEnd };
  return { range: { from: { key, suffix: suffixPrefix }, to }, prefix: key, isOneKey: true };
}

function rangeOfPrefix(prefix: Uint8Array): KeyRange {
  const end = prefixEnd(prefix);
  return { range: { from: { key: prefix }, ...(end && { to: { key: end } }) }, prefix, isOneKey: false };
}

function compareRowKeys(left: RowKey, right: RowKey): number {
  return compareBytes(left.key, right.key) || compareBytes(left.suffix ?? EMPTY, right.suffix ?? EMPTY);
}

/** Every key from `from` up to `to` begins with it. */
function commonPrefix(from: Uint8Array, to: Uint8Array): Uint8Array {
  let length = 0;
  while (length < from.length && length < to.length && from[length] === to[length]) length++;
  return from.subarray(0, length);
}

/** It has been validated. */
function octets(value: JsonBytes): Uint8Array {
  return bytesOfJson(value)!;
}
