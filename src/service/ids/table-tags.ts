// Tags that a table outside of the Store counts: a user's own `leaf_alloc`. Numbers come in blocks as those of the Store's tags
// do, so that the database may be away for as long as a block lasts. Tags are added and removed in the table while this runs.

import { BLOCK_SIZE_RULE, type NumberBlock } from "../../core/id/index.ts";
import type { Clock, Timer, Timers } from "../../env/index.ts";
import { AshlarError, hasCode } from "../../std/errors.ts";
import type { Store } from "../../store/index.ts";
import { BlockSizes } from "./block-sizes.ts";
import { type BlockSource, BlockTag, type BlockTuning } from "./block-tag.ts";
import { checkCount, type Page, type PageRequest } from "./change.ts";
import { idsFailure } from "./errors.ts";
import { IDS_LIMITS } from "./limits.ts";
import { NO_IDS_BUGS } from "./seeded-bugs.ts";
import { emptyBuffer, type SegmentBuffer } from "./segment-buffer.ts";
import { tagMissing } from "./tag-source.ts";

/** The table, by whatever driver. */
export interface TagTable {
  tags(): Promise<readonly string[]>;
  rows(): Promise<readonly TagTableRow[]>;
  /** Moves the count on by the row's step, or by so many; the row as it is then, undefined where there is none. */
  advance(tag: string, size: number | undefined): Promise<Omit<TagTableRow, "updatedMillis"> | undefined>;
}

export interface TagTableRow {
  readonly tag: string;
  /** Behind all numbers that were handed out to somebody. */
  readonly maxId: bigint;
  readonly step: number;
  readonly updatedMillis: number;
}

export interface TableTagsOptions {
  readonly table: TagTable;
  readonly store: Pick<Store, "get" | "commit">;
  readonly env: { readonly clock: Clock; readonly timers: Timers };
  /** The table can not be read, or can be read again: undefined. Called when that changes. */
  readonly onUnread?: (error: AshlarError | undefined) => void;
}

interface TagEntry {
  readonly name: string;
  readonly nextNumber: bigint;
  readonly step: number;
  readonly description: string;
  readonly updatedMillis: number;
}

export class TableTags implements AsyncDisposable {
  readonly #options: TableTagsOptions;
  readonly #sizes: BlockSizes;
  /** Undefined until the table was read. */
  #known: Set<string> | undefined;
  readonly #counters = new Map<string, BlockTag>();
  #reading: Promise<void> | undefined;
  /** Monotonic; not for its own sake before it. */
  #readAgainMillis = 0;
  #failure: AshlarError | undefined;
  #listed: { readonly rows: Promise<readonly TagTableRow[]>; readonly untilMillis: number } | undefined;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: TableTagsOptions) {
    this.#options = options;
    this.#sizes = new BlockSizes(options.store);
    this.#readLater(0);
  }

  /**
   * As `Ids.segment`. Rejects with TAG_MISSING, TABLE_UNREAD, COUNT_INVALID, IDS_OVERLOADED, IDS_CLOSED, with BLOCK_STALE where
   * the table has gone back behind numbers that were handed out, and with the driver's errors where what is held does not suffice.
   */
  async segment(tag: string, count = 1): Promise<readonly NumberBlock[]> {
    checkCount(count);
    if (this.#isClosed) throw idsFailure("IDS_CLOSED");
    const counter = this.#counters.get(tag) ?? (await this.#open(tag));
    try {
      return await counter.take(count);
    } catch (error) {
      // There may be a new one of this name.
      if (hasCode(error, "TAG_MISSING") && this.#counters.get(tag) === counter) this.#forget(tag);
      throw error;
    }
  }

  /** Of all tags, as in Leaf, also of those that nobody has asked for here. */
  buffers(): SegmentBuffer[] {
    const tags = this.#known ?? new Set<string>();
    return [...tags].map((tag) => this.#counters.get(tag)?.buffer ?? emptyBuffer(tag));
  }

  /** In the order of their names' UTF-16 units. Throws PAGE_INVALID. */
  async tags({ after, limit }: PageRequest): Promise<Page<TagEntry>> {
    if (!Number.isInteger(limit) || limit < 1 || limit > IDS_LIMITS.pageRowsMax)
      throw idsFailure("PAGE_INVALID", { data: { limit } });
    const rows = (await this.#rows()).filter(({ tag }) => after === undefined || tag > after);
    const entries = rows.slice(0, limit).map(({ tag, maxId, step, updatedMillis }) => ({
      ...{ name: tag, nextNumber: maxId, step, description: "", updatedMillis },
    }));
    return { entries, next: rows.length > limit ? entries.at(-1)?.name : undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    for (const counter of this.#counters.values()) counter.end(idsFailure("IDS_CLOSED"));
    this.#counters.clear();
    await this.#reading;
  }

  async #open(tag: string): Promise<BlockTag> {
    if (this.#known?.has(tag) !== true) await this.#readAgain();
    if (this.#isClosed) throw idsFailure("IDS_CLOSED");
    if (this.#known === undefined) throw idsFailure("TABLE_UNREAD", { cause: this.#failure });
    if (!this.#known.has(tag)) throw tagMissing(tag);
    const { table, env } = this.#options;
    // Another caller may have been faster.
    const counter =
      this.#counters.get(tag) ?? new BlockTag(new TableSource(tag, table, this.#sizes), env.clock, NO_IDS_BUGS);
    this.#counters.set(tag, counter);
    return counter;
  }

  /** Of a second ago at most: the pages of a listing, and all who look meanwhile, cost the database one read. */
  #rows(): Promise<readonly TagTableRow[]> {
    const { table, env } = this.#options;
    const nowMillis = env.clock.monotonic();
    if (this.#listed === undefined || nowMillis >= this.#listed.untilMillis) {
      const rows = table.rows().then((all) => all.toSorted((left, right) => (left.tag < right.tag ? -1 : 1)));
      this.#listed = { rows, untilMillis: nowMillis + IDS_LIMITS.tableReadAgainMillis };
    }
    return this.#listed.rows;
  }

  /** The table has it no more. */
  #forget(tag: string): void {
    this.#counters.get(tag)?.end(tagMissing(tag));
    this.#counters.delete(tag);
    this.#known?.delete(tag);
  }

  async #readAgain(): Promise<void> {
    if (this.#options.env.clock.monotonic() >= this.#readAgainMillis) this.#reading ??= this.#read();
    await this.#reading;
  }

  /** Never rejects with what the database says: who needs the table is told `#failure`. */
  async #read(): Promise<void> {
    try {
      const tags = new Set(await this.#options.table.tags());
      if (tags.size > IDS_LIMITS.tagsMax) throw idsFailure("LIMIT_TAGS", { data: { tagsMax: IDS_LIMITS.tagsMax } });
      this.#known = tags;
      for (const tag of this.#counters.keys()) if (!tags.has(tag)) this.#forget(tag);
      this.#tell(undefined);
    } catch (error) {
      if (!(error instanceof AshlarError)) throw error;
      this.#tell(error);
    } finally {
      this.#reading = undefined;
      this.#readAgainMillis = this.#options.env.clock.monotonic() + IDS_LIMITS.tableReadAgainMillis;
    }
  }

  #tell(failure: AshlarError | undefined): void {
    const isNews = failure?.code !== this.#failure?.code;
    this.#failure = failure;
    if (isNews && !this.#isClosed) this.#options.onUnread?.(failure);
  }

  #readLater(millis: number): void {
    this.#timer = this.#options.env.timers.after(millis, () => {
      this.#reading ??= this.#read();
      void this.#reading.then(() => {
        if (this.#isClosed) return;
        const isRead = this.#known !== undefined;
        this.#readLater(isRead ? IDS_LIMITS.tableReadMillis : IDS_LIMITS.tableReadAgainMillis);
      });
    });
  }
}

/** One tag's blocks out of the table. The step is that of the load before, as in Leaf. */
class TableSource implements BlockSource {
  readonly name: string;
  readonly #table: TagTable;
  readonly #sizes: BlockSizes;
  #tuning: BlockTuning | undefined;
  #stopped: AshlarError | undefined;

  constructor(name: string, table: TagTable, sizes: BlockSizes) {
    this.name = name;
    this.#table = table;
    this.#sizes = sizes;
  }

  async take(sizeOf: (tag: BlockTuning) => number): Promise<NumberBlock> {
    const asked = await this.#sizeToAsk(sizeOf);
    if (this.#stopped !== undefined) throw this.#stopped;
    const row = await this.#table.advance(this.name, asked);
    if (this.#stopped !== undefined) throw this.#stopped;
    if (row === undefined) throw tagMissing(this.name);
    const size = asked ?? row.step;
    const blockSize = Math.min(size, BLOCK_SIZE_RULE.sizeMax);
    if (blockSize !== this.#tuning?.blockSize) void this.#sizes.write(this.name, blockSize);
    this.#tuning = { step: row.step, blockSize };
    return { first: row.maxId - BigInt(size), size };
  }

  stop(reason: AshlarError): void {
    this.#stopped = reason;
  }

  /** Undefined: the row's step. The first block is as large as the last one before the start. */
  async #sizeToAsk(sizeOf: (tag: BlockTuning) => number): Promise<number | undefined> {
    if (this.#tuning === undefined) {
      const blockSize = await this.#sizes.read(this.name);
      return blockSize === 0 ? undefined : sizeOf({ step: 1, blockSize });
    }
    const size = sizeOf(this.#tuning);
    return size === this.#tuning.step ? undefined : size;
  }
}
