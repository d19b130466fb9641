// A volume file, little-endian. Generation 1 is written needle by needle; later generations are compacted copies with a
// table.
//
//   generation 1                                        generation 2 and later
//   +------------+--------+--------+-----+----------+   +------------+--------+-----+--------------+--------+-----+
//   | superblock | slot   | slot   | ... | unused:  |   | superblock | slot   | ... | table pages  | fences | end |
//   | 4096       |        |        |     | zeros    |   | 4096       |        |     | 4096 each    |        |     |
//   +------------+--------+--------+-----+----------+   +------------+--------+-----+--------------+--------+-----+
//
// A slot begins at a multiple of 8 and holds one needle (a filler slot has only the header):
//
//   +-------------+-------+--------------------+-------------------------+-------------+----------------+
//   | header      | owner | data               | crc32c of each block of | footer      | zeros, to the  |
//   | 56          |       |                    | 64 KiB of the data      | 40          | end of the slot|
//   +-------------+-------+--------------------+-------------------------+-------------+----------------+
//
// What is written between two syncs of generation 1 begins at a sector boundary, and its last slot is lengthened up to
// one: no write ever touches a sector that holds acknowledged bytes, so a torn sector can not take them along.
//
// A needle's number is its position in generation 1 divided by 8: its name for life. A position is never handed out
// twice, and neither is a volume's id.

import { crc32c } from "../std/checksums/index.ts";

export const FORMAT_VERSION = 1;
export const SUPERBLOCK_BYTES = 4096;
/** Unit in which disks lose or garble what was not synced. */
export const SECTOR_BYTES = 4096;
export const BLOCK_BYTES = 65_536;
/** Positions of slots are multiples of it. */
export const UNIT_BYTES = 8;
export const HEADER_BYTES = 56;
export const FOOTER_BYTES = 40;
/** An owner is a key of the Store. */
export const OWNER_BYTES_MAX = 1800;
export const NEEDLE_BYTES_MAX = 0x4000_0000;
/** Needle numbers are 32 bits in units of 8 bytes. */
export const VOLUME_BYTES_MAX = 0x8_0000_0000;
export const TAG_BYTES = 8;

export const FOLDER = "volumes";

/** Needles are small and share one sync; extents are pieces of streams, in volumes of their own. */
export type VolumeKind = "needles" | "extents";

/**
 * What every header and footer of a file is bound to, so that bytes of another file or of an earlier life never count.
 */
export interface VolumeIdentity {
  readonly volume: number;
  readonly generation: number;
  /** Random and never shown to clients: data can not be made to look like a needle. */
  readonly tag: Uint8Array;
  /** Where the checksums of headers and footers start from. */
  readonly salt: number;
}

export function identityOf(volume: number, generation: number, tag: Uint8Array): VolumeIdentity {
  const bytes = new Uint8Array(8 + TAG_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, volume, true);
  view.setUint32(4, generation, true);
  bytes.set(tag, 8);
  return { volume, generation, tag, salt: crc32c(bytes) };
}

export function volumeFileName(volume: number, generation: number): string {
  return `${FOLDER}/${String(volume).padStart(8, "0")}.g${generation}.volume`;
}

/** Undefined where the name (without its folder) is not one of a volume. */
export function parseVolumeFileName(
  name: string,
): { readonly volume: number; readonly generation: number } | undefined {
  const match = /^(\d{8,10})\.g([1-9]\d{0,8})\.volume$/.exec(name);
  if (match === null) return undefined;
  return { volume: Number(match[1]), generation: Number(match[2]) };
}

export function blockCount(dataBytes: number): number {
  return Math.ceil(dataBytes / BLOCK_BYTES);
}

/** Bytes of the block checksums and the footer. */
export function trailerBytes(dataBytes: number): number {
  return blockCount(dataBytes) * 4 + FOOTER_BYTES;
}

/** From the start of the slot to the end of its footer. */
export function needleBytes(ownerBytes: number, dataBytes: number): number {
  return HEADER_BYTES + ownerBytes + dataBytes + trailerBytes(dataBytes);
}

/** The shortest slot for a needle. */
export function slotBytesFor(ownerBytes: number, dataBytes: number): number {
  return alignUp(needleBytes(ownerBytes, dataBytes), UNIT_BYTES);
}

export function alignUp(position: number, unit: number): number {
  return Math.ceil(position / unit) * unit;
}
