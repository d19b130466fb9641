// A checkpoint: every row of one Index, in key order, as one file that proves itself.
//
//   header   "ashlarCP" | format u32 | group, applied index, term, revision, command bytes u64 each | crc u32
//   block    payload bytes u32 (> 0) | rows u32 | crc u32 | rows: key length u16, value length u32, key, value
//   ...
//   footer   0 u32 | rows u64 | blocks u64 | crc u32
//
// The header keeps its form in all formats; what follows it depends on the format. Integers are little-endian. Every
// crc32c goes on from the one before it, the header's from zero: so a block that is missing, doubled or out of place
// breaks the chain, and the footer's crc is that of the whole file.

import type { IndexRow } from "../../env/index.ts";
import { compareBytes, equalBytes, utf8 } from "../../std/bytes.ts";
import { crc32c } from "../../std/checksums/index.ts";
import { ByteReader, MalformedBytes } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import { storeFailure } from "../errors.ts";
import type { MachineState } from "../machine/state.ts";
import { ROW_HEADER_BYTES_MAX } from "../row-codec.ts";
import { STORE_LIMITS } from "../store.ts";

/** Where in the log the rows stand. The applied index also names the file. */
export type CheckpointHeader = Omit<MachineState, "lastLease">;

export interface CheckpointFooter {
  readonly rows: number;
  readonly blocks: number;
}

const MAGIC = utf8("ashlarCP");
const FORMAT = 1;

export const HEADER_BYTES = 56;
export const BLOCK_HEADER_BYTES = 12;
export const FOOTER_BYTES = 24;
/** A block ends with the row that brings it to either of these. It is what one turn writes or restores. */
const BLOCK_BYTES = 262_144;
const BLOCK_ROWS = 512;
const ROW_OVERHEAD_BYTES = 6;
const ROW_BYTES_MAX = ROW_OVERHEAD_BYTES + 65_535 + ROW_HEADER_BYTES_MAX + STORE_LIMITS.valueBytesMax;
export const BLOCK_BYTES_MAX: number = BLOCK_BYTES + ROW_BYTES_MAX;

export function encodeHeader(header: CheckpointHeader): { readonly bytes: Uint8Array; readonly crc: number } {
  const writer = new ByteWriter(HEADER_BYTES).raw(MAGIC).u32(FORMAT);
  writer.u64(header.group).u64(header.appliedIndex).u64(header.term).u64(header.revision).u64(header.commandBytes);
  const crc = crc32c(writer.finish());
  return { bytes: writer.u32(crc).finish(), crc };
}

/** Throws MalformedBytes, or FORMAT_NEWER. */
export function decodeHeader(bytes: Uint8Array): { readonly header: CheckpointHeader; readonly crc: number } {
  const reader = new ByteReader(bytes);
  if (!equalBytes(reader.raw(MAGIC.length), MAGIC))
    throw new MalformedBytes("the file does not begin like a checkpoint");
  const format = reader.u32();
  const header = {
    group: reader.u64(),
    appliedIndex: reader.u64(),
    term: reader.u64(),
    revision: reader.u64(),
    commandBytes: reader.u64(),
  };
  const crc = crc32c(bytes.subarray(0, reader.position));
  if (reader.u32() !== crc) throw new MalformedBytes("the header's checksum does not hold");
  if (format === FORMAT) return { header, crc };
  throw storeFailure("FORMAT_NEWER", { what: "A checkpoint has a newer format.", data: { format } });
}

/** Collects rows into blocks in one piece of memory, which it uses again after `reset`. */
export class BlockEncoder {
  readonly #bytes = new Uint8Array(BLOCK_HEADER_BYTES + BLOCK_BYTES_MAX);
  readonly #view = new DataView(this.#bytes.buffer);
  #length = BLOCK_HEADER_BYTES;
  #rows = 0;

  get rows(): number {
    return this.#rows;
  }

  get full(): boolean {
    return this.#length >= BLOCK_HEADER_BYTES + BLOCK_BYTES || this.#rows >= BLOCK_ROWS;
  }

  add({ key, value }: IndexRow): void {
    this.#view.setUint16(this.#length, key.length, true);
    this.#view.setUint32(this.#length + 2, value.length, true);
    this.#bytes.set(key, this.#length + ROW_OVERHEAD_BYTES);
    this.#bytes.set(value, this.#length + ROW_OVERHEAD_BYTES + key.length);
    this.#length += ROW_OVERHEAD_BYTES + key.length + value.length;
    this.#rows++;
  }

  /** The bytes are valid until `reset`. */
  finish(crcBefore: number): { readonly bytes: Uint8Array; readonly crc: number } {
    this.#view.setUint32(0, this.#length - BLOCK_HEADER_BYTES, true);
    this.#view.setUint32(4, this.#rows, true);
    const bytes = this.#bytes.subarray(0, this.#length);
    const crc = blockCrc(bytes.subarray(0, BLOCK_HEADER_BYTES), bytes.subarray(BLOCK_HEADER_BYTES), crcBefore);
    this.#view.setUint32(8, crc, true);
    return { bytes, crc };
  }

  reset(): void {
    this.#length = BLOCK_HEADER_BYTES;
    this.#rows = 0;
  }
}

/** Of a block, its payload's length; 0 where the footer begins here. */
export function payloadBytesOf(blockHeader: Uint8Array): number {
  const payloadBytes = new ByteReader(blockHeader).u32();
  if (payloadBytes > BLOCK_BYTES_MAX) throw new MalformedBytes("a block is longer than any version writes");
  return payloadBytes;
}

/** The rows share the memory of `payload`. Throws MalformedBytes where checksum, count or order do not hold. */
export function decodeBlock(
  blockHeader: Uint8Array,
  payload: Uint8Array,
  crcBefore: number,
): { readonly rows: IndexRow[]; readonly crc: number } {
  const crc = blockCrc(blockHeader, payload, crcBefore);
  const head = new ByteReader(blockHeader, 4);
  const count = head.u32();
  if (head.u32() !== crc) throw new MalformedBytes("a block's checksum does not hold");
  const rows: IndexRow[] = [];
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  let at = 0;
  while (at + ROW_OVERHEAD_BYTES <= payload.length) {
    const keyAt = at + ROW_OVERHEAD_BYTES;
    const valueAt = keyAt + view.getUint16(at, true);
    at = valueAt + view.getUint32(at + 2, true);
    rows.push({ key: payload.subarray(keyAt, valueAt), value: payload.subarray(valueAt, at) });
    if (rows.length > 1) checkOrder(rows.at(-2)!, rows.at(-1)!);
  }
  if (at !== payload.length || rows.length !== count)
    throw new MalformedBytes("a block has another length than its rows");
  return { rows, crc };
}

export function checkOrder(before: IndexRow, after: IndexRow): void {
  if (compareBytes(before.key, after.key) >= 0) throw new MalformedBytes("the rows are not in order");
}

export function encodeFooter({ rows, blocks }: CheckpointFooter, crcBefore: number): Uint8Array {
  const writer = new ByteWriter(FOOTER_BYTES).u32(0).u64(rows).u64(blocks);
  return writer.u32(crc32c(writer.finish(), crcBefore)).finish();
}

export function decodeFooter(bytes: Uint8Array, crcBefore: number): CheckpointFooter {
  if (bytes.length !== FOOTER_BYTES) throw new MalformedBytes("the file does not end behind its footer");
  const reader = new ByteReader(bytes, 4);
  const footer = { rows: reader.u64(), blocks: reader.u64() };
  if (reader.u32() !== crc32c(bytes.subarray(0, FOOTER_BYTES - 4), crcBefore)) {
    throw new MalformedBytes("the footer's checksum does not hold");
  }
  return footer;
}

/** Over lengths and payload, not over the field of the checksum itself. */
function blockCrc(blockHeader: Uint8Array, payload: Uint8Array, crcBefore: number): number {
  return crc32c(payload, crc32c(blockHeader.subarray(0, 8), crcBefore));
}
