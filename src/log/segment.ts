import type { Disk, DiskFile, Random } from "../env/index.ts";
import { crc32c } from "../std/checksums/index.ts";
import { ByteReader } from "../std/reader.ts";
import { ByteWriter } from "../std/writer.ts";
import { logFailure } from "./errors.ts";

// A segment is a preallocated file: one header block, then frames, then zeros. Its name is its id; `base` is the position of its
// first frame in the log as a whole. The header is synced before the first frame is written, and only after everything in the
// segments before it was synced: a valid header proves that the log is complete up to its base.

export const SEGMENT_HEADER_BYTES = 4096;
const MAGIC = "ASHLARLG";
const FORMAT_VERSION = 1;
const ZERO_CHUNK_BYTES = 1024 * 1024;

export interface Segment {
  readonly id: number;
  /** Position in the log of the byte behind the header. */
  readonly base: number;
  /** Where a frame's checksum starts from: differs by id and by a random number, so that a recycled file's old frames never count. */
  readonly salt: number;
  readonly fileBytes: number;
}

export function segmentName(folder: string, id: number): string {
  return `${folder}/${String(id).padStart(16, "0")}.log`;
}

export function segmentIdOf(fileName: string): number | undefined {
  const match = /^(\d{16})\.log$/.exec(fileName);
  return match ? Number(match[1]) : undefined;
}

/** Offset in the segment's file of a position in the log. */
export function offsetOf(segment: Segment, position: number): number {
  return SEGMENT_HEADER_BYTES + position - segment.base;
}

export function capacityOf(segment: Segment): number {
  return segment.fileBytes - SEGMENT_HEADER_BYTES;
}

/** Makes the header durable in a file that is already allocated and zeroed or recycled, and named by `id`. */
export async function beginSegment(file: DiskFile, id: number, base: number, random: Random): Promise<Segment> {
  const saltSeed = random.u32();
  const fileBytes = await file.length();
  await file.write(0, [encodeHeader(id, base, saltSeed, fileBytes)]);
  await file.sync();
  return { id, base, salt: saltOf(id, saltSeed), fileBytes };
}

/** Undefined where the header is not whole: the segment was being begun when the node stopped. */
export async function readSegmentHeader(file: DiskFile, id: number): Promise<Segment | undefined> {
  const block = await file.read(0, SEGMENT_HEADER_BYTES);
  if (block.length < SEGMENT_HEADER_BYTES) return undefined;
  const reader = new ByteReader(block);
  for (let at = 0; at < MAGIC.length; at++) if (reader.u8() !== MAGIC.charCodeAt(at)) return undefined;
  const version = reader.u32();
  const headerId = reader.u64Unsafe();
  const base = reader.u64Unsafe();
  const saltSeed = reader.u32();
  const fileBytes = reader.u64Unsafe();
  const covered = reader.position;
  if (reader.u32() !== crc32c(block.subarray(0, covered))) return undefined;
  if (version > FORMAT_VERSION) throw logFailure("LOG_FORMAT_NEWER", { data: { segment: id, version } });
  if (headerId !== id) return undefined;
  return { id, base, salt: saltOf(id, saltSeed), fileBytes };
}

/**
 * Fills a file with zeros up to `length`, so that later writes change no size and allocate nothing, and syncs it. Leaves no file behind
 * where the disk is full.
 */
export async function allocateZeroed(disk: Disk, name: string, length: number): Promise<DiskFile> {
  const file = await disk.open(name, "create");
  try {
    const zeros = new Uint8Array(Math.min(ZERO_CHUNK_BYTES, length));
    for (let at = 0; at < length; at += zeros.length) {
      await file.write(at, [zeros.subarray(0, Math.min(zeros.length, length - at))]);
    }
    await file.sync();
    return file;
  } catch (error) {
    await file.close();
    await disk.remove(name).catch(() => {});
    throw error;
  }
}

function encodeHeader(id: number, base: number, saltSeed: number, fileBytes: number): Uint8Array {
  const writer = new ByteWriter(SEGMENT_HEADER_BYTES);
  for (let at = 0; at < MAGIC.length; at++) writer.u8(MAGIC.charCodeAt(at));
  writer.u32(FORMAT_VERSION).u64(id).u64(base).u32(saltSeed).u64(fileBytes);
  writer.u32(crc32c(writer.finish()));
  return writer.zeros(SEGMENT_HEADER_BYTES - writer.length).end();
}

function saltOf(id: number, saltSeed: number): number {
  return crc32c(new ByteWriter(16).u64(id).u32(saltSeed).finish());
}
