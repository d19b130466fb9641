import { text, utf8 } from "../std/bytes.ts";
import { ByteReader } from "../std/reader.ts";
import { ByteWriter } from "../std/writer.ts";
import { type RowAddress, TABLES } from "../store/index.ts";
import { blobFailure } from "./errors.ts";
import { TAG_BYTES, type VolumeKind } from "./format.ts";

// Rows of the `volume` table, one a volume under its id (u32, big-endian), and one under id 0 with the next free id:
// ids are never reused, so a row or a mark that names a removed volume can not come to mean another.

export type VolumeState = "open" | "sealed" | "removed";

export interface VolumeRow {
  readonly state: VolumeState;
  readonly kind: VolumeKind;
  readonly generation: number;
  /** Of the writer: it grows whenever a node takes the volume over. */
  readonly epoch: number;
  readonly writer: string;
  /** Nodes that hold the file. */
  readonly members: readonly string[];
  readonly tag: Uint8Array;
  readonly createdMillis: number;
  /** When the generation became the current one. */
  readonly switchedMillis: number;
  /** Open: up to here everything is synced and settled. Sealed: the length of the file. */
  readonly durable: number;
  /** Fillers and void slots below `durable`: garbage that has no mark. */
  readonly gapBytes: number;
}

const ROW_VERSION = 1;
const STATES: readonly VolumeState[] = ["open", "sealed", "removed"];
const KINDS: readonly VolumeKind[] = ["needles", "extents"];

export function volumeAddress(volume: number): RowAddress {
  return { table: TABLES.volume, key: idKey(volume) };
}

export const COUNTER_ADDRESS: RowAddress = { table: TABLES.volume, key: idKey(0) };

/** Each copy has a ledger of its own. (Those of a time when there was one copy have no suffix.) */
export function ledgerAddress(volume: number, node: string | undefined): RowAddress {
  return { table: TABLES.scrub, key: idKey(volume), ...(node !== undefined && { suffix: utf8(node) }) };
}

/** The node whose copy it is about; empty where it was the only one. */
export function ledgerOwner(suffix: Uint8Array): string {
  return text(suffix);
}

export function volumeOfKey(key: Uint8Array): number {
  return new DataView(key.buffer, key.byteOffset, key.byteLength).getUint32(0);
}

export function encodeVolumeRow(row: VolumeRow): Uint8Array {
  const writer = new ByteWriter(128)
    .u8(ROW_VERSION)
    .u8(STATES.indexOf(row.state))
    .u8(KINDS.indexOf(row.kind))
    .varint(row.generation)
    .varint(row.epoch)
    .string(row.writer)
    .varint(row.members.length);
  for (const member of row.members) writer.string(member);
  return writer.raw(row.tag).u64(row.createdMillis).u64(row.switchedMillis).u64(row.durable).u64(row.gapBytes).finish();
}

export function decodeVolumeRow(volume: number, bytes: Uint8Array): VolumeRow {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version > ROW_VERSION) throw blobFailure("VOLUME_FORMAT_NEWER", { data: { volume, version } });
  const state = STATES[reader.u8()]!;
  const kind = KINDS[reader.u8()]!;
  const generation = reader.varint();
  const epoch = reader.varint();
  const writer = reader.string();
  const members = Array.from({ length: reader.varint() }, () => reader.string());
  const tag = reader.raw(TAG_BYTES).slice();
  const createdMillis = reader.u64();
  const switchedMillis = reader.u64();
  const durable = reader.u64();
  const gapBytes = reader.u64();
  return { state, kind, generation, epoch, writer, members, tag, createdMillis, switchedMillis, durable, gapBytes };
}

export function encodeCounter(next: number): Uint8Array {
  return new ByteWriter(8).u8(ROW_VERSION).varint(next).finish();
}

export function decodeCounter(bytes: Uint8Array): number {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version > ROW_VERSION) throw blobFailure("VOLUME_FORMAT_NEWER", { data: { volume: 0, version } });
  return reader.varint();
}

function idKey(volume: number): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, volume);
  return key;
}
