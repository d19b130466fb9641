// Checkpoints as files: written under a temporary name, one block a turn, so that commits go on meanwhile, and named when
// they are durable.

import { type Disk, envFailure, type IndexSnapshot } from "../../env/index.ts";
import type { ByteSource } from "../../std/source.ts";
import type { CheckpointHeader } from "./format.ts";
import { readCheckpoint } from "./read.ts";
import { CheckpointStream } from "./stream.ts";

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
  const { disk, name, snapshot, header, signal } = options;
  const stream = new CheckpointStream(snapshot, header);
  const bytes = await writeWhole(disk, name, async (temporary) => {
    return writeBytes(disk, temporary, stream, async () => {
      await checkSpace(disk);
      signal?.throwIfAborted();
    });
  });
  return { name, rows: stream.rows, bytes };
}

/**
 * Keeps the bytes of a checkpoint that another node made, once they have been read back whole. Rejects with
 * CHECKPOINT_DAMAGED, or as source and disk do; then no file is left.
 */
export async function keepCheckpoint(disk: Disk, name: string, source: ByteSource): Promise<CheckpointHeader> {
  return writeWhole(disk, name, async (temporary) => {
    await writeBytes(disk, temporary, source, async () => {});
    return readCheckpoint(disk, temporary, () => {});
  });
}

async function writeWhole<T>(disk: Disk, name: string, write: (temporary: string) => Promise<T>): Promise<T> {
  const temporary = name + TEMPORARY;
  await disk.remove(temporary).catch(() => {});
  try {
    const written = await write(temporary);
    await disk.rename(temporary, name);
    await disk.syncDirectory(folderOf(name));
    return written;
  } catch (error) {
    await disk.remove(temporary).catch(() => {});
    throw error;
  }
}

/** Gives the file's length. */
async function writeBytes(disk: Disk, name: string, source: ByteSource, mayGoOn: () => Promise<void>): Promise<number> {
  const file = await disk.open(name, "create");
  try {
    let bytes = 0;
    for (let chunk = await source.read(); chunk !== null; chunk = await source.read()) {
      await mayGoOn();
      await file.write(bytes, [chunk]);
      bytes += chunk.length;
    }
    await file.sync();
    return bytes;
  } catch (error) {
    source.cancel(error);
    throw error;
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

function folderOf(name: string): string {
  return name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : "";
}
