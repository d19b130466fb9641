import {
  META_PAGES,
  type Meta,
  NODE_HEADER_BYTES,
  NODE_OVERFLOW,
  OVERFLOW_PLACE_BYTES,
  PAGE_BRANCH,
  PAGE_HEADER_BYTES,
  PAGE_KINDS,
  PAGE_LEAF,
  PAGE_OVERFLOW,
  type PageSource,
  readMeta,
  readU64,
  type Tree,
  viewOf,
} from "./lmdb-layout.ts";

const DEPTH_MAX = 32;
/** 16 TiB of the usual pages: bounds the memory that a damaged meta page could ask for. */
const PAGES_MAX = 2 ** 32;
const FREE_KEY_BYTES = 8;

/**
 * Walks every page of both trees and checks all that LMDB takes for granted when it follows them in mapped memory:
 * pages inside the file, of the right kind, reached once and not free; nodes inside their page and without gaps; keys
 * in order and inside the bounds that the branches above give; the counts of the meta page. Returns what is wrong, or
 * undefined for a sound file. The generator yields after each page, so that its caller can give the turn away.
 */
export function* findDamage(source: PageSource): Generator<void, string | undefined, void> {
  const meta = readMeta(source);
  if (meta === undefined) return "the meta pages are not those of an LMDB file";
  try {
    if (meta.lastPage >= PAGES_MAX) return "the last page's number is absurd";
    const walk = new Walk(source, meta);
    yield* walk.tree(meta.rows, false);
    yield* walk.tree(meta.free, true);
    return undefined;
  } catch (error) {
    if (error instanceof Damage) return error.message;
    throw error;
  }
}

/** Leaves the walk from any depth; never leaves this file. */
class Damage extends Error {}

interface Page {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly nodes: number;
}

interface Bounds {
  readonly from: Uint8Array | undefined;
  readonly to: Uint8Array | undefined;
}

interface Counts {
  branchPages: number;
  leafPages: number;
  overflowPages: number;
  entries: number;
}

class Walk {
  readonly #source: PageSource;
  readonly #meta: Meta;
  readonly #pageBytes: number;
  readonly #reached: PageSet;
  readonly #free: PageSet;
  /** Where nodes start in the page at hand: the page's stamp at the node's offset. */
  readonly #starts: Uint32Array;
  #stamp = 0;

  constructor(source: PageSource, meta: Meta) {
    this.#source = source;
    this.#meta = meta;
    this.#pageBytes = meta.pageBytes;
    this.#reached = new PageSet(meta.lastPage + 1);
    this.#free = new PageSet(meta.lastPage + 1);
    this.#starts = new Uint32Array(meta.pageBytes);
  }

  *tree(tree: Tree, isFreeList: boolean): Generator<void, void, void> {
    check(tree.flags === (isFreeList ? 0x08 : 0), "a tree has unknown flags");
    check(tree.depth <= DEPTH_MAX, "a tree is too deep");
    const counts: Counts = { branchPages: 0, leafPages: 0, overflowPages: 0, entries: 0 };
    if (tree.root === undefined) check(tree.depth === 0, "an empty tree has a depth");
    else yield* this.#subtree(tree.root, tree.depth, { from: undefined, to: undefined }, isFreeList, counts);
    check(counts.branchPages === tree.branchPages, "the number of branch pages is wrong");
    check(counts.leafPages === tree.leafPages, "the number of leaf pages is wrong");
    check(counts.overflowPages === tree.overflowPages, "the number of overflow pages is wrong");
    check(counts.entries === tree.entries, "the number of rows is wrong");
  }

  *#subtree(number: number, depth: number, bounds: Bounds, free: boolean, counts: Counts): Generator<void, void, void> {
    const page = this.#page(number, depth === 1 ? PAGE_LEAF : PAGE_BRANCH);
    yield;
    if (depth === 1) {
      counts.leafPages++;
      counts.entries += page.nodes;
      this.#leaf(page, bounds, free, counts);
      return;
    }
    counts.branchPages++;
    check(page.nodes >= (free ? 1 : 2), "a branch page has too few children");
    this.#checkNodes(page, false);
    this.#checkOrder(page, 1, bounds, free);
    for (let index = 0; index < page.nodes; index++) {
      const at = nodeAt(page, index);
      const child = page.view.getUint16(at + 4, true) * 0x1_0000_0000 + page.view.getUint32(at, true);
      const from = index === 0 ? bounds.from : keyAt(page, at);
      const to = index + 1 === page.nodes ? bounds.to : keyAt(page, nodeAt(page, index + 1));
      yield* this.#subtree(child, depth - 1, { from, to }, free, counts);
    }
  }

  #leaf(page: Page, bounds: Bounds, free: boolean, counts: Counts): void {
    check(page.nodes > 0, "a leaf page is empty");
    this.#checkNodes(page, true);
    this.#checkOrder(page, 0, bounds, free);
    for (let index = 0; index < page.nodes; index++) {
      const at = nodeAt(page, index);
      const dataBytes = page.view.getUint32(at, true);
      const dataAt = at + NODE_HEADER_BYTES + page.view.getUint16(at + 6, true);
      let data: Uint8Array | undefined;
      if (page.view.getUint16(at + 4, true) === 0) {
        if (free) data = page.bytes.subarray(dataAt, dataAt + dataBytes);
      } else {
        const first = readU64(page.view, dataAt);
        const pages = readU64(page.view, dataAt + 16);
        // More than needed where a value was replaced by a shorter one in the same transaction.
        check(pages * this.#pageBytes >= PAGE_HEADER_BYTES + dataBytes, "a value has too few overflow pages");
        check(pages <= this.#meta.lastPage, "a value has too many overflow pages");
        this.#overflow(first, pages);
        counts.overflowPages += pages;
        if (free) data = this.#source.read(first * this.#pageBytes + PAGE_HEADER_BYTES, dataBytes);
      }
      if (data !== undefined) this.#checkFreeList(data);
    }
  }

  /** Reads a page that must exist, be of this kind and not have been reached before. */
  #page(number: number, kind: number): Page {
    this.#reach(number);
    const bytes = this.#source.read(number * this.#pageBytes, this.#pageBytes);
    check(bytes.length === this.#pageBytes, "a page is cut off");
    const view = viewOf(bytes);
    this.#checkHeader(view, number, kind);
    const lower = view.getUint16(20, true);
    const upper = view.getUint16(22, true);
    check(lower % 2 === 0, "a page's list of nodes is odd");
    check(lower <= upper, "a page's list of nodes runs into its nodes");
    check(upper <= this.#pageBytes - PAGE_HEADER_BYTES, "a page's free space ends outside of it");
    return { number, bytes, view, nodes: lower / 2 };
  }

  #overflow(first: number, pages: number): void {
    for (let number = first; number < first + pages; number++) this.#reach(number);
    const view = viewOf(this.#source.read(first * this.#pageBytes, PAGE_HEADER_BYTES));
    this.#checkHeader(view, first, PAGE_OVERFLOW);
    check(view.getUint32(20, true) === pages, "an overflow page's length is wrong");
  }

  #checkHeader(view: DataView, number: number, kind: number): void {
    check(readU64(view, 0) === number, "a page has another page's number");
    check(readU64(view, 8) <= this.#meta.transaction, "a page is from a later transaction");
    check((view.getUint16(18, true) & PAGE_KINDS) === kind, "a page is of the wrong kind");
  }

  #reach(number: number): void {
    check(number >= META_PAGES, "a tree leads to a meta page");
    check(number <= this.#meta.lastPage, "a tree leads beyond the last page");
    check((number + 1) * this.#pageBytes <= this.#source.length, "a page is beyond the end of the file");
    check(!this.#reached.has(number), "a page is reached twice");
    check(!this.#free.has(number), "a page in use is listed as free");
    this.#reached.add(number);
  }

  /** The nodes fill the page from `upper` to its end, one behind the other in any order. */
  #checkNodes(page: Page, isLeaf: boolean): void {
    this.#stamp++;
    const upper = PAGE_HEADER_BYTES + page.view.getUint16(22, true);
    for (let index = 0; index < page.nodes; index++) {
      const at = nodeAt(page, index);
      check(at >= upper, "a node starts in the free space of its page");
      check(at + NODE_HEADER_BYTES <= this.#pageBytes, "a node starts at the end of its page");
      this.#starts[at] = this.#stamp;
    }
    let at = upper;
    for (let seen = 0; seen < page.nodes; seen++) {
      check(this.#starts[at] === this.#stamp, "the nodes of a page overlap or have gaps");
      at += this.#nodeBytes(page, at, isLeaf);
      check(at <= this.#pageBytes, "a node ends outside of its page");
    }
    check(at === this.#pageBytes, "the nodes of a page do not fill it");
  }

  #nodeBytes(page: Page, at: number, isLeaf: boolean): number {
    const keyBytes = page.view.getUint16(at + 6, true);
    if (!isLeaf) return even(NODE_HEADER_BYTES + keyBytes);
    const flags = page.view.getUint16(at + 4, true);
    check(flags === 0 || flags === NODE_OVERFLOW, "a node has unknown flags");
    const dataBytes = flags === 0 ? page.view.getUint32(at, true) : OVERFLOW_PLACE_BYTES;
    return even(NODE_HEADER_BYTES + keyBytes + dataBytes);
  }

  /** From the node `first` on, keys ascend and lie within the bounds. */
  #checkOrder(page: Page, first: number, bounds: Bounds, free: boolean): void {
    let previous = bounds.from;
    let mayEqual = true;
    for (let index = first; index < page.nodes; index++) {
      const key = keyAt(page, nodeAt(page, index));
      if (free) check(key.length === FREE_KEY_BYTES, "a key of the free list is not a transaction id");
      else check(key.length > 0, "a key is empty");
      if (previous !== undefined) {
        const order = compareKeys(previous, key, free);
        check(mayEqual ? order <= 0 : order < 0, "keys are out of order");
      }
      previous = key;
      mayEqual = false;
    }
    if (previous !== undefined && bounds.to !== undefined) {
      check(compareKeys(previous, bounds.to, free) < 0, "a key lies beyond its branch");
    }
  }

  /**
   * A record of the free list: the number of entries, then entries of 64 bits: a page, or a negative count before the
   * first page of a block, or zero. LMDB writes over free pages, so none of them may hold rows.
   */
  #checkFreeList(record: Uint8Array): void {
    check(record.length >= 8, "a record of the free list is too short");
    const view = viewOf(record);
    const entries = readU64(view, 0);
    check(8 + entries * 8 <= record.length, "a record of the free list is too long");
    let block = 1;
    for (let entry = 1; entry <= entries; entry++) {
      const value = Number(view.getBigInt64(entry * 8, true));
      if (value < 0) {
        block = -value;
        continue;
      }
      if (value > 0) this.#checkFree(value, block);
      block = 1;
    }
  }

  #checkFree(first: number, pages: number): void {
    check(first >= META_PAGES, "a meta page is listed as free");
    check(first + pages - 1 <= this.#meta.lastPage, "a free page is beyond the last page");
    for (let number = first; number < first + pages; number++) {
      check(!this.#reached.has(number), "a page in use is listed as free");
      check(!this.#free.has(number), "a page is listed as free twice");
      this.#free.add(number);
    }
  }
}

class PageSet {
  readonly #bits: Uint8Array;

  constructor(pages: number) {
    this.#bits = new Uint8Array(Math.ceil(pages / 8));
  }

  has(page: number): boolean {
    return (this.#bits[Math.floor(page / 8)]! & (1 << (page % 8))) !== 0;
  }

  add(page: number): void {
    this.#bits[Math.floor(page / 8)]! |= 1 << (page % 8);
  }
}

function check(holds: boolean, otherwise: string): void {
  if (!holds) throw new Damage(otherwise);
}

function nodeAt(page: Page, index: number): number {
  return PAGE_HEADER_BYTES + page.view.getUint16(PAGE_HEADER_BYTES + index * 2, true);
}

function keyAt(page: Page, at: number): Uint8Array {
  const start = at + NODE_HEADER_BYTES;
  return page.bytes.subarray(start, start + page.view.getUint16(at + 6, true));
}

function even(bytes: number): number {
  return (bytes + 1) & ~1;
}

function compareKeys(left: Uint8Array, right: Uint8Array, free: boolean): number {
  if (!free) return Buffer.compare(left, right);
  return readU64(viewOf(left), 0) - readU64(viewOf(right), 0);
}
