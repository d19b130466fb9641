// The ids service's rows. Each value begins with its format's version; a reader refuses a version that it does not know.
//
//   table         key               suffix          value
//   idGenerator   name                              GeneratorRecord; one that is removed keeps its row, so that its name
//                                                   can not come back with another layout
//   idWorker      generator's name  worker number   WorkerRecord
//   idTag         name                              TagRecord; one that is removed keeps its row, so that its name does
//                                                   not count from the beginning again
//   idCount       "generator"                       how many rows idGenerator has
//   idCount       "tag"                             how many rows idTag has

import type { IdLayout } from "../../core/id/index.ts";
import { assert } from "../../std/assert.ts";
import { utf8 } from "../../std/bytes.ts";
import { ByteReader, MalformedBytes } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import { type Row, type RowAddress, TABLES } from "../../store/index.ts";
import { idsFailure } from "./errors.ts";

export interface GeneratorRecord {
  readonly isRemoved: boolean;
  readonly layout: IdLayout;
  /** Worker numbers that it uses, from this one on. */
  readonly workerFirst: number;
  readonly workers: number;
  /** How far ahead a holder reserves time. */
  readonly windowMillis: number;
  readonly description: string;
}

export interface WorkerRecord {
  /** The process; empty where the number was given back. */
  readonly holder: string;
  /** The node that it is or was part of. */
  readonly node: string;
  /** One more with every holder. */
  readonly generation: number;
  /** Ids of times before this one may have been made; whoever takes the number over begins here. */
  readonly reservedUntilMillis: number;
}

export type TagOrder = "node" | "global";

export interface TagRecord {
  readonly isRemoved: boolean;
  /** One more whenever the name is created again. */
  readonly incarnation: number;
  /** All numbers below it are handed out to some node, or never will be. */
  readonly nextNumber: bigint;
  readonly step: number;
  /** Of the last block that a node fetched; 0 before the first one. */
  readonly blockSize: number;
  readonly order: TagOrder;
  readonly description: string;
  readonly updatedMillis: number;
}

export function generatorRow(name: string): RowAddress {
  return { table: TABLES.idGenerator, key: utf8(name) };
}

export function workerRow(generator: string, worker: number): RowAddress {
  return { table: TABLES.idWorker, key: utf8(generator), suffix: workerSuffix(worker) };
}

export function tagRow(name: string): RowAddress {
  return { table: TABLES.idTag, key: utf8(name) };
}

export function countRow(kind: "generator" | "tag"): RowAddress {
  return { table: TABLES.idCount, key: utf8(kind) };
}

/** Four bytes, big-endian: rows sort by number. */
export function workerSuffix(worker: number): Uint8Array {
  assert(worker < 2 ** 32, "a worker number that is used has 32 bits at most");
  const suffix = new Uint8Array(4);
  new DataView(suffix.buffer).setUint32(0, worker);
  return suffix;
}

export function workerOf({ suffix }: Row): number {
  return new DataView(suffix.buffer, suffix.byteOffset).getUint32(0);
}

export function encodeGenerator(record: GeneratorRecord): Uint8Array {
  const writer = newRecord().u8(record.isRemoved ? 1 : 0);
  encodeLayout(writer, record.layout);
  writer.varint(record.workerFirst).varint(record.workers).varint(record.windowMillis);
  return writer.string(record.description).finish();
}

export function decodeGenerator(row: Row, name: string): GeneratorRecord {
  return decodeRow(row, (reader) => ({
    isRemoved: reader.u8() === 1,
    layout: decodeLayout(reader, name),
    workerFirst: reader.varint(),
    workers: reader.varint(),
    windowMillis: reader.varint(),
    description: reader.string(),
  }));
}

export function encodeWorker(worker: WorkerRecord): Uint8Array {
  const { holder, node, generation, reservedUntilMillis } = worker;
  return newRecord().string(holder).string(node).varint(generation).u64(reservedUntilMillis).finish();
}

export function decodeWorker(row: Row): WorkerRecord {
  return decodeRow(row, (reader) => ({
    holder: reader.string(),
    node: reader.string(),
    generation: reader.varint(),
    reservedUntilMillis: reader.u64(),
  }));
}

export function encodeTag(tag: TagRecord): Uint8Array {
  const writer = newRecord(TAG_VERSION)
    .u8(tag.isRemoved ? 1 : 0)
    .varint(tag.incarnation);
  // Up to 2^63: as digits.
  writer.string(String(tag.nextNumber)).varint(tag.step);
  writer.u8(tag.order === "global" ? 1 : 0).string(tag.description);
  return writer.u64(tag.updatedMillis).varint(tag.blockSize).finish();
}

export function decodeTag(row: Row): TagRecord {
  const read = (reader: ByteReader, version: number): TagRecord => ({
    isRemoved: reader.u8() === 1,
    incarnation: reader.varint(),
    nextNumber: readNumber(reader),
    step: reader.varint(),
    order: reader.u8() === 1 ? "global" : "node",
    description: reader.string(),
    updatedMillis: reader.u64(),
    blockSize: version === 1 ? 0 : reader.varint(),
  });
  return decodeRow(row, read, TAG_VERSION);
}

export function encodeCount(count: number): Uint8Array {
  return newRecord().varint(count).finish();
}

export function decodeCount(row: Row): number {
  return decodeRow(row, (reader) => reader.varint());
}

const VERSION = 1;
/** Version 1 had no `blockSize`. */
const TAG_VERSION = 2;
const ORDERS = ["time-worker-sequence", "time-sequence-worker"] as const;

function newRecord(version = VERSION): ByteWriter {
  return new ByteWriter().u8(version);
}

/** Throws RECORD_NEWER or RECORD_DAMAGED. */
function decodeRow<Value>(row: Row, read: (reader: ByteReader, version: number) => Value, versionMax = VERSION): Value {
  try {
    const reader = new ByteReader(row.value);
    const version = reader.u8();
    if (version > versionMax) throw idsFailure("RECORD_NEWER", { data: { table: row.table, version } });
    const value = read(reader, version);
    if (version >= 1 && reader.remaining === 0) return value;
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error;
  }
  throw idsFailure("RECORD_DAMAGED", { data: { table: row.table, revision: row.revision } });
}

/** Without names of parts: those are the built-in layouts' only. */
function encodeLayout(writer: ByteWriter, layout: IdLayout): void {
  writer.u64(layout.epochMillis).varint(layout.unitMillis);
  writer.u8(layout.timeBits).u8(layout.workerBits).u8(layout.sequenceBits).u8(ORDERS.indexOf(layout.order));
  writer.u8(layout.byteOrder === "big" ? 0 : 1).varint(layout.sequenceStartBelow);
}

function decodeLayout(reader: ByteReader, name: string): IdLayout {
  return {
    name,
    epochMillis: reader.u64(),
    unitMillis: reader.varint(),
    timeBits: reader.u8(),
    workerBits: reader.u8(),
    sequenceBits: reader.u8(),
    order: ORDERS[reader.u8()] ?? malformed(),
    byteOrder: reader.u8() === 0 ? "big" : "little",
    sequenceStartBelow: reader.varint(),
  };
}

function readNumber(reader: ByteReader): bigint {
  const digits = reader.string();
  return /^\d{1,19}$/.test(digits) ? BigInt(digits) : malformed();
}

function malformed(): never {
  throw new MalformedBytes();
}
