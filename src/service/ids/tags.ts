// Tags as people define them. A tag that is removed keeps its row, so that a new one under its name does not count from
// the beginning again: no number of a name comes twice.

import type { Clock } from "../../env/index.ts";
import { type Row, type Store, TABLES } from "../../store/index.ts";
import { type Change, change, checkName, oneMore, type Page, type PageRequest, readPage, unchanged } from "./change.ts";
import { idsFailure } from "./errors.ts";
import { IDS_LIMITS, NUMBER_END } from "./limits.ts";
import { decodeTag, encodeTag, type TagOrder, type TagRecord, tagRow } from "./records.ts";
import type { IdsBugs } from "./seeded-bugs.ts";
import { tagMissing } from "./tag-source.ts";

export interface TagInfo {
  readonly name: string;
  readonly order: TagOrder;
  /** Of a node's blocks at least. */
  readonly step: number;
  /** The least number that no node has fetched. */
  readonly nextNumber: bigint;
  readonly description: string;
  readonly updatedMillis: number;
}

export interface CreateTag {
  /** `node` where left out: numbers rise on each node. `global`: over all nodes, at the cost of a commit. */
  readonly order?: TagOrder;
  readonly step?: number;
  /** 1 where left out, or what comes behind all numbers that the name had before. */
  readonly first?: bigint;
  readonly description?: string;
}

export interface UpdateTag {
  readonly step?: number;
  /** Goes on from there, not back: after a backup was restored, which does not know of numbers handed out since. */
  readonly first?: bigint;
  readonly description?: string;
}

const FIRST_DEFAULT = 1n;

export class Tags {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #bugs: IdsBugs;

  constructor(store: Store, clock: Clock, bugs: IdsBugs) {
    this.#store = store;
    this.#clock = clock;
    this.#bugs = bugs;
  }

  /** Throws NAME_INVALID, TAG_INVALID, TAG_EXISTS, TAG_START_PASSED, LIMIT_TAGS. */
  async create(name: string, create: CreateTag = {}): Promise<TagInfo> {
    checkName(name);
    const { order = "node", step = IDS_LIMITS.stepDefault, first, description = "" } = create;
    checkTag({ step, description, first: first ?? FIRST_DEFAULT });
    return change(this.#store, async (): Promise<Change<TagInfo>> => {
      const { row } = await this.#store.get(tagRow(name));
      const before = row && decodeTag(row);
      if (before !== undefined && !before.isRemoved) throw idsFailure("TAG_EXISTS", { data: { tag: name } });
      const passed = this.#bugs.has("count-anew") ? 0n : (before?.nextNumber ?? 0n);
      if (first !== undefined && first < passed) throw startPassed(name, passed);
      const begin = first ?? (passed > FIRST_DEFAULT ? passed : FIRST_DEFAULT);
      const incarnation = (before?.incarnation ?? 0) + 1;
      const start = { isRemoved: false, incarnation, nextNumber: begin, blockSize: 0 };
      const tag = { ...start, step, order, description, ...this.#updated() };
      const counted = row === undefined ? await oneMore(this.#store, "tag", IDS_LIMITS.tagsMax) : NOTHING;
      return this.#put(name, row, tag, counted);
    });
  }

  /** Throws TAG_MISSING, TAG_INVALID, TAG_START_PASSED. It takes effect with each node's next block. */
  async update(name: string, update: UpdateTag): Promise<TagInfo> {
    return change(this.#store, async () => {
      const { row, tag } = await this.#mustRead(name);
      const { step = tag.step, description = tag.description, first = tag.nextNumber } = update;
      checkTag({ step, description, ...(update.first !== undefined && { first }) });
      if (first < tag.nextNumber) throw startPassed(name, tag.nextNumber);
      return this.#put(name, row, { ...tag, step, description, nextNumber: first, ...this.#updated() });
    });
  }

  /** Throws TAG_MISSING. */
  async remove(name: string): Promise<void> {
    await change(this.#store, async () => {
      const { row, tag } = await this.#mustRead(name);
      return this.#put(name, row, { ...tag, isRemoved: true, ...this.#updated() });
    });
  }

  /** Throws TAG_MISSING. */
  async get(name: string): Promise<TagInfo> {
    const { tag } = await this.#mustRead(name);
    return infoOf(name, tag);
  }

  /** In byte order of the names. Throws PAGE_INVALID. */
  async list(page: PageRequest): Promise<Page<TagInfo>> {
    return readPage(this.#store, TABLES.idTag, page, (row, name) => {
      const tag = decodeTag(row);
      return tag.isRemoved ? undefined : infoOf(name, tag);
    });
  }

  async #mustRead(name: string): Promise<{ readonly row: Row; readonly tag: TagRecord }> {
    checkName(name);
    const { row } = await this.#store.get(tagRow(name));
    const tag = row && decodeTag(row);
    if (row === undefined || tag === undefined || tag.isRemoved) throw tagMissing(name);
    return { row, tag };
  }

  #put(
    name: string,
    row: Row | undefined,
    tag: TagRecord,
    { checks, puts }: Awaited<ReturnType<typeof oneMore>> = NOTHING,
  ): Change<TagInfo> {
    const address = tagRow(name);
    const commit = {
      checks: [unchanged(address, row), ...checks],
      puts: [{ ...address, value: encodeTag(tag) }, ...puts],
    };
    return { commit, result: infoOf(name, tag) };
  }

  #updated(): Pick<TagRecord, "updatedMillis"> {
    return { updatedMillis: Math.max(0, this.#clock.now()) };
  }
}

const NOTHING = { checks: [], puts: [] };

function startPassed(name: string, first: bigint): ReturnType<typeof idsFailure<"TAG_START_PASSED">> {
  return idsFailure("TAG_START_PASSED", {
    what: `Numbers up to ${first - 1n} have been handed out under the tag's name before.`,
    advice: `Leave the first number out, or begin with ${first} at the earliest: no number comes twice.`,
    data: { tag: name, first: String(first) },
  });
}

function infoOf(name: string, { order, step, nextNumber, description, updatedMillis }: TagRecord): TagInfo {
  return { name, order, step, nextNumber, description, updatedMillis };
}

function checkTag(tag: { readonly step: number; readonly description: string; readonly first?: bigint }): void {
  const { step, description, first = 0n } = tag;
  const isStep = Number.isInteger(step) && step >= 1 && step <= IDS_LIMITS.stepMax;
  const isFirst = first >= 0n && first < NUMBER_END;
  if (isStep && isFirst && description.length <= IDS_LIMITS.descriptionCharactersMax) return;
  throw idsFailure("TAG_INVALID", { data: { step, first: String(first) } });
}
