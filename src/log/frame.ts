import { crc32c } from "../std/checksums/index.ts";
import { ByteWriter } from "../std/writer.ts";
import { encodePayload, kindNumber, type LogRecord } from "./record.ts";

// A frame, 8-byte aligned, little-endian:
//
//      0        1          2          4                8               16               24             28           32
//      +--------+----------+----------+----------------+----------------+----------------+--------------+------------+
//      |  kind  | version  | reserved | payload length |     group      |    durable     |   previous   |  checksum  |
//      |   u8   |   u8     |   u16    |      u32       |      u64       |      u64       |     u32      |    u32     |
//      +--------+----------+----------+----------------+----------------+----------------+--------------+------------+
//      | payload ... zero padding to a multiple of 8                                                                  |
//      +--------------------------------------------------------------------------------------------------------------+
//
// `durable` is the position up to which the log was known to be synced when the frame was written: a valid frame proves that all
// before that position had reached the disk. `previous` is the checksum of the frame before it. The checksum covers the header
// without itself, the payload and the padding, and starts from the segment's salt, so that frames of a recycled file never count.
//
// A frame may begin in a sector whose first half was synced before. This takes it for granted that a crash during a write never
// changes synced bytes beside the written ones: a sector reaches the disk whole or not at all.

export const FRAME_HEADER_BYTES = 32;
export const FRAME_VERSION = 1;
/** Where in a header `durable` stands. */
export const DURABLE_AT = 16;

export interface FrameHeader {
  readonly kind: number;
  readonly version: number;
  readonly payloadBytes: number;
  readonly group: number;
  readonly durable: number;
  readonly previous: number;
  readonly checksum: number;
}

export function frameBytes(payloadBytes: number): number {
  return FRAME_HEADER_BYTES + Math.ceil(payloadBytes / 8) * 8;
}

/** Encodes records into one buffer that it reuses: take the bytes before the next `begin`. */
export class FrameEncoder {
  readonly #writer = new ByteWriter(64 * 1024);

  begin(): void {
    this.#writer.reset();
  }

  get length(): number {
    return this.#writer.length;
  }

  bytes(): Uint8Array {
    return this.#writer.written();
  }

  /** Returns the frame's checksum. */
  add(record: LogRecord, salt: number, durable: number, previous: number): number {
    const writer = this.#writer;
    const at = writer.length;
    writer.u32(kindNumber(record) | (FRAME_VERSION << 8)).u32(0);
    writer.u64(record.group).u64(durable).u32(previous).u32(0);
    encodePayload(record, writer);
    const payloadBytes = writer.length - at - FRAME_HEADER_BYTES;
    writer.zeros(at + frameBytes(payloadBytes) - writer.length);
    writer.setU32(at + 4, payloadBytes);
    const checksum = frameChecksum(writer.written(), at, payloadBytes, salt);
    writer.setU32(at + 28, checksum);
    return checksum;
  }
}

/** The header of a frame at `at` whose checksum holds, else undefined. Most garbage fails the plausibility tests and costs no checksum. */
export function validFrameAt(bytes: Uint8Array, view: DataView, at: number, salt: number): FrameHeader | undefined {
  if (at + FRAME_HEADER_BYTES > bytes.length) return undefined;
  const kind = bytes[at]!;
  if (kind === 0 || bytes[at + 2] !== 0 || bytes[at + 3] !== 0) return undefined;
  const payloadBytes = view.getUint32(at + 4, true);
  if (at + frameBytes(payloadBytes) > bytes.length) return undefined;
  const group = getU64(view, at + 8);
  const durable = getU64(view, at + 16);
  if (!Number.isSafeInteger(group) || !Number.isSafeInteger(durable)) return undefined;
  const checksum = view.getUint32(at + 28, true);
  if (frameChecksum(bytes, at, payloadBytes, salt) !== checksum) return undefined;
  const previous = view.getUint32(at + 24, true);
  return { kind, version: bytes[at + 1]!, payloadBytes, group, durable, previous, checksum };
}

/** What a frame at `at`, if there is one, says to have been durable. Costs next to nothing. */
export function durableClaimedAt(view: DataView, at: number): number {
  return getU64(view, at + DURABLE_AT);
}

function frameChecksum(bytes: Uint8Array, at: number, payloadBytes: number, salt: number): number {
  const ofHeader = crc32c(bytes.subarray(at, at + FRAME_HEADER_BYTES - 4), salt);
  return crc32c(bytes.subarray(at + FRAME_HEADER_BYTES, at + frameBytes(payloadBytes)), ofHeader);
}

function getU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
}
