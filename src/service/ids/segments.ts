// The tags that this node hands out numbers of. What a node holds of a tag is let go of when the tag is removed: at once on
// the node that removes it, elsewhere when the watch tells; numbers that were handed out meanwhile are nobody else's.

import type { NumberBlock } from "../../core/id/index.ts";
import type { Clock } from "../../env/index.ts";
import { hasCode } from "../../std/errors.ts";
import { type Row, STORE_LIMITS, TABLES } from "../../store/index.ts";
import { BlockTag } from "./block-tag.ts";
import { idsFailure } from "./errors.ts";
import { follow } from "./follow.ts";
import { IDS_LIMITS } from "./limits.ts";
import type { IdsMeter } from "./meter.ts";
import { OrderedTag } from "./ordered-tag.ts";
import { decodeTag, tagRow } from "./records.ts";
import type { SegmentBuffer } from "./segment-buffer.ts";
import type { TagCounter, TagCounterStatus } from "./tag-counter.ts";
import { TagSource, type TagSourceParts, tagMissing } from "./tag-source.ts";

export interface SegmentsParts extends TagSourceParts {
  readonly clock: Clock;
  readonly meter: IdsMeter;
}

interface Opened {
  readonly counter: TagCounter;
  readonly incarnation: number;
  wasUsed: boolean;
}

export class Segments {
  readonly #parts: SegmentsParts;
  readonly #countersMax: number;
  readonly #opened = new Map<string, Opened>();
  readonly #opening = new Map<string, Promise<Opened>>();
  readonly #stop = new AbortController();
  readonly #following: Promise<void>;

  constructor(parts: SegmentsParts, countersMax: number = IDS_LIMITS.countersMax) {
    this.#parts = parts;
    this.#countersMax = countersMax;
    this.#following = follow(parts.store, TABLES.idTag, {
      timers: parts.timers,
      signal: this.#stop.signal,
      changed: (row, tag) => this.#check(tag, row),
      missed: () => this.#recheckAll(),
    });
  }

  /** Rejects with TAG_MISSING, TAG_USED_UP, IDS_OVERLOADED, IDS_CLOSED, and with the Store's errors. */
  async take(tag: string, count: number): Promise<readonly NumberBlock[]> {
    const opened = this.#opened.get(tag) ?? (await this.#open(tag));
    opened.wasUsed = true;
    try {
      return await opened.counter.take(count);
    } catch (error) {
      if (!hasCode(error, "TAG_MISSING")) throw error;
      this.#drop(tag, opened);
    }
    // There may be a new one under its name.
    const { counter } = await this.#open(tag);
    return counter.take(count);
  }

  /** It was removed or replaced here. */
  forget(tag: string): void {
    const opened = this.#opened.get(tag);
    if (opened !== undefined) this.#drop(tag, opened);
  }

  /** Of the tags that this node holds. */
  status(): TagCounterStatus[] {
    return [...this.#opened.values()].map(({ counter }) => counter.status);
  }

  buffers(): SegmentBuffer[] {
    return [...this.#opened.values()].map(({ counter }) => counter.buffer);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    for (const { counter } of this.#opened.values()) counter.end(idsFailure("IDS_CLOSED"));
    this.#opened.clear();
    await this.#following;
  }

  #open(tag: string): Promise<Opened> {
    const under = this.#opening.get(tag);
    if (under !== undefined) return under;
    const opening = this.#read(tag).finally(() => this.#opening.delete(tag));
    this.#opening.set(tag, opening);
    return opening;
  }

  async #read(tag: string): Promise<Opened> {
    if (this.#opening.size >= IDS_LIMITS.waitersMax) throw idsFailure("IDS_OVERLOADED");
    const { clock, meter, bugs } = this.#parts;
    const source = new TagSource(tag, this.#parts);
    const { order, incarnation } = await source.read();
    if (this.#stop.signal.aborted) throw idsFailure("IDS_CLOSED");
    const counter =
      order === "global" ? new OrderedTag(source, bugs) : new BlockTag(source, clock, bugs, meter.tags.of(tag));
    const opened = { counter, incarnation, wasUsed: true };
    this.#opened.get(tag)?.counter.end(tagMissing(tag));
    this.#makeRoom();
    this.#opened.set(tag, opened);
    return opened;
  }

  /** Lets go of one that was not used since it was last passed over and that nobody waits for. */
  #makeRoom(): void {
    if (this.#opened.size < this.#countersMax) return;
    for (let round = 0; round < 2; round++) {
      for (const [tag, opened] of this.#opened) {
        const isFree = !opened.wasUsed && opened.counter.status.waiting === 0;
        opened.wasUsed = false;
        if (!isFree) continue;
        // What it holds is lost, which costs numbers only.
        this.#opened.delete(tag);
        return;
      }
    }
    throw idsFailure("IDS_OVERLOADED", { data: { tagsMax: this.#countersMax } });
  }

  async #recheckAll(): Promise<void> {
    const tags = [...this.#opened.keys()];
    for (let at = 0; at < tags.length; at += STORE_LIMITS.getManyMax) {
      const those = tags.slice(at, at + STORE_LIMITS.getManyMax);
      const rows = await this.#parts.store.getMany(those.map(tagRow), { signal: this.#stop.signal });
      for (const [place, tag] of those.entries()) this.#check(tag, rows[place]!);
    }
  }

  /** News may be older than what was read here. */
  #check(tag: string, row: Row): void {
    const opened = this.#opened.get(tag);
    if (opened === undefined) return;
    const { incarnation, isRemoved } = decodeTag(row);
    const isReplaced = incarnation > opened.incarnation;
    if (isReplaced || (isRemoved && incarnation === opened.incarnation)) this.#drop(tag, opened);
  }

  #drop(tag: string, opened: Opened): void {
    opened.counter.end(tagMissing(tag));
    if (this.#opened.get(tag) === opened && !this.#parts.bugs.has("keep-removed")) this.#opened.delete(tag);
  }
}
