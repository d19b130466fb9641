import { hasCode } from "../std/errors.ts";
import { frameBytes } from "./frame.ts";
import type { GroupIndex, Run } from "./group-index.ts";
import type { LogWriter } from "./log-writer.ts";
import type { LogOptions } from "./options.ts";
import { type LogRecord, payloadBytesMax } from "./record.ts";
import type { RunReader, StoredEntry } from "./run-reader.ts";
import type { LogBugs } from "./seeded-bugs.ts";
import { capacityOf, type Segment } from "./segment.ts";
import type { SegmentPool } from "./segment-pool.ts";

/** Of records that are put in front of one batch: what waits is held up no longer than that. */
const PIECE_BYTES_MAX = 1024 * 1024;

export interface ReleaserParts {
  readonly options: LogOptions;
  readonly pool: SegmentPool;
  readonly segments: Segment[];
  readonly groups: ReadonlyMap<number, GroupIndex>;
  readonly writer: LogWriter;
  readonly reader: RunReader;
  readonly bugs: LogBugs;
}

/**
 * Gives back the disk space of segments that no group needs, oldest first. What little of a segment is still needed is written again
 * at the log's end: marks always, and entries where the log has become much longer than what is needed of it, because groups that do
 * nothing hold its oldest segments. Copies are durable before the segment goes, so that a crash leaves at least one of each.
 */
export class Releaser {
  readonly #parts: ReleaserParts;
  #running: Promise<void> | undefined;

  constructor(parts: ReleaserParts) {
    this.#parts = parts;
  }

  release(): Promise<void> {
    this.#running ??= this.#release().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async settled(): Promise<void> {
    await this.#running?.catch(() => {});
  }

  async #release(): Promise<void> {
    const { pool, reader, segments, bugs } = this.#parts;
    const carriesMarksOn = !bugs.has("segment-with-its-marks");
    await this.#moveEntries();
    if (carriesMarksOn) await this.#repeatMemberships();
    const newBase = this.#oldestNeeded.base;
    if (newBase === segments[0]!.base) return;
    if (carriesMarksOn) await this.#moveMarks(newBase);
    await reader.settled();
    while (segments[0]!.base < newBase) {
      // It is ours until it is gone: one that was forgotten on a failure would leave a hole behind the next ones.
      await pool.retire(segments[0]!);
      segments.shift();
    }
  }

  /**
   * Whether a membership mark was lost with a damaged part of the log shows in the entries, until they are compacted. So the mark
   * follows each compaction: damage in front of that leaves no doubt. On a full disk it stays where it is.
   */
  async #repeatMemberships(): Promise<void> {
    const { groups, writer } = this.#parts;
    const areNone = !groups.values().some(({ membershipBeforeCompaction }) => membershipBeforeCompaction !== undefined);
    if (areNone || writer.isNearlyFull) return;
    try {
      await writer.atFront(() => {
        const piece = new Piece(this.#pieceBytesMax);
        for (const { membershipBeforeCompaction: mark } of groups.values())
          if (mark !== undefined && !piece.addAll([mark])) break;
        return piece.records;
      });
    } catch (error) {
      if (!hasCode(error, "LOG_FULL")) throw error;
    }
  }

  /** The oldest segment with entries that are needed, the last one where there are none. */
  get #oldestNeeded(): Segment {
    const { groups, segments } = this.#parts;
    let needed = Number.POSITIVE_INFINITY;
    for (const group of groups.values()) needed = Math.min(needed, group.entriesPosition);
    return segments.findLast(({ base }) => base <= needed)!;
  }

  async #moveMarks(before: number): Promise<void> {
    const { groups, writer } = this.#parts;
    const areLeft = (): boolean => groups.values().some((group) => group.marksPosition < before);
    while (areLeft()) {
      await writer.atFront(() => {
        const piece = new Piece(this.#pieceBytesMax);
        for (const group of groups.values()) if (!piece.addAll(group.marksBefore(before))) break;
        return piece.records;
      });
    }
  }

  /** A full disk ends it early: there is less to give back then, which may be enough. */
  async #moveEntries(): Promise<void> {
    const { options, writer } = this.#parts;
    let budget = Math.floor((options.segmentBytes * options.movedPercentMax) / 100);
    try {
      while (budget > 0 && this.#isSparse) {
        const copies = await this.#readOldest(Math.min(budget, this.#pieceBytesMax));
        if (copies.length === 0) return;
        await writer.atFront(() => copies.filter((copy) => this.#isCurrent(copy)).flatMap(({ records }) => records));
        for (const { bytes } of copies) budget -= bytes;
      }
    } catch (error) {
      if (!hasCode(error, "LOG_FULL")) throw error;
    }
  }

  /** Only then is it worth to write entries again: no entry is, before as much as twice of what is needed was written after it. */
  get #isSparse(): boolean {
    const { groups, options, segments } = this.#parts;
    let needed = 0;
    for (const group of groups.values()) needed += group.entryBytes;
    return (segments.length - 1) * options.segmentBytes > 2 * (options.segmentBytes + needed);
  }

  /** Copies of the oldest entries that are needed, of as many groups as there is room for; none where the last segment holds them. */
  async #readOldest(bytesMax: number): Promise<Copy[]> {
    const { groups, options, reader, segments } = this.#parts;
    const next = segments[segments.indexOf(this.#oldestNeeded) + 1];
    if (next === undefined) return [];
    const copies: Copy[] = [];
    const piece = new Piece(bytesMax);
    for (const index of [...groups.values()]) {
      for (const run of index.runsBefore(next.base)) {
        const before = piece.bytes;
        const entries = (await reader.run(run)).filter((entry) => entry.index > index.compaction.index);
        const records: LogRecord[] = [];
        for (const record of cut(index.group, entries, Math.min(bytesMax, options.segmentBytes / 4))) {
          if (!piece.addAll([record])) break;
          records.push(record);
        }
        if (records.length > 0) copies.push({ index, run, records, bytes: piece.bytes - before });
        if (piece.isFull) return copies;
      }
    }
    return copies;
  }

  /** False where the entries were truncated or compacted since they were read, or their group removed. */
  #isCurrent({ index, run }: Copy): boolean {
    return this.#parts.groups.get(index.group) === index && index.find(run.lastIndex) === run;
  }

  /** Without a spare segment a piece leaves as much room as it takes. */
  get #pieceBytesMax(): number {
    const { pool, segments, writer } = this.#parts;
    const bytes = Math.min(PIECE_BYTES_MAX, capacityOf(segments.at(-1)!) / 4);
    return pool.hasSpare ? bytes : Math.min(bytes, Math.max(writer.room / 2, 0));
  }
}

interface Copy {
  readonly index: GroupIndex;
  readonly run: Run;
  readonly records: readonly LogRecord[];
  readonly bytes: number;
}

/** Records for one batch, at least one and then up to a limit. */
class Piece {
  readonly records: LogRecord[] = [];
  readonly #bytesMax: number;
  bytes = 0;
  isFull = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** False where they do not fit; then nothing fits any more. */
  addAll(records: readonly LogRecord[]): boolean {
    let bytes = 0;
    for (const record of records) bytes += frameBytes(payloadBytesMax(record));
    if (this.records.length > 0 && this.bytes + bytes > this.#bytesMax) this.isFull = true;
    if (this.isFull) return false;
    this.records.push(...records);
    this.bytes += bytes;
    return true;
  }
}

/** Records of about the given size, or of a single entry. */
function* cut(group: number, entries: readonly StoredEntry[], bytesMax: number): Generator<LogRecord> {
  for (let at = 0; at < entries.length; ) {
    const { index: firstIndex, term } = entries[at]!;
    const taken: Uint8Array[] = [];
    // As payloadBytesMax counts.
    for (let bytes = 24; at < entries.length; at++) {
      const entry = entries[at]!;
      bytes += entry.bytes.length + 8;
      if (taken.length > 0 && bytes > bytesMax) break;
      taken.push(entry.bytes);
    }
    yield { kind: "entries", group, firstIndex, term, entries: taken };
  }
}
