// Rows as callers see them, and as they stand in JSON.

import { utf8 } from "../std/bytes.ts";
import { bytesOfJson, type JsonBytes, jsonOfBytes } from "../std/json-bytes.ts";
import { clientFailure } from "./errors.ts";
import type { Query } from "./transport.ts";

/** Text is its UTF-8. */
export type BytesLike = string | Uint8Array;

/** Rows of one key differ in their suffix, stay together, and sort by it. */
export type RowName = BytesLike | { readonly key: BytesLike; readonly suffix?: BytesLike };

export interface Row {
  readonly key: Uint8Array;
  /** Empty for most. */
  readonly suffix: Uint8Array;
  readonly value: Uint8Array;
  /** Of the commit that wrote it. For one key it only grows, over deletions too: (key, revision) is a fencing token. */
  readonly revision: number;
  /** It is deleted when the lease that it was put with ends. */
  readonly leased: boolean;
}

export interface Change {
  readonly key: Uint8Array;
  readonly suffix: Uint8Array;
  /** Undefined: the row was deleted. */
  readonly value: Uint8Array | undefined;
  readonly revision: number;
}

/** How much of the Store an answer has seen. Pass it on to read or watch from there. */
export type Position = string;

/** Left empty it is all rows. */
export type KeyRange =
  | { readonly prefix: BytesLike }
  /** All rows of one key. */
  | { readonly key: BytesLike; readonly suffixPrefix?: BytesLike }
  /** from <= key < to */
  | { readonly from?: BytesLike; readonly to?: BytesLike };

export interface JsonAddress {
  readonly key: JsonBytes;
  readonly suffix?: JsonBytes;
}

export interface JsonRow extends JsonAddress {
  readonly value: JsonBytes;
  readonly revision: number;
  readonly leased?: boolean;
}

export interface JsonChange extends JsonAddress {
  readonly value?: JsonBytes;
  readonly revision: number;
}

export function octets(bytes: BytesLike): Uint8Array {
  if (typeof bytes !== "string") return bytes;
  if (bytes.isWellFormed()) return utf8(bytes);
  throw clientFailure("ARGUMENT_INVALID", { what: "A text that is not well formed has no bytes." });
}

export function jsonAddress(name: RowName): JsonAddress {
  const { key, suffix } = partsOf(name);
  return { key: jsonOfBytes(octets(key)), ...(suffix !== undefined && { suffix: jsonOfBytes(octets(suffix)) }) };
}

export function jsonBytes(value: BytesLike): JsonBytes {
  return jsonOfBytes(octets(value));
}

export function addressQuery(name: RowName): Query {
  const { key, suffix } = partsOf(name);
  return { key: octets(key), ...(suffix !== undefined && { suffix: octets(suffix) }) };
}

export function rangeQuery(range: KeyRange): Query {
  return Object.fromEntries(
    Object.entries(range).flatMap(([name, bytes]: [string, BytesLike | undefined]) => {
      return bytes === undefined ? [] : [[name, octets(bytes)]];
    }),
  );
}

export function rowOf({ key, suffix, value, revision, leased = false }: JsonRow): Row {
  return { key: fromJson(key), suffix: fromJson(suffix ?? ""), value: fromJson(value), revision, leased };
}

export function changeOf({ key, suffix, value, revision }: JsonChange): Change {
  const bytes = value === undefined ? undefined : fromJson(value);
  return { key: fromJson(key), suffix: fromJson(suffix ?? ""), value: bytes, revision };
}

export function fromJson(json: JsonBytes): Uint8Array {
  const bytes = bytesOfJson(json);
  if (bytes === undefined) throw clientFailure("REPLY_UNREADABLE");
  return bytes;
}

function partsOf(name: RowName): { readonly key: BytesLike; readonly suffix?: BytesLike } {
  return typeof name === "string" || name instanceof Uint8Array ? { key: name } : name;
}
