import { assert } from "../std/assert.ts";
import { equalBytes } from "../std/bytes.ts";
import { crc32c } from "../std/checksums/index.ts";
import { getU64, setU64, viewOf } from "./fields.ts";
import {
  blockCount,
  FOOTER_BYTES,
  HEADER_BYTES,
  NEEDLE_BYTES_MAX,
  OWNER_BYTES_MAX,
  slotBytesFor,
  TAG_BYTES,
  trailerBytes,
  UNIT_BYTES,
  type VolumeIdentity,
} from "./format.ts";

// Header, known before the data (units: slots and needles count in 8 bytes):
//
//   0         4       6       8       16        20       24        28      32        40         48         52       56
//   +---------+-------+-------+-------+---------+--------+---------+-------+---------+----------+----------+--------+
//   | magic   | flags | owner | tag   | needle  | slot   | data    | epoch | time    | durable  | zeros    | crc32c |
//   | u32     | u16   | bytes | 8     | u32     | u32    | bytes   | u32   | u64     | u64      | u32      | u32    |
//   |         |       | u16   |       |         |        | u32     |       | millis  |          |          |        |
//   +---------+-------+-------+-------+---------+--------+---------+-------+---------+----------+----------+--------+
//
// `durable` is the length of the volume known to be synced when the header was written: a valid header proves it. The
// checksum starts from the volume's salt and covers the header and the owner. A filler (flag 1) has no owner, data or
// footer.
//
// Footer, written last:
//
//   0         4       8       16        20      24         28         32      36       40
//   +---------+-------+-------+---------+-------+----------+----------+-------+--------+
//   | magic   | state | tag   | needle  | data  | checksum | header's | zeros | crc32c |
//   | u32     | u32   | 8     | u32     | bytes | of data  | crc32c   | u32   | u32    |
//   +---------+-------+-------+---------+-------+----------+----------+-------+--------+
//
// Its checksum starts from the salt too and covers the block checksums before it, except in a void footer: that of a
// stream that broke off, whose blocks were never all known.

const HEADER_MAGIC = 0x6c64_6e41;
const FOOTER_MAGIC = 0x6c64_6e46;
const FLAG_FILLER = 1;
const STATE_COMPLETE = 1;
const STATE_VOID = 2;

export interface NeedleHeader {
  readonly filler: boolean;
  readonly needle: number;
  readonly slotBytes: number;
  readonly ownerBytes: number;
  readonly dataBytes: number;
  /** Of the writer. */
  readonly epoch: number;
  readonly timeMillis: number;
  readonly durable: number;
}

/** Writes the header at `at`; the owner stands in `bytes` right behind it already. Returns the header's checksum. */
export function encodeHeader(bytes: Uint8Array, at: number, header: NeedleHeader, identity: VolumeIdentity): number {
  assert(header.slotBytes % UNIT_BYTES === 0, "slots are made of whole units");
  const view = viewOf(bytes);
  view.setUint32(at, HEADER_MAGIC, true);
  view.setUint16(at + 4, header.filler ? FLAG_FILLER : 0, true);
  view.setUint16(at + 6, header.ownerBytes, true);
  bytes.set(identity.tag, at + 8);
  view.setUint32(at + 16, header.needle, true);
  view.setUint32(at + 20, header.slotBytes / UNIT_BYTES, true);
  view.setUint32(at + 24, header.dataBytes, true);
  view.setUint32(at + 28, header.epoch, true);
  setU64(view, at + 32, header.timeMillis);
  setU64(view, at + 40, header.durable);
  view.setUint32(at + 48, 0, true);
  const checksum = headerChecksum(bytes, at, header.ownerBytes, identity);
  view.setUint32(at + 52, checksum, true);
  return checksum;
}

/** The checksum that stands in a header. */
export function headerChecksumAt(bytes: Uint8Array, at: number): number {
  return viewOf(bytes).getUint32(at + 52, true);
}

/**
 * The header at `at`, or undefined where there is none that holds: wrong magic, tag or checksum, or sizes that do not
 * fit together. `bytes` must reach to the end of the owner, else a header with a long owner does not count; see
 * `headerBytesWanted`.
 */
export function parseHeader(bytes: Uint8Array, at: number, identity: VolumeIdentity): NeedleHeader | undefined {
  if (at + HEADER_BYTES > bytes.length) return undefined;
  const view = viewOf(bytes);
  if (view.getUint32(at, true) !== HEADER_MAGIC) return undefined;
  if (!equalBytes(bytes.subarray(at + 8, at + 8 + TAG_BYTES), identity.tag)) return undefined;
  const ownerBytes = view.getUint16(at + 6, true);
  if (ownerBytes > OWNER_BYTES_MAX || at + HEADER_BYTES + ownerBytes > bytes.length) return undefined;
  if (view.getUint32(at + 52, true) !== headerChecksum(bytes, at, ownerBytes, identity)) return undefined;
  const flags = view.getUint16(at + 4, true);
  const header: NeedleHeader = {
    filler: flags === FLAG_FILLER,
    needle: view.getUint32(at + 16, true),
    slotBytes: view.getUint32(at + 20, true) * UNIT_BYTES,
    ownerBytes,
    dataBytes: view.getUint32(at + 24, true),
    epoch: view.getUint32(at + 28, true),
    timeMillis: getU64(view, at + 32),
    durable: getU64(view, at + 40),
  };
  return flags <= FLAG_FILLER && isPlausible(header) ? header : undefined;
}

/** Bytes from `at` that a header there needs to be parsed, as far as its fixed part tells. */
export function headerBytesWanted(bytes: Uint8Array, at: number): number {
  if (at + HEADER_BYTES > bytes.length) return HEADER_BYTES;
  return HEADER_BYTES + Math.min(viewOf(bytes).getUint16(at + 6, true), OWNER_BYTES_MAX);
}

/**
 * The first position from `at`, in steps of 8, where a header may begin; -1 if there is none. `bytes` begins at a
 * multiple of 8.
 */
export function findHeaderMagic(bytes: Uint8Array, at: number): number {
  const view = viewOf(bytes);
  for (let position = at; position + 4 <= bytes.length; position += UNIT_BYTES) {
    if (view.getUint32(position, true) === HEADER_MAGIC) return position;
  }
  return -1;
}

export interface NeedleTrailer {
  readonly state: "complete" | "void";
  /** Of each block; empty where void. */
  readonly blocks: readonly number[];
  readonly checksum: number;
}

export interface TrailerBinding {
  readonly needle: number;
  readonly dataBytes: number;
  readonly headerChecksum: number;
}

/** Writes block checksums and footer at `at`. */
export function encodeTrailer(
  bytes: Uint8Array,
  at: number,
  trailer: NeedleTrailer,
  binding: TrailerBinding,
  identity: VolumeIdentity,
): void {
  const view = viewOf(bytes);
  const footerAt = at + trailerBytes(binding.dataBytes) - FOOTER_BYTES;
  for (const [block, checksum] of trailer.blocks.entries()) view.setUint32(at + block * 4, checksum, true);
  view.setUint32(footerAt, FOOTER_MAGIC, true);
  view.setUint32(footerAt + 4, trailer.state === "void" ? STATE_VOID : STATE_COMPLETE, true);
  bytes.set(identity.tag, footerAt + 8);
  view.setUint32(footerAt + 16, binding.needle, true);
  view.setUint32(footerAt + 20, binding.dataBytes, true);
  view.setUint32(footerAt + 24, trailer.checksum, true);
  view.setUint32(footerAt + 28, binding.headerChecksum, true);
  view.setUint32(footerAt + 32, 0, true);
  const coveredAt = trailer.state === "void" ? footerAt : at;
  view.setUint32(footerAt + 36, crc32c(bytes.subarray(coveredAt, footerAt + 36), identity.salt), true);
}

/** The trailer at `at`, or undefined where there is none that holds and belongs to this header. */
export function parseTrailer(
  bytes: Uint8Array,
  at: number,
  binding: TrailerBinding,
  identity: VolumeIdentity,
): NeedleTrailer | undefined {
  const footerAt = at + trailerBytes(binding.dataBytes) - FOOTER_BYTES;
  if (footerAt + FOOTER_BYTES > bytes.length) return undefined;
  const view = viewOf(bytes);
  if (view.getUint32(footerAt, true) !== FOOTER_MAGIC) return undefined;
  const state = view.getUint32(footerAt + 4, true);
  if (state !== STATE_COMPLETE && state !== STATE_VOID) return undefined;
  const coveredAt = state === STATE_VOID ? footerAt : at;
  const checksum = crc32c(bytes.subarray(coveredAt, footerAt + 36), identity.salt);
  if (view.getUint32(footerAt + 36, true) !== checksum) return undefined;
  if (view.getUint32(footerAt + 16, true) !== binding.needle) return undefined;
  if (view.getUint32(footerAt + 20, true) !== binding.dataBytes) return undefined;
  if (view.getUint32(footerAt + 28, true) !== binding.headerChecksum) return undefined;
  if (state === STATE_VOID) return { state: "void", blocks: [], checksum: 0 };
  const blocks: number[] = [];
  for (let block = 0; block < blockCount(binding.dataBytes); block++) blocks.push(view.getUint32(at + block * 4, true));
  return { state: "complete", blocks, checksum: view.getUint32(footerAt + 24, true) };
}

function headerChecksum(bytes: Uint8Array, at: number, ownerBytes: number, identity: VolumeIdentity): number {
  const fixed = crc32c(bytes.subarray(at, at + 52), identity.salt);
  return ownerBytes === 0 ? fixed : crc32c(bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + ownerBytes), fixed);
}

function isPlausible(header: NeedleHeader): boolean {
  if (!Number.isSafeInteger(header.timeMillis) || !Number.isSafeInteger(header.durable)) return false;
  if (header.filler) return header.slotBytes >= HEADER_BYTES && header.ownerBytes === 0 && header.dataBytes === 0;
  if (header.ownerBytes === 0 || header.dataBytes === 0 || header.dataBytes > NEEDLE_BYTES_MAX) return false;
  return header.slotBytes >= slotBytesFor(header.ownerBytes, header.dataBytes);
}
