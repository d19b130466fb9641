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
  #bytes: Uint8Array = new Uint8Array(64 * 1024);
  #view: DataView = new DataView(this.#bytes.buffer);
  #length = 0;
  readonly #payload = new ByteWriter(64 * 1024);

  begin(): void {
    this.#length = 0;
  }

  get length(): number {
    return this.#length;
  }

  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Returns the frame's checksum. */
  add(record: LogRecord, salt: number, durable: number, previous: number): number {
    encodePayload(record, this.#payload.reset());
    const payloadBytes = this.#payload.length;
    const at = this.#length;
    const end = at + frameBytes(payloadBytes);
    this.#reserve(end);
    const payloadAt = at + FRAME_HEADER_BYTES;
    this.#payload.copyTo(this.#bytes, payloadAt);
    this.#bytes.fill(0, payloadAt + payloadBytes, end);
    const view = this.#view;
    view.setUint8(at, kindNumber(record));
    view.setUint8(at + 1, FRAME_VERSION);
    view.setUint16(at + 2, 0);
    view.setUint32(at + 4, payloadBytes, true);
    setU64(view, at + 8, record.group);
    setU64(view, at + 16, durable);
    view.setUint32(at + 24, previous, true);
    const checksum = frameChecksum(this.#bytes, at, payloadBytes, salt);
    view.setUint32(at + 28, checksum, true);
    this.#length = end;
    return checksum;
  }

  #reserve(needed: number): void {
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
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
  return getU64(view, at + 16);
}

function frameChecksum(bytes: Uint8Array, at: number, payloadBytes: number, salt: number): number {
  const ofHeader = crc32c(bytes.subarray(at, at + FRAME_HEADER_BYTES - 4), salt);
  return crc32c(bytes.subarray(at + FRAME_HEADER_BYTES, at + frameBytes(payloadBytes)), ofHeader);
}

function setU64(view: DataView, at: number, value: number): void {
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
}

function getU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
}
