import { assert } from "../std/assert.ts";
import { EMPTY, equalBytes, utf8 } from "../std/bytes.ts";
import { crc32c } from "../std/checksums/index.ts";
import { hasCode } from "../std/errors.ts";
import { getU64, setU64, viewOf } from "./fields.ts";
import { alignUp, SECTOR_BYTES, SUPERBLOCK_BYTES, UNIT_BYTES, type VolumeIdentity } from "./format.ts";
import { walkSlots } from "./walk.ts";
import type { ReadableFile } from "./window.ts";

// Where the needles of a compacted volume are, at the end of its file. Readers keep only the fences in memory: one
// pread of a page finds a needle among 510. All checksums start from the volume's salt.
//
//   page (4096):    magic u32 | page u32 | entries u32 | crc32c u32 | entries: (needle u32, position / 8 u32) ... zeros
//   fences:         the first needle of each page, u32 each; zeros up to a sector
//   end (4096):     magic 8 | version u32 | volume u32 | generation u32 | entries u32 | pages u32
//                   | crc32c of fences u32 | end of the slots u64 | first page u64 | zeros ... | crc32c u32

const PAGE_BYTES = SECTOR_BYTES;
const PAGE_MAGIC = 0x6c64_6e54;
const PAGE_HEADER_BYTES = 16;
const PAGE_ENTRIES_MAX = (PAGE_BYTES - PAGE_HEADER_BYTES) / 8;
const END_BYTES = SECTOR_BYTES;
const END_MAGIC = utf8("ashlarte");
const END_VERSION = 1;
const PAGES_KEPT_MAX = 32;

export interface NeedlePlace {
  readonly needle: number;
  readonly position: number;
}

/** Chunks of the table, to be written one behind the other from the first sector boundary at or behind `slotsEnd`. */
export function* encodeNeedleTable(
  places: readonly NeedlePlace[],
  slotsEnd: number,
  identity: VolumeIdentity,
): Generator<Uint8Array, void, void> {
  const pages = Math.ceil(places.length / PAGE_ENTRIES_MAX);
  const fences = new Uint8Array(alignUp(pages * 4, SECTOR_BYTES));
  for (let page = 0; page < pages; page++) {
    const entries = places.slice(page * PAGE_ENTRIES_MAX, (page + 1) * PAGE_ENTRIES_MAX);
    viewOf(fences).setUint32(page * 4, entries[0]!.needle, true);
    yield encodePage(page, entries, identity);
  }
  yield fences;
  const end = new Uint8Array(END_BYTES);
  const view = viewOf(end);
  end.set(END_MAGIC, 0);
  for (const [at, field] of [END_VERSION, identity.volume, identity.generation, places.length, pages].entries()) {
    view.setUint32(8 + at * 4, field, true);
  }
  view.setUint32(28, crc32c(fences, identity.salt), true);
  setU64(view, 32, slotsEnd);
  setU64(view, 40, alignUp(slotsEnd, SECTOR_BYTES));
  view.setUint32(END_BYTES - 4, crc32c(end.subarray(0, END_BYTES - 4), identity.salt), true);
  yield end;
}

/**
 * Finds needles of one compacted file. Where the table is damaged it is rebuilt in memory from the slots' headers: a
 * lost page must not cost the needles that it names.
 */
export class NeedleTable {
  readonly #identity: VolumeIdentity;
  readonly #fences: Uint32Array;
  readonly #pagesPosition: number;
  /** Decoded pages, the least recently used first. */
  readonly #pages = new Map<number, TablePage>();
  #rebuilt: TablePage | undefined;
  /** Where the slots end and the table begins. */
  readonly slotsEnd: number;
  readonly #entries: number;
  #rebuilding: Promise<TablePage> | undefined;

  private constructor(identity: VolumeIdentity, end: TableEnd, fences: Uint32Array, rebuilt?: TablePage) {
    this.#identity = identity;
    this.#fences = fences;
    this.#pagesPosition = end.pagesPosition;
    this.#entries = end.entries;
    this.slotsEnd = end.slotsEnd;
    this.#rebuilt = rebuilt;
  }

  static async open(file: ReadableFile, identity: VolumeIdentity): Promise<NeedleTable> {
    const fileBytes = await file.length();
    const end = parseEnd(
      await readIfReadable(file, Math.max(0, fileBytes - END_BYTES), END_BYTES),
      identity,
      fileBytes,
    );
    if (end !== undefined) {
      const fencesAt = end.pagesPosition + end.pages * PAGE_BYTES;
      const fences = await readIfReadable(file, fencesAt, alignUp(end.pages * 4, SECTOR_BYTES));
      if (crc32c(fences, identity.salt) === end.fencesChecksum) {
        const view = viewOf(fences);
        const firsts = Uint32Array.from({ length: end.pages }, (_, page) => view.getUint32(page * 4, true));
        return new NeedleTable(identity, end, firsts);
      }
    }
    const rebuilt = await rebuild(file, identity, end?.slotsEnd ?? fileBytes);
    const stand = end ?? { entries: 0, pages: 0, pagesPosition: fileBytes, slotsEnd: fileBytes, fencesChecksum: 0 };
    return new NeedleTable(identity, stand, new Uint32Array(0), rebuilt);
  }

  /** True where the table itself fails its checksums: compacting the volume writes a new one. */
  get damaged(): boolean {
    return this.#rebuilt !== undefined;
  }

  /** Position of the needle's slot in the file, undefined where the volume does not hold it. */
  async find(file: ReadableFile, needle: number): Promise<number | undefined> {
    if (this.#rebuilt !== undefined) return positionIn(this.#rebuilt, needle);
    const page = lastAtMost(this.#fences, needle);
    if (page === -1) return undefined;
    const entries = this.#pages.get(page) ?? (await this.#load(file, page));
    return positionIn(entries ?? (await this.#rebuild(file)), needle);
  }

  /** Position of the first slot whose needle is not below the given one, undefined where there is none. */
  async firstFrom(file: ReadableFile, needle: number): Promise<number | undefined> {
    const page = Math.max(0, lastAtMost(this.#fences, needle));
    for (let at = page; at < this.#fences.length && this.#rebuilt === undefined; at++) {
      const entries = this.#pages.get(at) ?? (await this.#load(file, at));
      if (entries === undefined) await this.#rebuild(file);
      else if (entries.needles.at(-1)! >= needle) return placeFrom(entries, needle);
    }
    return this.#rebuilt && placeFrom(this.#rebuilt, needle);
  }

  /** Reads every page; false (and from then on rebuilt) where one fails. */
  async verify(file: ReadableFile): Promise<boolean> {
    let entries = 0;
    for (let page = 0; page < this.#fences.length && !this.damaged; page++) {
      const loaded = await this.#load(file, page);
      if (loaded === undefined) await this.#rebuild(file);
      else entries += loaded.needles.length;
    }
    return !this.damaged && entries === this.#entries;
  }

  async #load(file: ReadableFile, page: number): Promise<TablePage | undefined> {
    const bytes = await readIfReadable(file, this.#pagesPosition + page * PAGE_BYTES, PAGE_BYTES);
    const entries = parsePage(bytes, page, this.#identity);
    if (entries === undefined) return undefined;
    if (this.#pages.size >= PAGES_KEPT_MAX) this.#pages.delete(this.#pages.keys().next().value!);
    this.#pages.set(page, entries);
    return entries;
  }

  async #rebuild(file: ReadableFile): Promise<TablePage> {
    this.#rebuilding ??= rebuild(file, this.#identity, this.slotsEnd);
    this.#rebuilt = await this.#rebuilding;
    this.#pages.clear();
    return this.#rebuilt;
  }
}

interface TablePage {
  readonly needles: Uint32Array;
  /** In units of 8 bytes. */
  readonly places: Uint32Array;
}

interface TableEnd {
  readonly entries: number;
  readonly pages: number;
  readonly fencesChecksum: number;
  readonly slotsEnd: number;
  readonly pagesPosition: number;
}

function encodePage(page: number, entries: readonly NeedlePlace[], identity: VolumeIdentity): Uint8Array {
  const bytes = new Uint8Array(PAGE_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, PAGE_MAGIC, true);
  view.setUint32(4, page, true);
  view.setUint32(8, entries.length, true);
  for (const [at, { needle, position }] of entries.entries()) {
    assert(at === 0 || needle > entries[at - 1]!.needle, "the table is sorted by needle");
    view.setUint32(PAGE_HEADER_BYTES + at * 8, needle, true);
    view.setUint32(PAGE_HEADER_BYTES + at * 8 + 4, position / UNIT_BYTES, true);
  }
  view.setUint32(12, crc32c(bytes, identity.salt), true);
  return bytes;
}

function parsePage(bytes: Uint8Array, page: number, identity: VolumeIdentity): TablePage | undefined {
  if (bytes.length !== PAGE_BYTES) return undefined;
  const view = viewOf(bytes);
  const checksum = view.getUint32(12, true);
  view.setUint32(12, 0, true);
  if (crc32c(bytes, identity.salt) !== checksum) return undefined;
  if (view.getUint32(0, true) !== PAGE_MAGIC || view.getUint32(4, true) !== page) return undefined;
  const length = view.getUint32(8, true);
  const at = (entry: number): number => PAGE_HEADER_BYTES + entry * 8;
  return {
    needles: Uint32Array.from({ length }, (_, entry) => view.getUint32(at(entry), true)),
    places: Uint32Array.from({ length }, (_, entry) => view.getUint32(at(entry) + 4, true)),
  };
}

function parseEnd(bytes: Uint8Array, identity: VolumeIdentity, fileBytes: number): TableEnd | undefined {
  if (bytes.length !== END_BYTES || !equalBytes(bytes.subarray(0, 8), END_MAGIC)) return undefined;
  const view = viewOf(bytes);
  if (view.getUint32(END_BYTES - 4, true) !== crc32c(bytes.subarray(0, END_BYTES - 4), identity.salt)) return undefined;
  const end = {
    entries: view.getUint32(20, true),
    pages: view.getUint32(24, true),
    fencesChecksum: view.getUint32(28, true),
    slotsEnd: getU64(view, 32),
    pagesPosition: getU64(view, 40),
  };
  const fencesAt = end.pagesPosition + end.pages * PAGE_BYTES;
  return fencesAt + alignUp(end.pages * 4, SECTOR_BYTES) + END_BYTES === fileBytes ? end : undefined;
}

/** Bytes that the disk can not read fail their checksum like any others. */
async function readIfReadable(file: ReadableFile, position: number, length: number): Promise<Uint8Array> {
  try {
    return await file.read(position, length);
  } catch (error) {
    if (!hasCode(error, "DISK_FAILED")) throw error;
    return EMPTY;
  }
}

async function rebuild(file: ReadableFile, identity: VolumeIdentity, slotsEnd: number): Promise<TablePage> {
  const found: NeedlePlace[] = [];
  const options = { from: SUPERBLOCK_BYTES, to: slotsEnd, verify: "footers" as const, skipsUnreadable: true };
  for await (const slot of walkSlots(file, identity, options)) {
    if (slot.kind === "needle") found.push({ needle: slot.header.needle, position: slot.position });
  }
  found.sort((left, right) => left.needle - right.needle);
  return {
    needles: Uint32Array.from(found, ({ needle }) => needle),
    places: Uint32Array.from(found, ({ position }) => position / UNIT_BYTES),
  };
}

function positionIn(page: TablePage, needle: number): number | undefined {
  const at = lastAtMost(page.needles, needle);
  return at !== -1 && page.needles[at] === needle ? page.places[at]! * UNIT_BYTES : undefined;
}

function placeFrom(page: TablePage, needle: number): number | undefined {
  const before = lastAtMost(page.needles, needle);
  const at = before !== -1 && page.needles[before] === needle ? before : before + 1;
  return at < page.places.length ? page.places[at]! * UNIT_BYTES : undefined;
}

/** Index of the last element that is not larger, -1 where all are. */
function lastAtMost(sorted: Uint32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
