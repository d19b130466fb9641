import type { Disk, DiskFile, Index, IndexRow } from "../../env/index.ts";
import { concatBytes } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { MalformedBytes } from "../../std/reader.ts";
import type { ByteSource } from "../../std/source.ts";
import { storeFailure } from "../errors.ts";
import {
  BLOCK_HEADER_BYTES,
  type CheckpointHeader,
  checkOrder,
  decodeBlock,
  decodeFooter,
  decodeHeader,
  FOOTER_BYTES,
  HEADER_BYTES,
  payloadBytesOf,
} from "./format.ts";
import { type Parts, partsOfFile, partsOfSource } from "./parts.ts";
import { RowReplacement } from "./replace.ts";

const SOURCE_BYTES = 262_144;

/**
 * Streams a checkpoint, block by block. What `onRows` has got counts only once this resolves: the footer proves the
 * file as a whole. Rejects with CHECKPOINT_DAMAGED where the file is missing or does not hold together, with
 * FORMAT_NEWER where it is of a newer version.
 */
export async function readCheckpoint(
  disk: Disk,
  name: string,
  onRows: (rows: readonly IndexRow[]) => void | Promise<void>,
): Promise<CheckpointHeader> {
  try {
    const file = await disk.open(name, "read");
    try {
      return await readParts(readable(file), onRows);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw asDamage(name, cause);
  }
}

export async function readCheckpointHeader(disk: Disk, name: string): Promise<CheckpointHeader> {
  try {
    const file = await disk.open(name, "read");
    try {
      return decodeHeader(await readable(file).take(HEADER_BYTES)).header;
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw asDamage(name, cause);
  }
}

/** Makes a checkpoint's rows those of the Index. Where it breaks off the Index has no state, and is known by that. */
export async function restoreCheckpoint(disk: Disk, name: string, index: Index): Promise<CheckpointHeader> {
  try {
    const replacement = new RowReplacement(index);
    const header = await readCheckpoint(disk, name, (rows) => replacement.take(rows));
    await replacement.end(header);
    return header;
  } catch (cause) {
    throw asDamage(name, cause);
  }
}

/** As `restoreCheckpoint`, of bytes as they come; between their parts it lets other work in. */
export async function restoreBytes(
  source: ByteSource,
  index: Index,
  endTurn?: () => Promise<void>,
): Promise<CheckpointHeader> {
  try {
    const replacement = new RowReplacement(index, endTurn);
    const header = await readParts(partsOfSource(source), (rows) => replacement.take(rows));
    await replacement.end(header);
    return header;
  } catch (cause) {
    source.cancel(cause);
    throw cause instanceof MalformedBytes ? damaged("that is restored", cause.message, cause) : cause;
  }
}

/** The file's bytes as they are. */
export function checkpointSource(disk: Disk, name: string): ByteSource {
  let opened: Promise<DiskFile> | undefined;
  let position = 0;
  const close = (): Promise<void> | undefined => opened?.then((file) => file.close()).catch(() => {});
  return {
    async read() {
      opened ??= disk.open(name, "read");
      const bytes = await (await opened).read(position, SOURCE_BYTES);
      position += bytes.length;
      if (bytes.length > 0) return bytes;
      await close();
      return null;
    },
    cancel() {
      void close();
    },
  };
}

async function readParts(
  parts: Parts,
  onRows: (rows: readonly IndexRow[]) => void | Promise<void>,
): Promise<CheckpointHeader> {
  const head = decodeHeader(await parts.take(HEADER_BYTES));
  let { crc } = head;
  let rows = 0;
  let blocks = 0;
  let last: IndexRow | undefined;
  // One piece is a block's payload and the header of what follows it.
  let next = await parts.take(BLOCK_HEADER_BYTES);
  for (;;) {
    const payloadBytes = payloadBytesOf(next);
    if (payloadBytes === 0) break;
    const bytes = await parts.take(payloadBytes + BLOCK_HEADER_BYTES);
    const block = decodeBlock(next, bytes.subarray(0, payloadBytes), crc);
    if (last && block.rows.length > 0) checkOrder(last, block.rows[0]!);
    await onRows(block.rows);
    next = bytes.subarray(payloadBytes);
    last = block.rows.at(-1);
    crc = block.crc;
    rows += block.rows.length;
    blocks++;
  }
  // What was taken for a block's header is the footer's beginning.
  const rest = await parts.take(FOOTER_BYTES - BLOCK_HEADER_BYTES + 1);
  const footer = decodeFooter(concatBytes([next, rest]), crc);
  if (footer.rows !== rows || footer.blocks !== blocks) throw new MalformedBytes("the footer counts other rows");
  return head.header;
}

/** What a disk does not give back is as lost as what it gives back changed: another checkpoint may still be read. */
function readable(file: DiskFile): Parts {
  const parts = partsOfFile(file);
  return {
    async take(length) {
      try {
        return await parts.take(length);
      } catch (cause) {
        throw hasCode(cause, "DISK_FAILED")
          ? damaged(file.name, "the disk does not give its bytes back", cause)
          : cause;
      }
    },
  };
}

/** What the disk or the format says about one file, as the Store's error. Other operating errors pass through. */
function asDamage(name: string, cause: unknown): unknown {
  if (cause instanceof MalformedBytes) return damaged(name, cause.message, cause);
  if (hasCode(cause, "FILE_MISSING")) return damaged(name, "the file is missing", cause);
  return cause;
}

function damaged(name: string, reason: string, cause?: unknown): Error {
  return storeFailure("CHECKPOINT_DAMAGED", {
    what: `The checkpoint ${name} can not be used: ${reason}.`,
    data: { name, reason },
    cause,
  });
}
