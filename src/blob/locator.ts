import { hasCode } from "../std/errors.ts";
import type { FileCache, FileLease } from "./file-cache.ts";
import { HEADER_BYTES, SUPERBLOCK_BYTES, UNIT_BYTES } from "./format.ts";
import type { OpenVolume } from "./open-volume.ts";
import type { Volume } from "./registry.ts";
import { type NeedleSlot, readSlot } from "./walk.ts";

/** Where the slots of a file lie that background work may look at. */
export interface SlotRange {
  readonly from: number;
  readonly to: number;
}

/** Everything that is settled: appends go on behind it. */
export function settledRange(volume: Volume, lease: FileLease, open: OpenVolume | undefined): SlotRange {
  return { from: SUPERBLOCK_BYTES, to: lease.table?.slotsEnd ?? open?.durable ?? volume.row.durable };
}

/** The position of the first slot whose needle is not below the cursor. */
export async function startOf(lease: FileLease, cursor: number): Promise<number> {
  if (lease.table === undefined) return cursor * UNIT_BYTES;
  return (await lease.table.firstFrom(lease.file, cursor)) ?? lease.table.slotsEnd;
}

/**
 * `absent`: compaction has dropped it, or recovery has put a filler there. `unreadable`: no header holds at its place.
 */
export type Located = NeedleSlot | "absent" | "unreadable";

export async function locate(files: FileCache, volume: Volume, needle: number): Promise<Located> {
  try {
    return await find(files, volume, needle);
  } catch (error) {
    if (hasCode(error, "DISK_FAILED") || hasCode(error, "FILE_MISSING")) return "unreadable";
    throw error;
  }
}

async function find(files: FileCache, volume: Volume, needle: number): Promise<Located> {
  using lease = await files.lease(volume.identity);
  const position = lease.table === undefined ? needle * UNIT_BYTES : await lease.table.find(lease.file, needle);
  if (position === undefined) return "absent";
  const to = Number.MAX_SAFE_INTEGER;
  const slot = await readSlot(lease.file, lease.identity, position, { to, verify: "footers" });
  if (slot?.kind === "needle" && slot.header.needle === needle) return slot;
  const isFiller = slot?.kind === "filler" || (await isZero(lease, position));
  return isFiller ? "absent" : "unreadable";
}

/** A filler may cover several needles: behind its header it is zeros. */
async function isZero(lease: FileLease, position: number): Promise<boolean> {
  const bytes = await lease.file.read(position, HEADER_BYTES);
  return bytes.every((byte) => byte === 0);
}
