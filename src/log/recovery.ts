import type { Disk, DiskFile } from "../env/index.ts";
import { nonZeroAt } from "../std/bytes.ts";
import { logFailure } from "./errors.ts";
import { DURABLE_AT, durableClaimedAt, FRAME_HEADER_BYTES, FRAME_VERSION, frameBytes, validFrameAt } from "./frame.ts";
import type { GroupIndex } from "./group-index.ts";
import { type FrameSeen, GroupReader } from "./group-reader.ts";
import { decodePayload } from "./record.ts";
import { type LogBugs, NO_LOG_BUGS } from "./seeded-bugs.ts";
import {
  offsetOf,
  readSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type Segment,
  segmentIdOf,
  segmentName,
} from "./segment.ts";
import { dropTailCopy, keepTailCopy, takeTailCopy } from "./tail-copy.ts";

// Reading the log back. A frame that can not be read is a torn tail (it was never acknowledged: zero it and go on) unless something
// valid that was written later proves that it had been synced: a later segment, or a later frame whose `durable` lies behind it.
// Then it is corruption, and nothing is cut off.

const ZERO_BLOCK_BYTES = 4096;

export interface RecoveredLog {
  /** In order; empty for a new log. The last one is the one to go on in. */
  readonly segments: readonly Segment[];
  readonly groups: Map<number, GroupIndex>;
  /** Position behind the last frame. */
  readonly end: number;
  /** Checksum of the last frame, 0 for none. */
  readonly lastChecksum: number;
  /** Bytes of a torn tail that were zeroed. */
  readonly tornBytes: number;
  /** Some of its frames stand for others that were lost. */
  readonly hasLosses: boolean;
}

export interface FramesScanned {
  /** Behind the last good frame. */
  readonly end: number;
  readonly lastChecksum: number | undefined;
  /** What lies before had been synced: a later frame says so. */
  readonly sureUpTo: number;
}

export async function recoverLog(disk: Disk, folder: string, bugs: LogBugs = NO_LOG_BUGS): Promise<RecoveredLog> {
  const segments = await listSegments(disk, folder);
  const reader = new GroupReader(bugs);
  let end = segments[0]?.base ?? 0;
  let lastChecksum: number | undefined;
  let tornBytes = 0;
  for (const [at, segment] of segments.entries()) {
    const next = segments[at + 1];
    const bytes = await readSegment(disk, folder, segment);
    // Its whole length was durable before its header was: a tail that is not there was not torn by a crash.
    if (bytes.length < segment.fileBytes)
      throw damaged(segment, segment.base + bytes.length - SEGMENT_HEADER_BYTES, "its file has been cut off there");
    const mendedFrom = next === undefined ? await mendTail(disk, folder, segment, bytes) : undefined;
    const scan = scanFrames(bytes, segment, lastChecksum, (frame) => reader.take(frame));
    if (next !== undefined && scan.end !== next.base)
      throw damaged(segment, scan.end, "a later segment begins behind it");
    if (next === undefined) {
      const proof = bugs.has("take-damage-for-torn") ? undefined : laterProof(bytes, segment, scan.end);
      if (proof !== undefined)
        throw damaged(segment, scan.end, `the frame at ${proof} was written after it had been synced`);
      const provenUpTo = Math.min(scan.sureUpTo, mendedFrom ?? scan.sureUpTo);
      const sureUpTo = bugs.has("trust-what-was-read") ? scan.end : provenUpTo;
      tornBytes = await settleTail(disk, folder, segment, bytes, scan.end, sureUpTo);
    }
    end = scan.end;
    lastChecksum = scan.lastChecksum;
  }
  const { groups, hasLosses } = reader;
  const [incomplete] = reader.findings();
  if (incomplete !== undefined) throw missingEntries(incomplete.index);
  return { segments, groups, end, lastChecksum: lastChecksum ?? 0, tornBytes, hasLosses };
}

/** Segments in order, each with a valid header and the id behind the one before it. */
export async function listSegments(disk: Disk, folder: string): Promise<Segment[]> {
  const ids = (await disk.list(folder)).map(segmentIdOf).filter((id) => id !== undefined);
  const segments: Segment[] = [];
  for (const id of ids.sort((left, right) => left - right)) {
    await using file = await openFile(disk, segmentName(folder, id), "read");
    const segment = await readSegmentHeader(file.file, id);
    if (segment === undefined) {
      throw logFailure("LOG_DAMAGED", {
        what: `The header of log segment ${id} can not be read.`,
        data: { segment: id },
      });
    }
    const before = segments.at(-1);
    if (before !== undefined && before.id + 1 !== id) {
      throw logFailure("LOG_DAMAGED", {
        what: `Log segment ${before.id + 1} is missing.`,
        data: { segment: before.id + 1 },
      });
    }
    segments.push(segment);
  }
  return segments;
}

export async function readSegment(disk: Disk, folder: string, segment: Segment): Promise<Uint8Array> {
  await using opened = await openFile(disk, segmentName(folder, segment.id), "read");
  return opened.file.read(0, segment.fileBytes);
}

/** Hands out the frames of one chain, in order from a position on, until the first that is not valid or not the next of the chain. */
export function scanFrames(
  bytes: Uint8Array,
  segment: Segment,
  previous: number | undefined,
  take: (frame: FrameSeen) => void,
  from: number = segment.base,
): FramesScanned {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = offsetOf(segment, from);
  let lastChecksum = previous;
  let sureUpTo = from;
  for (;;) {
    const frame = validFrameAt(bytes, view, at, segment.salt);
    if (frame === undefined || (lastChecksum !== undefined && frame.previous !== lastChecksum)) break;
    const position = segment.base + at - SEGMENT_HEADER_BYTES;
    const payloadAt = at + FRAME_HEADER_BYTES;
    const payload = bytes.subarray(payloadAt, payloadAt + frame.payloadBytes);
    const record = frame.version > FRAME_VERSION ? undefined : decodePayload(frame.kind, frame.group, payload);
    if (record === undefined) {
      throw logFailure("LOG_FORMAT_NEWER", {
        data: { segment: segment.id, position, kind: frame.kind, version: frame.version },
      });
    }
    take({ segment, position, bytes: frameBytes(frame.payloadBytes), record });
    // What was lost takes the place of frames whose last checksum nobody knows.
    lastChecksum = record.kind === "lost" ? undefined : frame.checksum;
    sureUpTo = Math.max(sureUpTo, durableClaimedAt(view, at));
    at += frameBytes(frame.payloadBytes);
  }
  return { end: segment.base + at - SEGMENT_HEADER_BYTES, lastChecksum, sureUpTo };
}

/** Takes what a recovery that broke off had been writing again. Returns the position from which on the file held something else. */
export async function mendTail(
  disk: Disk,
  folder: string,
  segment: Segment,
  bytes: Uint8Array,
): Promise<number | undefined> {
  const offset = await takeTailCopy(disk, folder, segment, bytes);
  return offset === undefined ? undefined : segment.base + offset - SEGMENT_HEADER_BYTES;
}

/** Zeroes what follows the last good frame, which nothing proves to have been acknowledged, and makes durable what was read. */
export async function settleTail(
  disk: Disk,
  folder: string,
  segment: Segment,
  bytes: Uint8Array,
  end: number,
  sureUpTo: number,
): Promise<number> {
  const file = await disk.open(segmentName(folder, segment.id), "write");
  try {
    // Where a sync had failed, a kernel may hold what was read for clean although the disk never got it: then another sync
    // would write nothing. Written again, with the same bytes, it is.
    if (sureUpTo < end) {
      const from = offsetOf(segment, sureUpTo);
      const tail = bytes.subarray(from, offsetOf(segment, end));
      await keepTailCopy(disk, folder, segment, from, tail);
      await file.write(from, [tail]);
    }
    const zeros = new Uint8Array(ZERO_BLOCK_BYTES);
    let tornBytes = 0;
    for (let at = offsetOf(segment, end); ; ) {
      const found = nonZeroAt(bytes, at);
      if (found === bytes.length) break;
      const block = Math.floor(found / ZERO_BLOCK_BYTES) * ZERO_BLOCK_BYTES;
      const start = Math.max(at, block);
      at = Math.min(bytes.length, block + ZERO_BLOCK_BYTES);
      await file.write(start, [zeros.subarray(0, at - start)]);
      tornBytes += at - start;
    }
    await file.sync();
    if (sureUpTo < end) await dropTailCopy(disk, folder);
    return tornBytes;
  } finally {
    await file.close();
  }
}

/** The position of a valid frame behind `end` which proves that the log had been synced beyond `end`. */
export function laterProof(bytes: Uint8Array, segment: Segment, end: number): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = offsetOf(segment, end); at + FRAME_HEADER_BYTES <= bytes.length; at += 8) {
    // What claims nothing proves nothing: most of it is zeros.
    at += Math.floor((nonZeroAt(bytes, at + DURABLE_AT) - at - DURABLE_AT) / 8) * 8;
    if (at + FRAME_HEADER_BYTES > bytes.length) break;
    const position = segment.base + at - SEGMENT_HEADER_BYTES;
    // Before any checksum: what follows may be callers' bytes from the file's former life, made to look like long frames.
    const durable = durableClaimedAt(view, at);
    if (durable <= end || durable > position) continue;
    if (validFrameAt(bytes, view, at, segment.salt) !== undefined) return position;
  }
  return undefined;
}

export async function openFile(
  disk: Disk,
  name: string,
  mode: "read" | "write" | "create",
): Promise<AsyncDisposable & { readonly file: DiskFile }> {
  const file = await disk.open(name, mode);
  return { file, [Symbol.asyncDispose]: () => file.close() };
}

function damaged(segment: Segment, position: number, proof: string): Error {
  return logFailure("LOG_DAMAGED", {
    what: `The log can not be read at position ${position} (segment ${segment.id}), and ${proof}.`,
    data: { segment: segment.id, position, offset: offsetOf(segment, position) },
  });
}

function missingEntries(index: GroupIndex): Error {
  return logFailure("LOG_DAMAGED", {
    what: `The log of group ${index.group} is not whole.`,
    data: { group: index.group, compaction: index.compaction.index, missing: index.firstMissing },
  });
}
