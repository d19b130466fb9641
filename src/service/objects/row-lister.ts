import { compareBytes, prefixEnd } from "../../std/bytes.ts";
import type { Row, RowKey, Store } from "../../store/index.ts";
import { keyBound, keyOf } from "./keys.ts";

export interface ListScope {
  readonly bucketId: string;
  readonly prefix: string;
  readonly delimiter: string;
}

/** One step of a listing: a row, or a common prefix in place of all rows beneath it. `text` is the key or the prefix. */
export interface Listed {
  readonly text: string;
  readonly row: Row | undefined;
}

export type ListStart = { readonly from?: RowKey; readonly after?: RowKey };

const PAGE_ROWS = 1000;
/** Where a delimiter may skip most of what a page holds. */
const SKIP_PAGE_ROWS = 100;

/**
 * A range scan over a bucket's rows of one table, in the order of the keys' UTF-8 bytes. Rows beneath a common prefix that are in
 * the page are passed over, and where the page ends among them the scan jumps behind all of them: the cost follows what is
 * listed, not what lies beneath.
 */
export class RowLister {
  readonly #store: Store;
  readonly #table: number;
  readonly #scope: ListScope;
  readonly #to: RowKey;
  #next: ListStart;
  #lastPrefix: string | undefined;
  #queue: Listed[] = [];
  #taken = 0;

  constructor(store: Store, table: number, scope: ListScope, start: ListStart) {
    this.#store = store;
    this.#table = table;
    this.#scope = scope;
    const first = keyBound(scope.bucketId, scope.prefix);
    this.#to = { key: prefixEnd(first.key)! };
    const bound = start.from ?? start.after;
    this.#next = bound !== undefined && compareBytes(bound.key, first.key) > 0 ? start : { from: first };
  }

  /** The next step without taking it; call `fill` where it is undefined. */
  peek(): Listed | undefined {
    return this.#queue[this.#taken];
  }

  take(): Listed | undefined {
    return this.#queue[this.#taken++];
  }

  /** All rows below it have been read: those of the last key that was read are. */
  get readTo(): Uint8Array {
    return this.#next.from?.key ?? endOfKey(this.#next.after!.key);
  }

  /** Reads the next page, of the rows below `bound`; false where there is none left. Call it only when all steps are taken. */
  async fill(bound: Uint8Array = this.#to.key): Promise<boolean> {
    this.#queue = [];
    this.#taken = 0;
    while (this.#queue.length === 0) {
      const { key } = (this.#next.from ?? this.#next.after)!;
      if (compareBytes(key, bound) >= 0) return false;
      await this.#readPage(this.#next, bound);
    }
    return true;
  }

  async #readPage(start: ListStart, bound: Uint8Array): Promise<void> {
    const { bucketId, prefix, delimiter } = this.#scope;
    const limit = delimiter === "" ? PAGE_ROWS : SKIP_PAGE_ROWS;
    const { rows, more } = await this.#store.scan(this.#table, { ...start, to: { key: bound } }, { limit });
    let endsInPrefix: string | undefined;
    for (const row of rows) {
      const key = keyOf(row.key);
      const cut = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
      endsInPrefix = cut < 0 ? undefined : key.slice(0, cut + delimiter.length);
      if (endsInPrefix === undefined) this.#queue.push({ text: key, row });
      else if (endsInPrefix !== this.#lastPrefix) this.#queue.push({ text: endsInPrefix, row: undefined });
      this.#lastPrefix = endsInPrefix;
    }
    const last = rows.at(-1);
    if (!more || last === undefined) this.#next = { from: { key: bound } };
    else if (endsInPrefix === undefined) this.#next = { after: last };
    else this.#next = { from: { key: prefixEnd(keyBound(bucketId, endsInPrefix).key)! } };
  }
}

/** Where a listing goes on that has given all rows of the key already, or all of the common prefix. */
export function startBehind({ bucketId, prefix, delimiter }: ListScope, marker: string): ListStart {
  if (marker === "") return {};
  const { key } = keyBound(bucketId, marker);
  const cut = delimiter !== "" && marker.startsWith(prefix) ? marker.indexOf(delimiter, prefix.length) : -1;
  const isCommonPrefix = cut >= 0 && cut + delimiter.length === marker.length;
  if (isCommonPrefix) return { from: { key: prefixEnd(key)! } };
  return { from: { key: endOfKey(key) } };
}

/** Behind all rows of one key. */
function endOfKey(key: Uint8Array): Uint8Array {
  const behind = new Uint8Array(key.length + 1);
  behind.set(key);
  return behind;
}
