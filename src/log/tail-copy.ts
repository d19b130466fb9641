import type { Disk } from "../env/index.ts";
import { crc32c } from "../std/checksums/index.ts";
import { hasCode } from "../std/errors.ts";
import { ByteReader } from "../std/reader.ts";
import { ByteWriter } from "../std/writer.ts";
import { logFailure } from "./errors.ts";
import { SEGMENT_HEADER_BYTES, type Segment } from "./segment.ts";

// Recovery writes the log's unsure end again in its place, and a power cut in the middle of that may garble frames that had been durable.
// So their bytes are kept in a file beside the log until they are durable again. Frames never change: a copy that comes back because its
// removal was not synced holds what stands in its segment anyway.
//
//   magic "ASHLARTC" | version u32 | segment u64 | salt u32 | offset in the segment's file u64 | length u32 | bytes
//   | crc32c of all before u32

const MAGIC = "ASHLARTC";
const VERSION = 1;
const HEAD_BYTES = 36;
const CHECKSUM_BYTES = 4;

/** Durable when it resolves. A full disk has no room for a copy: the log opens without one. */
export async function keepTailCopy(
  disk: Disk,
  folder: string,
  segment: Segment,
  offset: number,
  bytes: Uint8Array,
): Promise<void> {
  const head = new ByteWriter(HEAD_BYTES);
  for (let at = 0; at < MAGIC.length; at++) head.u8(MAGIC.charCodeAt(at));
  head.u32(VERSION).u64(segment.id).u32(segment.salt).u64(offset).u32(bytes.length);
  const encoded = head.finish();
  const checksum = new ByteWriter(CHECKSUM_BYTES).u32(crc32c(bytes, crc32c(encoded))).finish();
  const temporary = `${nameIn(folder)}.new`;
  await removeIfThere(disk, temporary);
  try {
    const file = await disk.open(temporary, "create");
    try {
      await file.write(0, [encoded, bytes, checksum]);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (!hasCode(error, "DISK_FULL")) throw error;
    await removeIfThere(disk, temporary);
    return;
  }
  await disk.rename(temporary, nameIn(folder));
  await disk.syncDirectory(folder);
}

/** Puts the copy's bytes in their place among the segment's; returns the offset from which on those were others. */
export async function takeTailCopy(
  disk: Disk,
  folder: string,
  segment: Segment,
  bytes: Uint8Array,
): Promise<number | undefined> {
  const copy = await read(disk, folder, segment);
  if (copy === undefined || copy.offset + copy.bytes.length > bytes.length) return undefined;
  const differs = copy.bytes.findIndex((byte, at) => byte !== bytes[copy.offset + at]);
  if (differs === -1) return undefined;
  bytes.set(copy.bytes, copy.offset);
  return copy.offset + differs;
}

/** The log is durable without it. */
export async function dropTailCopy(disk: Disk, folder: string): Promise<void> {
  await removeIfThere(disk, nameIn(folder));
}

/** Undefined where there is none of this segment that is whole. */
async function read(
  disk: Disk,
  folder: string,
  segment: Segment,
): Promise<{ readonly offset: number; readonly bytes: Uint8Array } | undefined> {
  let all: Uint8Array;
  try {
    const file = await disk.open(nameIn(folder), "read");
    try {
      all = await file.read(0, await file.length());
    } finally {
      await file.close();
    }
  } catch (error) {
    if (hasCode(error, "FILE_MISSING") || hasCode(error, "DISK_FAILED")) return undefined;
    throw error;
  }
  const covered = all.length - CHECKSUM_BYTES;
  if (covered < HEAD_BYTES || new ByteReader(all, covered).u32() !== crc32c(all.subarray(0, covered))) return undefined;
  const reader = new ByteReader(all);
  for (let at = 0; at < MAGIC.length; at++) if (reader.u8() !== MAGIC.charCodeAt(at)) return undefined;
  const version = reader.u32();
  if (version > VERSION) throw logFailure("LOG_FORMAT_NEWER", { data: { segment: segment.id, version } });
  const isOfSegment = reader.u64Unsafe() === segment.id && reader.u32() === segment.salt;
  const offset = reader.u64Unsafe();
  const length = reader.u32();
  if (!isOfSegment || offset < SEGMENT_HEADER_BYTES || HEAD_BYTES + length !== covered) return undefined;
  return { offset, bytes: all.subarray(HEAD_BYTES, covered) };
}

async function removeIfThere(disk: Disk, name: string): Promise<void> {
  await disk.remove(name).catch((error: unknown) => {
    if (!hasCode(error, "FILE_MISSING")) throw error;
  });
}

function nameIn(folder: string): string {
  return `${folder}/tail-copy`;
}
