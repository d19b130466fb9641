import { concatBytes, prefixEnd } from "../std/bytes.ts";
import { ByteReader } from "../std/reader.ts";
import { ByteWriter } from "../std/writer.ts";
import { addressBytes, type RowAddress, type RowKey, STORE_LIMITS, TABLES } from "../store/index.ts";
import { blobFailure } from "./errors.ts";

// Rows that the collector works with; the suffix begins with the needle: volume u32, number u32, big-endian.
//
//   drop   under the key whose row let go of the needle: version u8, time u64
//   dead   under the needle's owner, the collector's verdict: version u8, state u8 (1 pending, 2 garbage), run u32,
//          sequence varint, slot bytes varint, time u64
//   share  under the needle's owner, its suffix goes on with another key, the holder: version u8, time u64
//
// A pending mark asks every commit that names the needle to wait: whether it lives is being found out. Garbage is
// final.
//
// A share row keeps nothing alive. It says where to look: rows of the holder may name the needle. It is there before
// one of them does, and goes when the collector has found that none does any more.

export interface NeedleName {
  readonly volume: number;
  readonly needle: number;
}

export interface Mark {
  readonly state: "pending" | "garbage";
  /** Names the process that set it, so that a count of older marks does not count it twice. */
  readonly run: number;
  /** Of the commit in that process: no two commits write the same mark. */
  readonly sequence: number;
  readonly slotBytes: number;
  readonly timeMillis: number;
}

const ROW_VERSION = 1;
const SUFFIX_BYTES = 8;

export function needleSuffix(name: NeedleName): Uint8Array {
  const suffix = new Uint8Array(SUFFIX_BYTES);
  const view = new DataView(suffix.buffer);
  view.setUint32(0, name.volume);
  view.setUint32(4, name.needle);
  return suffix;
}

/** Undefined where it is not the suffix of a needle. */
export function needleOfSuffix(suffix: Uint8Array): NeedleName | undefined {
  if (suffix.length !== SUFFIX_BYTES) return undefined;
  const view = new DataView(suffix.buffer, suffix.byteOffset, suffix.byteLength);
  return { volume: view.getUint32(0), needle: view.getUint32(4) };
}

export function deadAddress(owner: Uint8Array, name: NeedleName): RowAddress {
  return { table: TABLES.dead, key: owner, suffix: needleSuffix(name) };
}

export function dropAddress(owner: Uint8Array, name: NeedleName): RowAddress {
  return { table: TABLES.drop, key: owner, suffix: needleSuffix(name) };
}

export function shareAddress(owner: Uint8Array, name: NeedleName, holder: Uint8Array): RowAddress {
  return { table: TABLES.share, key: owner, suffix: concatBytes([needleSuffix(name), holder]) };
}

/** The share rows of one needle. */
export function sharesOf(owner: Uint8Array, name: NeedleName): { readonly from: RowKey; readonly to: RowKey } {
  const suffix = needleSuffix(name);
  return { from: { key: owner, suffix }, to: { key: owner, suffix: prefixEnd(suffix)! } };
}

export function holderOfShare({ suffix }: { readonly suffix: Uint8Array }): Uint8Array {
  return suffix.subarray(SUFFIX_BYTES);
}

/** False where the two keys are too long for one row of the Store. */
export function canShare(owner: Uint8Array, holder: Uint8Array): boolean {
  return addressBytes(shareAddress(owner, { volume: 0, needle: 0 }, holder)) <= STORE_LIMITS.keyBytesMax;
}

export function encodeShare(timeMillis: number): Uint8Array {
  return encodeDrop(timeMillis);
}

export function encodeDrop(timeMillis: number): Uint8Array {
  return new ByteWriter(16).u8(ROW_VERSION).u64(timeMillis).finish();
}

export function decodeDropTime(bytes: Uint8Array): number {
  return readerOf(bytes).u64();
}

export function encodeMark(mark: Mark): Uint8Array {
  return new ByteWriter(32)
    .u8(ROW_VERSION)
    .u8(mark.state === "pending" ? 1 : 2)
    .u32(mark.run)
    .varint(mark.sequence)
    .varint(mark.slotBytes)
    .u64(mark.timeMillis)
    .finish();
}

export function decodeMark(bytes: Uint8Array): Mark {
  const reader = readerOf(bytes);
  const state = reader.u8() === 2 ? "garbage" : "pending";
  return {
    state,
    run: reader.u32(),
    sequence: reader.varint(),
    slotBytes: reader.varint(),
    timeMillis: reader.u64(),
  };
}

function readerOf(bytes: Uint8Array): ByteReader {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version > ROW_VERSION) throw blobFailure("VOLUME_FORMAT_NEWER", { data: { version } });
  return reader;
}
