import type { FileCache, FileLease } from "./file-cache.ts";
import { SUPERBLOCK_BYTES, UNIT_BYTES } from "./format.ts";
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

/** `absent`: compaction has dropped it. `unreadable`: no header holds at its place. */
export type Located = NeedleSlot | "absent" | "unreadable";

export async function locate(files: FileCache, volume: Volume, needle: number): Promise<Located> {
  using lease = await files.lease(volume.identity);
  const position = lease.table === undefined ? needle * UNIT_BYTES : await lease.table.find(lease.file, needle);
  if (position === undefined) return "absent";
  const to = Number.MAX_SAFE_INTEGER;
  const slot = await readSlot(lease.file, lease.identity, position, { to, verify: "footers" });
  return slot !== undefined && slot.header.needle === needle ? slot : "unreadable";
}
