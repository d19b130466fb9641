import type { Disk, DiskFile } from "../env/index.ts";
import { assert } from "../std/assert.ts";
import { logFailure } from "./errors.ts";
import { FrameEncoder, frameBytes } from "./frame.ts";
import { GroupIndex } from "./group-index.ts";
import type { LogOptions } from "./options.ts";
import { type LogRecord, payloadBytesMax } from "./record.ts";
import type { LogBugs } from "./seeded-bugs.ts";
import { capacityOf, offsetOf, SEGMENT_HEADER_BYTES, type Segment, segmentName } from "./segment.ts";
import type { SegmentPool } from "./segment-pool.ts";

export interface LogWriterParts {
  readonly disk: Disk;
  readonly options: LogOptions;
  readonly pool: SegmentPool;
  /** In order; the last one is written. The writer adds to them, the releaser takes from their front. */
  readonly segments: Segment[];
  readonly groups: Map<number, GroupIndex>;
  readonly active: DiskFile;
  readonly end: number;
  readonly lastChecksum: number;
  readonly onFatal: (error: Error) => void;
  readonly bugs: LogBugs;
}

export interface LogCounters {
  batches: number;
  records: number;
  bytes: number;
}

/**
 * Writes batch after batch: what is appended while a write is on its way forms the next one. An append is written as a whole or not
 * at all, unless the node stops. A failed write or sync is final. A disk without room for the next segment is not: appends that do not
 * fit into what is left are refused, with nothing written of them.
 */
export class LogWriter {
  readonly counters: LogCounters = { batches: 0, records: 0, bytes: 0 };
  readonly #parts: LogWriterParts;
  readonly #encoder = new FrameEncoder();
  /** Of the frames of the batch on its way. */
  readonly #positions: number[] = [];
  #active: DiskFile;
  /** Behind the last frame written; equal to #durable except while a batch is on its way. */
  #end: number;
  #durable: number;
  #lastChecksum: number;
  #front: Front | undefined;
  #waiting: Append[] = [];
  #running: Promise<void> | undefined;
  #failure: Error | undefined;
  #closed = false;

  constructor(parts: LogWriterParts) {
    this.#parts = parts;
    this.#active = parts.active;
    this.#end = parts.end;
    this.#durable = parts.end;
    this.#lastChecksum = parts.lastChecksum;
    if (this.room < this.#reserveBytes) parts.pool.prepare();
  }

  get durable(): number {
    return this.#durable;
  }

  get isFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Bytes that are left of the last segment. */
  get room(): number {
    const segment = this.#parts.segments.at(-1)!;
    return capacityOf(segment) - (this.#end - segment.base);
  }

  get isNearlyFull(): boolean {
    return this.#parts.pool.isExhausted && this.room < this.#reserveBytes;
  }

  append(records: readonly LogRecord[], done: (error?: Error) => void): void {
    if (this.#failure !== undefined || this.#closed) {
      done(this.#failure ?? logFailure("LOG_CLOSED"));
      return;
    }
    const { segmentBytes } = this.#parts.options;
    const recordBytesMax = segmentBytes / 4;
    let bytes = 0;
    for (const record of records) {
      const payloadBytes = payloadBytesMax(record);
      assert(payloadBytes <= recordBytesMax, "a record fits into a quarter of a segment");
      bytes += frameBytes(payloadBytes);
    }
    assert(bytes <= segmentBytes - SEGMENT_HEADER_BYTES, "an append fits into a segment");
    this.#waiting.push({ records, bytes, isCopy: false, done });
    // Behind what the caller does in this turn: the appends of all its groups share the first write.
    this.#running ??= Promise.resolve().then(() => this.#run());
  }

  /**
   * Puts records that say again what the log says already in front of all that waits. They are made when nothing is on its way: made
   * any sooner, a mark could be written behind a newer one of its kind, and count.
   */
  atFront(make: () => readonly LogRecord[]): Promise<void> {
    assert(this.#front === undefined, "one after the other is put in front");
    return new Promise((resolve, reject) => {
      const done = (error?: Error): void => (error === undefined ? resolve() : reject(error));
      if (this.#failure !== undefined || this.#closed) {
        done(this.#failure ?? logFailure("LOG_CLOSED"));
        return;
      }
      this.#front = { make, done };
      this.#running ??= this.#run();
    });
  }

  /** Takes nothing more and waits for what is on its way. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    await this.#active.close();
  }

  get #reserveBytes(): number {
    const { reserveBytes, segmentBytes } = this.#parts.options;
    return Math.min(reserveBytes, segmentBytes / 4);
  }

  async #run(): Promise<void> {
    while ((this.#waiting.length > 0 || this.#front !== undefined) && this.#failure === undefined) {
      let batch: readonly Append[] = [];
      try {
        batch = this.#nextBatch();
        if (batch.length > 0) await this.#write(batch);
        else if (await this.#parts.pool.reserve()) await this.#rotate();
        else this.#refuse();
      } catch (error) {
        this.#fail(error, batch);
      }
    }
    this.#running = undefined;
  }

  /** Takes appends from the queue; none where the first one does not fit into the rest of the segment. */
  #nextBatch(): readonly Append[] {
    const { room } = this;
    const batch: Append[] = [];
    let bytes = 0;
    if (this.#front !== undefined) {
      const { make, done } = this.#front;
      const records = make();
      for (const record of records) bytes += frameBytes(payloadBytesMax(record));
      if (bytes > room) return batch;
      this.#front = undefined;
      batch.push({ records, bytes, isCopy: true, done });
    }
    const batchMax = Math.min(room, this.#parts.options.batchBytesMax);
    let taken = 0;
    for (const append of this.#waiting) {
      bytes += append.bytes;
      if (bytes > (batch.length === 0 ? room : batchMax)) break;
      batch.push(append);
      taken++;
    }
    this.#waiting = this.#waiting.slice(taken);
    return batch;
  }

  async #write(batch: readonly Append[]): Promise<void> {
    const { pool, segments, bugs } = this.#parts;
    const segment = segments.at(-1)!;
    const encoder = this.#encoder;
    const positions = this.#positions;
    const start = this.#end;
    positions.length = 0;
    encoder.begin();
    for (const { records } of batch) {
      for (const record of records) {
        positions.push(start + encoder.length);
        this.#lastChecksum = encoder.add(record, segment.salt, this.#durable, this.#lastChecksum);
      }
    }
    if (encoder.length > 0) {
      this.#end += encoder.length;
      await this.#active.write(offsetOf(segment, start), [encoder.bytes()]);
      if (!bugs.has("acknowledge-before-sync")) await this.#active.sync();
      this.#durable = this.#end;
      this.counters.batches++;
      this.counters.records += positions.length;
      this.counters.bytes += encoder.length;
      this.#take(batch, segment);
    }
    for (const { done } of batch) done();
    pool.prepare();
  }

  #take(batch: readonly Append[], segment: Segment): void {
    const { groups } = this.#parts;
    const positions = this.#positions;
    positions.push(this.#end);
    let at = 0;
    for (const { records, isCopy } of batch) {
      for (const record of records) {
        const position = positions[at]!;
        const bytes = positions[++at]! - position;
        if (record.group === 0) continue;
        const index = groupIn(groups, record.group);
        const isNext = record.kind !== "entries" || isCopy || record.firstIndex === index.lastIndex + 1;
        assert(isNext, "entries follow the last one without a gap");
        index.take(record, position, bytes, position === segment.base);
        if (record.kind === "removed") groups.delete(record.group);
      }
    }
  }

  async #rotate(): Promise<void> {
    assert(this.#durable === this.#end, "a segment begins only when all before it is durable");
    const { disk, options, pool, segments } = this.#parts;
    const segment = await pool.begin(segments.at(-1)!.id + 1, this.#end);
    const active = await disk.open(segmentName(options.folder, segment.id), "write");
    await this.#active.close();
    this.#active = active;
    segments.push(segment);
  }

  /** Of the groups of a refused append nothing behind it is taken: their records build on one another. */
  #refuse(): void {
    const failure = logFailure("LOG_FULL");
    const refused: Pick<Append, "done">[] = [];
    const kept: Append[] = [];
    const groups = new Set<number>();
    let { room } = this;
    if (this.#front !== undefined) refused.push(this.#front);
    this.#front = undefined;
    for (const append of this.#waiting) {
      if (append.bytes <= room && !append.records.some(({ group }) => groups.has(group))) {
        room -= append.bytes;
        kept.push(append);
      } else {
        for (const { group } of append.records) groups.add(group);
        refused.push(append);
      }
    }
    this.#waiting = kept;
    for (const { done } of refused) done(failure);
  }

  #fail(cause: unknown, batch: readonly Append[]): void {
    const failure = logFailure("LOG_FAILED", { cause });
    this.#failure = failure;
    const waiting = [...batch, ...(this.#front === undefined ? [] : [this.#front]), ...this.#waiting];
    this.#front = undefined;
    this.#waiting = [];
    this.#parts.onFatal(failure);
    for (const { done } of waiting) done(failure);
  }
}

/** The group's index, made where there is none. */
export function groupIn(groups: Map<number, GroupIndex>, id: number): GroupIndex {
  let index = groups.get(id);
  if (index === undefined) groups.set(id, (index = new GroupIndex(id)));
  return index;
}

interface Append {
  readonly records: readonly LogRecord[];
  /** An upper bound of what its frames take. */
  readonly bytes: number;
  /** Its entries are in the log already. */
  readonly isCopy: boolean;
  readonly done: (error?: Error) => void;
}

interface Front {
  readonly make: () => readonly LogRecord[];
  readonly done: (error?: Error) => void;
}
