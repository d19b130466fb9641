// The file format of LMDB as lmdb-js 3.5 has it (data version 2, 64 bits, little-endian). Enough of it to judge a file
// without mapping it into memory, where a page that is not there would end the process.
//
//   page 0 and 1   meta pages: transaction N writes page N & 1, the larger transaction id is the current state
//   others         a tree of pages for the rows, a tree for the free pages, overflow pages, free pages
//
//   page header    0 page number u64 | 8 transaction id u64 | 16 pad u16 | 18 flags u16
//                  20 lower u16, 22 upper u16: where the free space is, counted from 24; or 20 overflow pages u32
//                  24 offsets of the nodes u16 ..., counted from 24; the nodes fill the end of the page without gaps
//   leaf node      0 data length u32 | 4 flags u16 | 6 key length u16 | 8 key | data, or where its overflow pages are
//   branch node    0 page number u48 | 6 key length u16 | 8 key (of the first node: ignored)
//   overflow place 0 page number u64 | 8 transaction id u64 | 16 number of pages u64

export const PAGE_HEADER_BYTES = 24;
export const NODE_HEADER_BYTES = 8;
export const OVERFLOW_PLACE_BYTES = 24;
export const META_PAGES = 2;

export const PAGE_BRANCH = 0x01;
export const PAGE_LEAF = 0x02;
export const PAGE_OVERFLOW = 0x04;
export const PAGE_META = 0x08;
/** The kinds of pages; other bits of the flags only have a meaning while a page is in memory. */
export const PAGE_KINDS = 0x6f;

export const NODE_OVERFLOW = 0x01;

const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const META_BYTES = PAGE_HEADER_BYTES + 144;
const NO_ROOT = 2 ** 64;

export interface Tree {
  readonly flags: number;
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  readonly entries: number;
  /** Undefined where the tree is empty. */
  readonly root: number | undefined;
}

export interface Meta {
  readonly pageBytes: number;
  readonly lastPage: number;
  readonly transaction: number;
  readonly free: Tree;
  readonly rows: Tree;
}

/** Reads synchronously; gives fewer bytes only at the end of the file. */
export interface PageSource {
  readonly length: number;
  read(position: number, length: number): Uint8Array;
}

/** The current state of the file, or undefined where its first two pages are not those of such a file. */
export function readMeta(source: PageSource): Meta | undefined {
  const first = parseMeta(source.read(0, META_BYTES));
  if (first === undefined) return undefined;
  const second = parseMeta(source.read(first.pageBytes, META_BYTES));
  if (second === undefined || second.pageBytes !== first.pageBytes) return undefined;
  return first.transaction >= second.transaction ? first : second;
}

export function coversLastPage(meta: Meta, fileBytes: number): boolean {
  return (meta.lastPage + 1) * meta.pageBytes <= fileBytes;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Numbers beyond 2^53 lose their low bits: none of them is a number that a sound file has. */
export function readU64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 0x1_0000_0000 + view.getUint32(at, true);
}

function parseMeta(bytes: Uint8Array): Meta | undefined {
  if (bytes.length < META_BYTES) return undefined;
  const view = viewOf(bytes);
  const at = PAGE_HEADER_BYTES;
  const pageBytes = view.getUint32(at + 24, true);
  const sound =
    (view.getUint16(18, true) & PAGE_META) !== 0 &&
    view.getUint32(at, true) === MAGIC &&
    view.getUint16(at + 4, true) === DATA_VERSION &&
    pageBytes >= 512 &&
    pageBytes <= 65_536 &&
    (pageBytes & (pageBytes - 1)) === 0;
  if (!sound) return undefined;
  return {
    pageBytes,
    lastPage: readU64(view, at + 120),
    transaction: readU64(view, at + 128),
    free: parseTree(view, at + 24),
    rows: parseTree(view, at + 72),
  };
}

function parseTree(view: DataView, at: number): Tree {
  const root = readU64(view, at + 40);
  return {
    flags: view.getUint16(at + 4, true),
    depth: view.getUint16(at + 6, true),
    branchPages: readU64(view, at + 8),
    leafPages: readU64(view, at + 16),
    overflowPages: readU64(view, at + 24),
    entries: readU64(view, at + 32),
    root: root === NO_ROOT ? undefined : root,
  };
}
