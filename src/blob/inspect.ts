import type { Disk, DiskFile } from "../env/index.ts";
import { blobFailure } from "./errors.ts";
import { FOLDER, parseVolumeFileName, SUPERBLOCK_BYTES, volumeFileName } from "./format.ts";
import { NeedleTable } from "./needle-table.ts";
import { readSuperblock, type Superblock } from "./superblock.ts";
import { type Slot, walkSlots } from "./walk.ts";

// Volumes as files, for `ashlar volume list`, `inspect` and `verify`: these need the disk and no running node. They
// change nothing.

export interface VolumeFile {
  readonly volume: number;
  readonly generation: number;
  readonly name: string;
}

export type Inspected =
  | { readonly kind: "superblock"; readonly superblock: Superblock; readonly fileBytes: number }
  | Slot
  | { readonly kind: "table"; readonly position: number; readonly end: number; readonly holds: boolean };

export interface DamagedSlot {
  readonly position: number;
  readonly bytes: number;
  readonly what: string;
  /** The Store key of the rows that name the needle; undefined where its header can not be read. */
  readonly owner: Uint8Array | undefined;
}

export interface VolumeReport {
  readonly volume: number;
  readonly generation: number;
  readonly fileBytes: number;
  readonly needles: number;
  readonly dataBytes: number;
  readonly voidSlots: number;
  readonly fillers: number;
  /**
   * Slots that begin below the length that a later header proves synced, and fail; and those whose data does not fit a
   * footer that holds, since that is written last. Garbage among them is nobody's loss.
   */
  readonly damaged: readonly DamagedSlot[];
  /** Slots that fail and that nothing proves to have been synced. */
  readonly unfinished: number;
  readonly tableHolds: boolean | undefined;
}

export async function listVolumeFiles(disk: Disk): Promise<VolumeFile[]> {
  const files: VolumeFile[] = [];
  for (const name of await disk.list(FOLDER)) {
    const parsed = parseVolumeFileName(name);
    if (parsed !== undefined) files.push({ ...parsed, name: `${FOLDER}/${name}` });
  }
  return files;
}

/** Superblock, every slot in file order, then the table. `verify: "data"` reads all bytes. */
export async function* inspectVolume(
  disk: Disk,
  file: Pick<VolumeFile, "volume" | "generation">,
  verify: "footers" | "data" = "footers",
): AsyncGenerator<Inspected, void, void> {
  const opened = await disk.open(volumeFileName(file.volume, file.generation), "read");
  try {
    yield* inspectFile(opened, file, verify);
  } finally {
    await opened.close();
  }
}

export async function verifyVolumeFile(
  disk: Disk,
  file: Pick<VolumeFile, "volume" | "generation">,
): Promise<VolumeReport> {
  const broken: DamagedSlot[] = [];
  const report = { fileBytes: 0, needles: 0, dataBytes: 0, voidSlots: 0, fillers: 0 };
  let tableHolds: boolean | undefined;
  let proven = 0;
  for await (const item of inspectVolume(disk, file, "data")) {
    if (item.kind === "superblock") report.fileBytes = item.fileBytes;
    else if (item.kind === "table") tableHolds = item.holds;
    else if (item.kind === "hole") {
      const unused = item.end === report.fileBytes && item.dataEnd === item.position;
      if (!unused) broken.push({ ...spanOf(item), what: "header", owner: undefined });
    } else {
      proven = Math.max(proven, item.header.durable);
      if (item.kind === "filler") report.fillers++;
      else if (item.state === "void") report.voidSlots++;
      else if (item.state === "complete") {
        report.needles++;
        report.dataBytes += item.header.dataBytes;
      } else broken.push({ ...spanOf(item), what: item.state, owner: item.owner });
    }
  }
  // Compacted files were synced whole before they became current.
  const isProven = (position: number): boolean => file.generation > 1 || position < proven;
  const damaged = broken.filter(({ position, what }) => what === "damaged" || isProven(position));
  const { volume, generation } = file;
  return { volume, generation, ...report, damaged, unfinished: broken.length - damaged.length, tableHolds };
}

function spanOf({ position, end }: Slot): Pick<DamagedSlot, "position" | "bytes"> {
  return { position, bytes: end - position };
}

async function* inspectFile(
  file: DiskFile,
  { volume, generation }: Pick<VolumeFile, "volume" | "generation">,
  verify: "footers" | "data",
): AsyncGenerator<Inspected, void, void> {
  const superblock = await readSuperblock(file);
  if (superblock === undefined) throw blobFailure("VOLUME_UNREADABLE", { data: { volume, generation } });
  const { identity } = superblock;
  if (identity.volume !== volume || identity.generation !== generation) {
    throw blobFailure("VOLUME_UNREADABLE", {
      what: "The file's name does not fit its first sector.",
      data: { volume, generation, found: { volume: identity.volume, generation: identity.generation } },
    });
  }
  const fileBytes = await file.length();
  yield { kind: "superblock", superblock, fileBytes };
  const table = generation === 1 ? undefined : await NeedleTable.open(file, identity);
  const to = table?.slotsEnd ?? fileBytes;
  yield* walkSlots(file, identity, { from: SUPERBLOCK_BYTES, to, verify, skipsUnreadable: true });
  if (table === undefined) return;
  yield { kind: "table", position: to, end: fileBytes, holds: await table.verify(file) };
}
