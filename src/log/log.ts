import type { Disk, DiskFile, Env } from "../env/index.ts";
import { assert } from "../std/assert.ts";
import { logFailure } from "./errors.ts";
import { FRAME_HEADER_BYTES, FrameEncoder, frameBytes, validFrameAt } from "./frame.ts";
import { GroupIndex, type Run } from "./group-index.ts";
import { LOG_DEFAULTS, type LogOptions } from "./options.ts";
import { decodePayload, type LogRecord, payloadBytesMax } from "./record.ts";
import { recoverLog } from "./recovery.ts";
import { capacityOf, offsetOf, SEGMENT_HEADER_BYTES, type Segment, segmentName } from "./segment.ts";
import { SegmentPool } from "./segment-pool.ts";

/**
 * The write-ahead log of a node, shared by all of its groups. What is appended while a write is on its way forms the next batch:
 * one write and one fdatasync for all that waits. A failed write or sync is final: what reached the disk is unknown, so the log
 * takes nothing more and `onFatal` stops the node.
 */
export class Log implements AsyncDisposable {
  readonly counters: LogCounters = { batches: 0, records: 0, bytes: 0 };
  /** Bytes of a torn tail that recovery zeroed. */
  readonly tornBytes: number;
  readonly #disk: Disk;
  readonly #options: LogOptions;
  readonly #pool: SegmentPool;
  readonly #groups: Map<number, GroupIndex>;
  readonly #segments: Segment[];
  readonly #onFatal: (error: Error) => void;
  readonly #encoder = new FrameEncoder();
  #active: DiskFile;
  /** Behind the last frame written; equal to #durable except while a batch is on its way. */
  #end: number;
  #durable: number;
  #lastChecksum: number;
  #waiting: Append[] = [];
  #running: Promise<void> | undefined;
  #releasing: Promise<void> | undefined;
  #failure: Error | undefined;
  #closed = false;

  static async open(env: Pick<Env, "disk" | "random">, settings: LogSettings): Promise<Log> {
    const options = { ...LOG_DEFAULTS, ...settings.options };
    await env.disk.makeDirectory(options.folder);
    const recovered = await recoverLog(env.disk, options.folder);
    const pool = await SegmentPool.open(env, options);
    const segments = [...recovered.segments];
    if (segments.length === 0) segments.push(await pool.begin(1, 0));
    const active = await env.disk.open(segmentName(options.folder, segments.at(-1)!.id), "write");
    return new Log(env.disk, options, pool, segments, active, recovered, settings.onFatal);
  }

  private constructor(
    disk: Disk,
    options: LogOptions,
    pool: SegmentPool,
    segments: Segment[],
    active: DiskFile,
    recovered: Awaited<ReturnType<typeof recoverLog>>,
    onFatal: (error: Error) => void,
  ) {
    this.#disk = disk;
    this.#options = options;
    this.#pool = pool;
    this.#segments = segments;
    this.#active = active;
    this.#groups = recovered.groups;
    this.#end = recovered.end;
    this.#durable = recovered.end;
    this.#lastChecksum = recovered.lastChecksum;
    this.tornBytes = recovered.tornBytes;
    this.#onFatal = onFatal;
  }

  /** Every group of which the log holds anything, and those that were asked for. */
  groups(): Iterable<GroupIndex> {
    return this.#groups.values();
  }

  /** Where the group's entries and marks are; made on first use, anew once the group was removed. Changes as records become durable. */
  group(id: number): GroupIndex {
    assert(Number.isSafeInteger(id) && id > 0, "a group's id is a positive integer");
    let index = this.#groups.get(id);
    if (index === undefined) this.#groups.set(id, (index = new GroupIndex(id)));
    return index;
  }

  /** The position up to which everything is on disk. */
  get durable(): number {
    return this.#durable;
  }

  /**
   * Writes the records, in order and next to each other, and calls `done` when they are durable; with an error when they may not be.
   * Callers bound what they have on its way: the log takes all it is given, but at most a segment an append.
   */
  append(records: readonly LogRecord[], done: (error?: Error) => void): void {
    if (this.#failure !== undefined || this.#closed) {
      done(this.#failure ?? logFailure("LOG_CLOSED"));
      return;
    }
    let bytes = 0;
    for (const record of records) {
      assert(payloadBytesMax(record) <= this.recordBytesMax, "a record fits into a quarter of a segment");
      bytes += frameBytes(payloadBytesMax(record));
    }
    assert(bytes <= this.#options.segmentBytes - SEGMENT_HEADER_BYTES, "an append fits into a segment");
    this.#waiting.push({ records, done });
    // Behind what the caller does in this turn: appends of all its groups share the first write.
    this.#running ??= Promise.resolve().then(() => this.#run());
  }

  get recordBytesMax(): number {
    return Math.floor(this.#options.segmentBytes / 4);
  }

  /** Entries `from` to `to` (inclusive) that the log holds, at least one, then until `bytesMax`. Asks only for what is durable. */
  async readEntries(group: number, from: number, to: number, bytesMax: number): Promise<StoredEntry[]> {
    const index = this.group(group);
    const entries: StoredEntry[] = [];
    let bytes = 0;
    for (let at = from; at <= to && (bytes < bytesMax || entries.length === 0); ) {
      const run = index.find(at);
      assert(run !== undefined, "entries are read from what the log holds");
      for (const entry of await this.#readRun(run)) {
        if (entry.index < at || entry.index > Math.min(to, run.lastIndex)) continue;
        if (bytes >= bytesMax && entries.length > 0) break;
        entries.push(entry);
        bytes += entry.bytes.length;
        at = entry.index + 1;
      }
    }
    return entries;
  }

  /** Gives back the disk space of segments that no group needs. Groups' marks that stand in them are written again first. */
  release(): Promise<void> {
    this.#releasing ??= this.#release().finally(() => {
      this.#releasing = undefined;
    });
    return this.#releasing;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#releasing?.catch(() => {});
    if (this.#failure === undefined) {
      await new Promise<void>((resolve) => this.append([{ kind: "durable", group: 0 }], () => resolve()));
    }
    this.#closed = true;
    await this.#running;
    await this.#pool.close();
    await this.#active.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #release(): Promise<void> {
    const groups = [...this.#groups.values()];
    const needed = Math.min(...groups.map((group) => group.entriesPosition));
    const last = this.#segments.length - 1;
    const cut = this.#segments.findIndex((_, at) => at === last || this.#segments[at + 1]!.base > needed);
    if (cut <= 0) return;
    const newBase = this.#segments[cut]!.base;
    const marks = groups.filter((group) => group.marksPosition < newBase).flatMap((group) => group.marks());
    if (marks.length > 0) await new Promise<void>((resolve, reject) => this.append(marks, settle(resolve, reject)));
    while (this.#segments[0]!.base < newBase) {
      // It is ours until it is gone: one that was forgotten on a failure would leave a hole behind the next ones.
      await this.#pool.retire(this.#segments[0]!);
      this.#segments.shift();
    }
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0 && this.#failure === undefined) {
      let batch: Append[] = [];
      try {
        batch = this.#nextBatch();
        if (batch.length === 0) await this.#rotate();
        else await this.#write(batch);
      } catch (error) {
        this.#fail(error, batch);
      }
    }
    this.#running = undefined;
  }

  /** Takes appends from the queue and encodes them; empty where the first one does not fit into the rest of the segment. */
  #nextBatch(): Append[] {
    const segment = this.#segments.at(-1)!;
    const room = capacityOf(segment) - (this.#end - segment.base);
    const batchMax = Math.min(room, this.#options.batchBytesMax);
    let bytes = 0;
    let taken = 0;
    while (taken < this.#waiting.length) {
      for (const record of this.#waiting[taken]!.records) bytes += frameBytes(payloadBytesMax(record));
      if (bytes > (taken === 0 ? room : batchMax)) break;
      taken++;
    }
    return this.#waiting.splice(0, taken);
  }

  async #write(batch: readonly Append[]): Promise<void> {
    const segment = this.#segments.at(-1)!;
    const encoder = this.#encoder;
    const placed: Placed[] = [];
    encoder.begin();
    for (const { records } of batch) {
      for (const record of records) {
        const position = this.#end + encoder.length;
        this.#lastChecksum = encoder.add(record, segment.salt, this.#durable, this.#lastChecksum);
        placed.push({ record, position, bytes: this.#end + encoder.length - position });
      }
    }
    const start = this.#end;
    this.#end += encoder.length;
    await this.#active.write(offsetOf(segment, start), [encoder.bytes()]);
    await this.#active.sync();
    this.#durable = this.#end;
    this.counters.batches++;
    this.counters.records += placed.length;
    this.counters.bytes += encoder.length;
    for (const { record, position, bytes } of placed) {
      if (record.group === 0) continue;
      this.group(record.group).take(record, position, bytes, position === segment.base);
      if (record.kind === "removed") this.#groups.delete(record.group);
    }
    for (const { done } of batch) done();
    this.#pool.prepare();
  }

  async #rotate(): Promise<void> {
    assert(this.#durable === this.#end, "a segment begins only when all before it is durable");
    const segment = await this.#pool.begin(this.#segments.at(-1)!.id + 1, this.#end);
    const active = await this.#disk.open(segmentName(this.#options.folder, segment.id), "write");
    await this.#active.close();
    this.#active = active;
    this.#segments.push(segment);
  }

  #fail(cause: unknown, batch: readonly Append[]): void {
    const failure = logFailure("LOG_FAILED", { cause });
    this.#failure = failure;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#onFatal(failure);
    for (const { done } of [...batch, ...waiting]) done(failure);
  }

  async #readRun(run: Run): Promise<StoredEntry[]> {
    const segment = this.#segments.findLast((candidate) => candidate.base <= run.position);
    assert(segment !== undefined, "a run's segment is kept while the run is needed");
    const file = await this.#disk.open(segmentName(this.#options.folder, segment.id), "read");
    try {
      const bytes = await file.read(offsetOf(segment, run.position), run.bytes);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const entries: StoredEntry[] = [];
      for (let at = 0; at < run.bytes; ) {
        const frame = validFrameAt(bytes, view, at, segment.salt);
        const payloadAt = at + FRAME_HEADER_BYTES;
        const payload = bytes.subarray(payloadAt, payloadAt + (frame?.payloadBytes ?? 0));
        const record = frame && decodePayload(frame.kind, frame.group, payload);
        if (record?.kind !== "entries") throw unreadable(segment, run.position + at);
        const { firstIndex, term } = record;
        for (const [next, entry] of record.entries.entries())
          entries.push({ index: firstIndex + next, term, bytes: entry });
        at += frameBytes(payload.length);
      }
      return entries;
    } finally {
      await file.close();
    }
  }
}

export interface LogSettings {
  readonly options?: Partial<LogOptions>;
  /** Called once, before any `done` gets the error. The node must stop: nothing that was not acknowledged may be trusted. */
  readonly onFatal: (error: Error) => void;
}

export interface LogCounters {
  batches: number;
  records: number;
  bytes: number;
}

export interface StoredEntry {
  readonly index: number;
  readonly term: number;
  readonly bytes: Uint8Array;
}

interface Append {
  readonly records: readonly LogRecord[];
  readonly done: (error?: Error) => void;
}

interface Placed {
  readonly record: LogRecord;
  readonly position: number;
  readonly bytes: number;
}

function unreadable(segment: Segment, position: number): Error {
  const data = { segment: segment.id, position };
  return logFailure("LOG_DAMAGED", { what: `The log can not be read at position ${position}.`, data });
}

function settle(resolve: () => void, reject: (error: Error) => void): (error?: Error) => void {
  return (error) => (error === undefined ? resolve() : reject(error));
}
