import type { Disk, Random } from "../env/index.ts";
import { assert } from "../std/assert.ts";
import { EMPTY } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { durableClaimedAt, FRAME_HEADER_BYTES, FrameEncoder, validFrameAt } from "./frame.ts";
import { GroupReader } from "./group-reader.ts";
import type { GroupDamage, LogRecord } from "./record.ts";
import { laterProof, mendTail, openFile, type RecoveredLog, scanFrames, settleTail } from "./recovery.ts";
import {
  beginSegment,
  offsetOf,
  readSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type Segment,
  segmentIdOf,
  segmentName,
} from "./segment.ts";

// Opening a log of which parts that had been synced can not be read any more, for who can get back from peers what a group lost.
// Everything that can be read is taken. What is lost is done away with in an order that a crash can break off anywhere, for then the
// damage is found again:
//
// 1. the bytes in question are kept in files of their own, for people;
// 2. in a new segment the damaged groups get their marks, and `settled` behind them all;
// 3. a `lost` frame takes the place of what could not be read: from now on the log reads as any other.

/** Files of evidence in the folder; what is lost beyond is not kept. */
const EVIDENCE_FILES_MAX = 16;
const READ_BLOCK_BYTES = 4096;
const GROUPS_AN_APPEND = 50;

export interface LostPart {
  readonly segment: Segment;
  readonly from: number;
  readonly to: number;
  /** Of the frame before it. */
  readonly previous: number;
  /** `frames` of a segment whose header is good; all of a `segment`; a segment of the log's `beginning`, which begins later now. */
  readonly what: "frames" | "segment" | "beginning";
  readonly evidence: Uint8Array;
}

export interface DamagedLog extends RecoveredLog {
  readonly lost: readonly LostPart[];
  readonly nextSegmentId: number;
  /** One append each. */
  readonly settlement: readonly (readonly LogRecord[])[];
}

/** Reads all that can be read. Like any recovery it zeroes the torn tail; else it changes nothing. */
export async function readDamagedLog(disk: Disk, folder: string): Promise<DamagedLog> {
  const ids = (await disk.list(folder)).map(segmentIdOf).filter((id) => id !== undefined);
  const lastId = Math.max(0, ...ids);
  const headers = new Map<number, Segment>();
  for (const id of ids) {
    const segment = await readHeader(disk, folder, id);
    if (segment !== undefined) headers.set(id, segment);
  }
  // Of segments in front of all others that can not be read the last one stays, to tell of the loss. Only the first began at position 0.
  const firstReadable = Math.min(lastId + 1, ...headers.keys());
  const first = ids.some((id) => id < firstReadable) ? firstReadable - 1 : firstReadable;
  const base = headers.get(firstReadable)?.base ?? FRAME_HEADER_BYTES;
  const reading = new Reading(first < firstReadable ? base - FRAME_HEADER_BYTES : base);
  for (const id of ids.filter((one) => one < first).sort((left, right) => left - right))
    reading.loseBeginning(id, await readAll(disk, segmentName(folder, id)));
  for (let id = first; id <= lastId; id++) {
    const segment = headers.get(id);
    if (segment === undefined) {
      const next = headers.get(Math.min(...[...headers.keys()].filter((one) => one > id)));
      const evidence = ids.includes(id) ? await readAll(disk, segmentName(folder, id)) : EMPTY;
      reading.loseSegment(id, next, evidence);
    } else {
      const bytes = await readAll(disk, segmentName(folder, id));
      const mendedFrom = id === lastId ? await mendTail(disk, folder, segment, bytes) : undefined;
      reading.read(segment, bytes, headers.get(id + 1));
      const sureUpTo = Math.min(reading.sureUpTo, mendedFrom ?? reading.sureUpTo);
      if (id === lastId) reading.tornBytes = await settleTail(disk, folder, segment, bytes, reading.end, sureUpTo);
    }
  }
  const { segments, lost, end, lastChecksum, tornBytes, reader } = reading;
  const settlement = settlementOf(reader);
  const recovered = { segments, groups: reader.groups, end, lastChecksum: lastChecksum ?? 0, tornBytes };
  return { ...recovered, hasLosses: true, lost, nextSegmentId: lastId + 1, settlement };
}

/** Keeps the bytes of what is lost, as far as there is room. Returns the files' names. */
export async function keepEvidence(disk: Disk, folder: string, lost: readonly LostPart[]): Promise<string[]> {
  const kept: string[] = [];
  let files = (await disk.list(folder)).filter((name) => name.startsWith("damaged-"));
  for (const { segment, from, what, evidence } of lost) {
    const offset = what === "frames" ? offsetOf(segment, from) : 0;
    const name = `damaged-${segment.id}-${offset}`;
    if (evidence.length === 0 || files.includes(name) || files.length >= EVIDENCE_FILES_MAX) continue;
    if (!(await writeNew(disk, `${folder}/${name}`, evidence))) break;
    files = [...files, name];
    kept.push(name);
  }
  if (kept.length > 0) await disk.syncDirectory(folder);
  return kept;
}

/** Puts `lost` frames in the place of what is lost, and segments in the place of those that are not there. Oldest first. */
export async function fillLostParts(
  disk: Disk,
  random: Random,
  folder: string,
  lost: readonly LostPart[],
): Promise<void> {
  for (const part of lost) {
    const { segment, from } = part;
    const name = segmentName(folder, segment.id);
    if (part.what === "beginning") {
      await disk.remove(name);
    } else if (part.what === "frames") {
      await using opened = await openFile(disk, name, "write");
      if ((await opened.file.length()) < segment.fileBytes) await opened.file.setLength(segment.fileBytes);
      await opened.file.write(offsetOf(segment, from), [lostFrame(part, segment.salt)]);
      await opened.file.sync();
    } else {
      await rebuild(disk, random, folder, part);
    }
    await disk.syncDirectory(folder);
  }
}

async function rebuild(disk: Disk, random: Random, folder: string, part: LostPart): Promise<void> {
  const { segment, from, to } = part;
  const temporary = `${folder}/rebuilt-${segment.id}`;
  await disk.remove(temporary).catch(unlessMissing);
  await using opened = await openFile(disk, temporary, "create");
  await opened.file.setLength(segment.fileBytes);
  const { salt } = await beginSegment(opened.file, segment.id, segment.base, random);
  if (to > from) await opened.file.write(SEGMENT_HEADER_BYTES, [lostFrame(part, salt)]);
  await opened.file.sync();
  await disk.rename(temporary, segmentName(folder, segment.id));
}

function lostFrame({ from, to, previous }: LostPart, salt: number): Uint8Array {
  const encoder = new FrameEncoder();
  encoder.begin();
  encoder.add({ kind: "lost", group: 0, bytes: to - from - FRAME_HEADER_BYTES }, salt, from, previous);
  return encoder.bytes();
}

/** The way through the segments. */
class Reading {
  readonly reader: GroupReader = new GroupReader();
  readonly segments: Segment[] = [];
  readonly lost: LostPart[] = [];
  end: number;
  lastChecksum: number | undefined;
  tornBytes = 0;
  /** Within the segment that was read last. */
  sureUpTo = 0;

  constructor(base: number) {
    this.end = base;
  }

  read(segment: Segment, bytes: Uint8Array, next: Segment | undefined): void {
    this.segments.push(segment);
    const isCutOff = bytes.length < segment.fileBytes;
    for (;;) {
      const scan = scanFrames(bytes, segment, this.lastChecksum, (frame) => this.reader.take(frame), this.end);
      this.end = scan.end;
      this.sureUpTo = scan.sureUpTo;
      this.lastChecksum = scan.lastChecksum;
      if (next === undefined ? laterProof(bytes, segment, this.end) === undefined : this.end >= next.base) break;
      const to = nextFrame(bytes, segment, this.end, next?.base) ?? next?.base;
      assert(to !== undefined, "a frame that proves damage is found again behind it");
      this.lose(segment, to, "frames", bytes.subarray(offsetOf(segment, this.end), offsetOf(segment, to)));
    }
    // Nobody knows how much there was: the smallest frame stands for it.
    if (isCutOff && next === undefined) this.lose(segment, this.end + FRAME_HEADER_BYTES, "frames", EMPTY);
  }

  /** A segment whose header can not be read: without its salt none of its frames can. */
  loseSegment(id: number, next: Segment | undefined, evidence: Uint8Array): void {
    const to = next?.base ?? this.end + FRAME_HEADER_BYTES;
    const segment = { id, base: this.end, salt: 0, fileBytes: SEGMENT_HEADER_BYTES + to - this.end };
    this.segments.push(segment);
    this.lose(segment, to, "segment", evidence);
  }

  loseBeginning(id: number, evidence: Uint8Array): void {
    const segment = { id, base: 0, salt: 0, fileBytes: evidence.length };
    this.lost.push({ segment, from: 0, to: 0, previous: 0, what: "beginning", evidence });
  }

  lose(segment: Segment, to: number, what: LostPart["what"], evidence: Uint8Array): void {
    this.lost.push({ segment, from: this.end, to, previous: this.lastChecksum ?? 0, what, evidence });
    this.reader.lose();
    this.end = to;
    this.lastChecksum = undefined;
  }
}

/** The position of the first frame behind a damaged one. A frame claims no less than what was durable when its segment was begun. */
function nextFrame(bytes: Uint8Array, segment: Segment, after: number, limit?: number): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = limit === undefined ? bytes.length : Math.min(bytes.length, offsetOf(segment, limit));
  for (let at = offsetOf(segment, after) + FRAME_HEADER_BYTES; at + FRAME_HEADER_BYTES <= end; at += 8) {
    const position = segment.base + at - SEGMENT_HEADER_BYTES;
    const durable = durableClaimedAt(view, at);
    if (durable < segment.base || durable > position) continue;
    if (validFrameAt(bytes, view, at, segment.salt) !== undefined) return position;
  }
  return undefined;
}

function settlementOf(reader: GroupReader): LogRecord[][] {
  const appends: LogRecord[][] = [];
  let groups = 0;
  for (const { index, damage } of reader.findings()) {
    const { group, hardState } = index;
    // Of a settlement that a crash broke off only these marks remember all: what it wrote behind them looks like knowledge.
    const records: LogRecord[] = [{ kind: "damaged", group, ...bothOf(index.damage ?? damage, damage) }];
    if (damage.firstMissing > 0 && damage.firstMissing <= index.lastIndex)
      records.push({ kind: "truncateSuffix", group, fromIndex: damage.firstMissing });
    if (hardState !== undefined && hardState.commit > damage.certainIndex)
      records.push({ kind: "hardState", group, ...hardState, commit: damage.certainIndex });
    if (groups++ % GROUPS_AN_APPEND === 0) appends.push([]);
    appends.at(-1)!.push(...records);
  }
  appends.push([{ kind: "settled", group: 0 }]);
  return appends;
}

function bothOf(before: GroupDamage, now: GroupDamage): GroupDamage {
  return {
    certainIndex: Math.min(before.certainIndex, now.certainIndex),
    firstMissing: firstOf(before.firstMissing, now.firstMissing),
    areEntriesWhole: before.areEntriesWhole && now.areEntriesWhole,
    isHardStateStale: before.isHardStateStale || now.isHardStateStale,
    firstChangeInDoubt: firstOf(before.firstChangeInDoubt, now.firstChangeInDoubt),
  };
}

/** Of two indexes, of which 0 says that there is none. */
function firstOf(one: number, other: number): number {
  return one === 0 || other === 0 ? one + other : Math.min(one, other);
}

async function readHeader(disk: Disk, folder: string, id: number): Promise<Segment | undefined> {
  await using opened = await openFile(disk, segmentName(folder, id), "read");
  try {
    return await readSegmentHeader(opened.file, id);
  } catch (error) {
    if (hasCode(error, "DISK_FAILED")) return undefined;
    throw error;
  }
}

/** With zeros in place of blocks that the disk can not read. */
async function readAll(disk: Disk, name: string): Promise<Uint8Array> {
  await using opened = await openFile(disk, name, "read");
  const { file } = opened;
  const length = await file.length();
  try {
    return await file.read(0, length);
  } catch (error) {
    if (!hasCode(error, "DISK_FAILED")) throw error;
  }
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += READ_BLOCK_BYTES) {
    try {
      bytes.set(await file.read(at, Math.min(READ_BLOCK_BYTES, length - at)), at);
    } catch (error) {
      if (!hasCode(error, "DISK_FAILED")) throw error;
    }
  }
  return bytes;
}

/** False where the disk is full. */
async function writeNew(disk: Disk, name: string, bytes: Uint8Array): Promise<boolean> {
  try {
    await using opened = await openFile(disk, name, "create");
    await opened.file.write(0, [bytes]);
    await opened.file.sync();
    return true;
  } catch (error) {
    if (!hasCode(error, "DISK_FULL")) throw error;
    await disk.remove(name).catch(unlessMissing);
    return false;
  }
}

function unlessMissing(error: unknown): void {
  if (!hasCode(error, "FILE_MISSING")) throw error;
}
