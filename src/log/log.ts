import type { Disk, Env } from "../env/index.ts";
import { assert } from "../std/assert.ts";
import { hasCode } from "../std/errors.ts";
import type { GroupIndex } from "./group-index.ts";
import { groupIn, type LogCounters, LogWriter } from "./log-writer.ts";
import { LOG_DEFAULTS, type LogOptions } from "./options.ts";
import type { GroupDamage, LogRecord } from "./record.ts";
import { type RecoveredLog, recoverLog } from "./recovery.ts";
import { Releaser } from "./releaser.ts";
import { RunReader, type StoredEntry } from "./run-reader.ts";
import { type LogBugs, NO_LOG_BUGS } from "./seeded-bugs.ts";
import { segmentName } from "./segment.ts";
import { SegmentPool } from "./segment-pool.ts";
import { type DamagedLog, fillLostParts, keepEvidence, readDamagedLog } from "./set-aside.ts";

export interface LogSettings {
  readonly options?: Partial<LogOptions>;
  /** Called once, before any `done` gets the error. The node must stop: nothing that was not acknowledged may be trusted. */
  readonly onFatal: (error: Error) => void;
  /**
   * Where what had been synced can not be read any more. `set-aside` opens the log without it, for owners who can get back from peers what
   * their groups lost: such a group must neither vote nor acknowledge until it was caught up. Default: refuse, with LOG_DAMAGED.
   */
  readonly onDamage?: "refuse" | "set-aside";
  /** For tests of simulators. */
  readonly bugs?: LogBugs;
}

export interface DamagedGroup extends GroupDamage {
  readonly group: number;
}

/**
 * The write-ahead log of a node, shared by all of its groups. What is appended while a write is on its way forms the next batch:
 * one write and one fdatasync for all that waits. A failed write or sync is final: what reached the disk is unknown, so the log
 * takes nothing more and `onFatal` stops the node.
 */
export class Log implements AsyncDisposable {
  /** Bytes of a torn tail that recovery zeroed. */
  readonly tornBytes: number;
  /** Parts of the log were lost, and with them perhaps all that told of a group. False again once those segments were given back. */
  readonly mayHaveLostGroups: boolean;
  /** Files beside the log, with what could not be read when it was opened now. */
  readonly evidence: readonly string[];
  readonly recordBytesMax: number;
  readonly #pool: SegmentPool;
  readonly #groups: Map<number, GroupIndex>;
  readonly #writer: LogWriter;
  readonly #reader: RunReader;
  readonly #releaser: Releaser;
  #closed = false;

  static async open(env: Pick<Env, "disk" | "random">, settings: LogSettings): Promise<Log> {
    const { disk } = env;
    const { onFatal, onDamage = "refuse", bugs = NO_LOG_BUGS } = settings;
    const options = { ...LOG_DEFAULTS, ...settings.options };
    await disk.makeDirectory(options.folder);
    // A process that died between the naming of a segment and its folder's sync left names that a power cut would take back: with all
    // that goes into that segment from now on, or over the new header of a spare that is used again.
    await disk.syncDirectory(options.folder);
    const { recovered, damaged } = await recover(disk, options.folder, onDamage, bugs);
    const { groups, end, lastChecksum, tornBytes, hasLosses } = recovered;
    const evidence = damaged === undefined ? [] : await keepEvidence(disk, options.folder, damaged.lost);
    const pool = await SegmentPool.open(env, options, bugs);
    const segments = [...recovered.segments];
    // A disk that damaged the last segment gets no more of the log in that place.
    if (damaged !== undefined || segments.length === 0)
      segments.push(await pool.begin(damaged?.nextSegmentId ?? 1, end));
    const active = await disk.open(segmentName(options.folder, segments.at(-1)!.id), "write");
    const writer = new LogWriter({ disk, options, pool, segments, groups, active, end, lastChecksum, onFatal, bugs });
    const reader = new RunReader(disk, options.folder, segments);
    const releaser = new Releaser({ options, pool, segments, groups, writer, reader, bugs });
    const log = new Log({ options, pool, groups, writer, reader, releaser, tornBytes, hasLosses, evidence });
    if (damaged === undefined) return log;
    try {
      for (const records of damaged.settlement) await log.#written(records);
      await fillLostParts(disk, env.random, options.folder, damaged.lost);
      return log;
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  private constructor(parts: LogParts) {
    this.tornBytes = parts.tornBytes;
    this.mayHaveLostGroups = parts.hasLosses;
    this.evidence = parts.evidence;
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

  /** Groups that lost something with a damaged part of the log, until their owners append `repaired`. */
  get damagedGroups(): DamagedGroup[] {
    const damaged: DamagedGroup[] = [];
    for (const { group, damage } of this.#groups.values()) if (damage !== undefined) damaged.push({ group, ...damage });
    return damaged;
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

  #written(records: readonly LogRecord[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.append(records, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    await this.#releaser.settled();
    if (!this.#writer.isFailed) {
      await this.#written([{ kind: "durable", group: 0 }]).catch(() => {});
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
  readonly hasLosses: boolean;
  readonly evidence: readonly string[];
}

async function recover(
  disk: Disk,
  folder: string,
  onDamage: "refuse" | "set-aside",
  bugs: LogBugs,
): Promise<{ readonly recovered: RecoveredLog; readonly damaged?: DamagedLog }> {
  try {
    return { recovered: await recoverLog(disk, folder, bugs) };
  } catch (error) {
    if (onDamage === "refuse" || !(hasCode(error, "LOG_DAMAGED") || hasCode(error, "DISK_FAILED"))) throw error;
    const damaged = await readDamagedLog(disk, folder);
    return { recovered: damaged, damaged };
  }
}
