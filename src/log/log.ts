import type { Env } from "../env/index.ts";
import { assert } from "../std/assert.ts";
import type { GroupIndex } from "./group-index.ts";
import { groupIn, type LogCounters, LogWriter } from "./log-writer.ts";
import { LOG_DEFAULTS, type LogOptions } from "./options.ts";
import type { LogRecord } from "./record.ts";
import { recoverLog } from "./recovery.ts";
import { Releaser } from "./releaser.ts";
import { RunReader, type StoredEntry } from "./run-reader.ts";
import { segmentName } from "./segment.ts";
import { SegmentPool } from "./segment-pool.ts";

export interface LogSettings {
  readonly options?: Partial<LogOptions>;
  /** Called once, before any `done` gets the error. The node must stop: nothing that was not acknowledged may be trusted. */
  readonly onFatal: (error: Error) => void;
}

/**
 * The write-ahead log of a node, shared by all of its groups. What is appended while a write is on its way forms the next batch:
 * one write and one fdatasync for all that waits. A failed write or sync is final: what reached the disk is unknown, so the log
 * takes nothing more and `onFatal` stops the node.
 */
export class Log implements AsyncDisposable {
  /** Bytes of a torn tail that recovery zeroed. */
  readonly tornBytes: number;
  readonly recordBytesMax: number;
  readonly #pool: SegmentPool;
  readonly #groups: Map<number, GroupIndex>;
  readonly #writer: LogWriter;
  readonly #reader: RunReader;
  readonly #releaser: Releaser;
  #closed = false;

  static async open(env: Pick<Env, "disk" | "random">, settings: LogSettings): Promise<Log> {
    const { disk } = env;
    const options = { ...LOG_DEFAULTS, ...settings.options };
    await disk.makeDirectory(options.folder);
    const { segments: recovered, groups, end, lastChecksum, tornBytes } = await recoverLog(disk, options.folder);
    const pool = await SegmentPool.open(env, options);
    const segments = [...recovered];
    if (segments.length === 0) segments.push(await pool.begin(1, 0));
    const active = await disk.open(segmentName(options.folder, segments.at(-1)!.id), "write");
    const { onFatal } = settings;
    const writer = new LogWriter({ disk, options, pool, segments, groups, active, end, lastChecksum, onFatal });
    const reader = new RunReader(disk, options.folder, segments);
    const releaser = new Releaser({ options, pool, segments, groups, writer, reader });
    return new Log({ options, pool, groups, writer, reader, releaser, tornBytes });
  }

  private constructor(parts: LogParts) {
    this.tornBytes = parts.tornBytes;
    this.recordBytesMax = Math.floor(parts.options.segmentBytes / 4);
    this.#pool = parts.pool;
    this.#groups = parts.groups;
    this.#writer = parts.writer;
    this.#reader = parts.reader;
    this.#releaser = parts.releaser;
  }

  get counters(): LogCounters {
    return this.#writer.counters;
  }

  /** Every group of which the log holds anything, and those that were asked for. */
  groups(): Iterable<GroupIndex> {
    return this.#groups.values();
  }

  /** Where the group's entries and marks are; made on first use, anew once the group was removed. Changes as records become durable. */
  group(id: number): GroupIndex {
    assert(Number.isSafeInteger(id) && id > 0, "a group's id is a positive integer");
    return groupIn(this.#groups, id);
  }

  /** The position up to which everything is on disk. */
  get durable(): number {
    return this.#writer.durable;
  }

  /**
   * No further segment could be had, and what is left of the last one is kept for what groups need to go on and to give space back:
   * owners take no more commands until it is false again.
   */
  get isNearlyFull(): boolean {
    return this.#writer.isNearlyFull;
  }

  /**
   * Writes the records, in order and next to each other, and calls `done` when they are durable; with an error when they may not be.
   * LOG_FULL says that nothing of them was written, nor of what was appended behind them for their groups, and is not final: the same
   * records may be appended again. Callers bound what they have on its way: the log takes all it is given, but at most a segment an append.
   */
  append(records: readonly LogRecord[], done: (error?: Error) => void): void {
    this.#writer.append(records, done);
  }

  /** Entries `from` to `to` (inclusive) that the log holds, at least one, then until `bytesMax`. Asks only for what is durable. */
  readEntries(group: number, from: number, to: number, bytesMax: number): Promise<StoredEntry[]> {
    return this.#reader.entries(this.group(group), from, to, bytesMax);
  }

  /** Gives back the disk space of segments that no group needs. What little is still needed of them is written again first. */
  release(): Promise<void> {
    return this.#releaser.release();
  }

  /** Looks, in the background, whether the disk has room for a further segment by now: for a timer while the log is nearly full. */
  retrySpace(): void {
    if (!this.#closed) this.#pool.retry();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#releaser.settled();
    if (!this.#writer.isFailed) {
      await new Promise<void>((resolve) => this.append([{ kind: "durable", group: 0 }], () => resolve()));
    }
    this.#closed = true;
    await this.#writer.close();
    await this.#reader.settled();
    await this.#pool.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

interface LogParts {
  readonly options: LogOptions;
  readonly pool: SegmentPool;
  readonly groups: Map<number, GroupIndex>;
  readonly writer: LogWriter;
  readonly reader: RunReader;
  readonly releaser: Releaser;
  readonly tornBytes: number;
}
