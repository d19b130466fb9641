import type { Disk, DiskFile, Index, IndexRow } from "../../env/index.ts";
import { equalBytes } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { MalformedBytes } from "../../std/reader.ts";
import { storeFailure } from "../errors.ts";
import { STATE_KEY } from "../machine/keys.ts";
import { decodeState } from "../machine/state.ts";
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
      return await readFile(file, onRows);
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
      return decodeHeader(await readPart(file, 0, HEADER_BYTES)).header;
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw asDamage(name, cause);
  }
}

/**
 * Fills an empty Index. The state row is written last, when all is proven: an Index that broke off before has none, and
 * is known by that.
 */
export async function restoreCheckpoint(disk: Disk, name: string, index: Index): Promise<CheckpointHeader> {
  const state: IndexRow[] = [];
  const header = await readCheckpoint(disk, name, (rows) => {
    const isState = rows.length > 0 && equalBytes(rows[0]!.key, STATE_KEY);
    if (isState) state.push({ key: STATE_KEY, value: rows[0]!.value.slice() });
    index.write({ puts: isState ? rows.slice(1) : rows, deletes: [] });
  });
  if (state.length !== 1 || decodeState(state[0]!.value).appliedIndex !== header.appliedIndex) {
    throw damaged(name, "the rows do not hold the state that the header names");
  }
  index.write({ puts: state, deletes: [] });
  return header;
}

async function readFile(
  file: DiskFile,
  onRows: (rows: readonly IndexRow[]) => void | Promise<void>,
): Promise<CheckpointHeader> {
  const head = decodeHeader(await readPart(file, 0, HEADER_BYTES));
  let { crc } = head;
  let at = HEADER_BYTES;
  let rows = 0;
  let blocks = 0;
  let last: IndexRow | undefined;
  // One read takes a block's payload and the header of what follows it.
  let next = await readPart(file, at, BLOCK_HEADER_BYTES);
  for (;;) {
    const payloadBytes = payloadBytesOf(next);
    if (payloadBytes === 0) break;
    at += BLOCK_HEADER_BYTES;
    const bytes = await readPart(file, at, payloadBytes + BLOCK_HEADER_BYTES);
    const block = decodeBlock(next, bytes.subarray(0, payloadBytes), crc);
    if (last && block.rows.length > 0) checkOrder(last, block.rows[0]!);
    await onRows(block.rows);
    next = bytes.subarray(payloadBytes);
    last = block.rows.at(-1);
    crc = block.crc;
    at += payloadBytes;
    rows += block.rows.length;
    blocks++;
  }
  const footer = decodeFooter(await readPart(file, at, FOOTER_BYTES + 1), crc);
  if (footer.rows !== rows || footer.blocks !== blocks) throw new MalformedBytes("the footer counts other rows");
  return head.header;
}

/** What a disk does not give back is as lost as what it gives back changed: another checkpoint may still be read. */
async function readPart(file: DiskFile, position: number, length: number): Promise<Uint8Array> {
  try {
    return await file.read(position, length);
  } catch (cause) {
    throw hasCode(cause, "DISK_FAILED") ? damaged(file.name, "the disk does not give its bytes back", cause) : cause;
  }
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
