import { equalBytes, utf8 } from "../std/bytes.ts";
import { crc32c } from "../std/checksums/index.ts";
import { hasCode } from "../std/errors.ts";
import { blobFailure } from "./errors.ts";
import { getU64, setU64, viewOf } from "./fields.ts";
import {
  FORMAT_VERSION,
  identityOf,
  SUPERBLOCK_BYTES,
  TAG_BYTES,
  type VolumeIdentity,
  type VolumeKind,
} from "./format.ts";
import type { ReadableFile } from "./window.ts";

// The first sector of a volume file. It is written and synced before the volume has a row in the Store, and never
// again.
//
//   0               8         12         16             20       24          32           40                4092
//   +---------------+---------+----------+--------------+--------+-----------+------------+-----------------+--------+
//   | magic         | version | volume   | generation   | kind   | tag       | created    | zeros           | crc32c |
//   | 8             | u32     | u32      | u32          | u32    | 8         | u64 millis |                 | u32    |
//   +---------------+---------+----------+--------------+--------+-----------+------------+-----------------+--------+

const MAGIC = utf8("ashlarvo");
const CHECKSUM_AT = SUPERBLOCK_BYTES - 4;
const KINDS: readonly VolumeKind[] = ["needles", "extents"];

export interface Superblock {
  readonly identity: VolumeIdentity;
  readonly kind: VolumeKind;
  readonly createdMillis: number;
}

export function encodeSuperblock(superblock: Superblock): Uint8Array {
  const bytes = new Uint8Array(SUPERBLOCK_BYTES);
  const view = viewOf(bytes);
  bytes.set(MAGIC, 0);
  view.setUint32(8, FORMAT_VERSION, true);
  view.setUint32(12, superblock.identity.volume, true);
  view.setUint32(16, superblock.identity.generation, true);
  view.setUint32(20, KINDS.indexOf(superblock.kind) + 1, true);
  bytes.set(superblock.identity.tag, 24);
  setU64(view, 32, superblock.createdMillis);
  view.setUint32(CHECKSUM_AT, crc32c(bytes.subarray(0, CHECKSUM_AT)), true);
  return bytes;
}

/** Undefined where it can not be read. Throws VOLUME_FORMAT_NEWER. */
export async function readSuperblock(file: ReadableFile): Promise<Superblock | undefined> {
  try {
    return parseSuperblock(await file.read(0, SUPERBLOCK_BYTES));
  } catch (error) {
    if (hasCode(error, "DISK_FAILED")) return undefined;
    throw error;
  }
}

/** Undefined where the bytes are not an intact superblock. Throws VOLUME_FORMAT_NEWER for one of a later version. */
export function parseSuperblock(bytes: Uint8Array): Superblock | undefined {
  if (bytes.length < SUPERBLOCK_BYTES || !equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) return undefined;
  const view = viewOf(bytes);
  if (view.getUint32(CHECKSUM_AT, true) !== crc32c(bytes.subarray(0, CHECKSUM_AT))) return undefined;
  const version = view.getUint32(8, true);
  const volume = view.getUint32(12, true);
  if (version > FORMAT_VERSION) throw blobFailure("VOLUME_FORMAT_NEWER", { data: { volume, version } });
  const kind = KINDS[view.getUint32(20, true) - 1];
  if (kind === undefined) return undefined;
  const identity = identityOf(volume, view.getUint32(16, true), bytes.slice(24, 24 + TAG_BYTES));
  return { identity, kind, createdMillis: getU64(view, 32) };
}
