// Writes a checkpoint in the background: one block a turn, from a frozen view of the Index, so that commits go on
// meanwhile. Every row's checksum is verified on the way: a damaged row never gets into a checkpoint, where it would
// look sound.

import { type Disk, type DiskFile, envFailure, type IndexSnapshot } from "../../env/index.ts";
import { storeFailure } from "../errors.ts";
import { decodeRow } from "../row-codec.ts";
import { RowWalk } from "../row-walk.ts";
import { BlockEncoder, type CheckpointHeader, encodeFooter, encodeHeader } from "./format.ts";

export interface WriteCheckpointOptions {
  readonly disk: Disk;
  /** Of the finished file. Until then it stands under `name` with ".tmp" behind it. */
  readonly name: string;
  /** Stays the caller's, who closes it. */
  readonly snapshot: IndexSnapshot;
  /** Of the state in which the snapshot was taken. */
  readonly header: CheckpointHeader;
  readonly signal?: AbortSignal;
}

export interface WrittenCheckpoint {
  readonly name: string;
  readonly rows: number;
  readonly bytes: number;
}

export const TEMPORARY = ".tmp";
/** What the log's next segment takes. */
const SPACE_RESERVE_BYTES = 64 * 1024 * 1024;

/**
 * Resolves when the file is durable under its name. Rejects with ROW_DAMAGED, with DISK_FULL before the disk is, or as
 * the disk does; then no file is left, except that one may stand under the temporary name if the disk has failed.
 */
export async function writeCheckpoint(options: WriteCheckpointOptions): Promise<WrittenCheckpoint> {
  const { disk, name } = options;
  const temporary = name + TEMPORARY;
  await disk.remove(temporary).catch(() => {});
  try {
    const written = await writeFile(await disk.open(temporary, "create"), options);
    await disk.rename(temporary, name);
    await disk.syncDirectory(folderOf(name));
    return { name, ...written };
  } catch (error) {
    await disk.remove(temporary).catch(() => {});
    throw error;
  }
}

async function writeFile(file: DiskFile, options: WriteCheckpointOptions): Promise<{ rows: number; bytes: number }> {
  try {
    const head = encodeHeader(options.header);
    await file.write(0, [head.bytes]);
    let bytes = head.bytes.length;
    let { crc } = head;
    let rows = 0;
    let blocks = 0;
    const walk = new RowWalk(options.snapshot);
    const encoder = new BlockEncoder();
    while (fillBlock(encoder, walk)) {
      const block = encoder.finish(crc);
      await checkSpace(options.disk);
      await file.write(bytes, [block.bytes]);
      options.signal?.throwIfAborted();
      bytes += block.bytes.length;
      crc = block.crc;
      rows += encoder.rows;
      blocks++;
      encoder.reset();
    }
    // A leaf of the index that lost rows still looks like one: only the count tells, and a checkpoint would make it final.
    if (rows !== options.snapshot.rowCount) {
      throw storeFailure("ROW_DAMAGED", {
        what: "The index holds another number of rows than it says.",
        data: { rows, rowCount: options.snapshot.rowCount },
      });
    }
    const footer = encodeFooter({ rows, blocks }, crc);
    await file.write(bytes, [footer]);
    await file.sync();
    return { rows, bytes: bytes + footer.length };
  } finally {
    await file.close();
  }
}

/** A checkpoint can wait for space, but the node ends where its index or its log finds none. */
async function checkSpace(disk: Disk): Promise<void> {
  const { bytesFree } = await disk.space();
  if (bytesFree >= SPACE_RESERVE_BYTES) return;
  throw envFailure("DISK_FULL", {
    what: "A checkpoint would take the space that the log and the index need.",
    data: { bytesFree, bytesReserved: SPACE_RESERVE_BYTES },
  });
}

/** False where no row is left. */
function fillBlock(encoder: BlockEncoder, walk: RowWalk): boolean {
  while (!encoder.full) {
    const row = walk.next();
    if (row === undefined) break;
    decodeRow(row.key, row.value);
    encoder.add(row);
  }
  return encoder.rows > 0;
}

function folderOf(name: string): string {
  return name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : "";
}
