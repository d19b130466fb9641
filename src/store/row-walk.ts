// Walks a range of the Index row by row. The Index limits a scan by rows only, and a row may hold a quarter of a
// megabyte: so the walk reads in chunks that it sizes by what it has seen, and never holds more than a few megabytes.

import type { IndexRange, IndexRow } from "../env/index.ts";
import { type IndexBounds, successor } from "./key-codec.ts";

export interface RowSource {
  scan(range: IndexRange): IndexRow[];
}

export interface WalkOptions {
  /** Where left out, from the first row to the last. */
  readonly bounds?: IndexBounds;
  readonly reverse?: boolean;
  /** The caller asks for no more rows than this, so that no more are read. */
  readonly rowsMax?: number;
}

const CHUNK_ROWS_FIRST = 16;
const CHUNK_ROWS_MAX = 64;
const CHUNK_BYTES = 65_536;

export class RowWalk {
  readonly #reverse: boolean;
  #source: RowSource;
  #from: Uint8Array;
  #to: Uint8Array | undefined;
  #chunk: readonly IndexRow[] = [];
  #at = 0;
  #chunkRows = CHUNK_ROWS_FIRST;
  #rowsLeft: number;

  constructor(source: RowSource, { bounds, reverse = false, rowsMax = Number.MAX_SAFE_INTEGER }: WalkOptions = {}) {
    this.#source = source;
    this.#from = bounds?.from ?? new Uint8Array(0);
    this.#to = bounds?.to;
    this.#reverse = reverse;
    this.#rowsLeft = rowsMax;
  }

  /** Goes on in a snapshot of the same state. */
  moveTo(source: RowSource): void {
    this.#source = source;
  }

  next(): IndexRow | undefined {
    if (this.#at === this.#chunk.length && !this.#fill()) return undefined;
    return this.#chunk[this.#at++]!;
  }

  /** False at the end of the range. */
  #fill(): boolean {
    const limit = Math.min(this.#chunkRows, this.#rowsLeft);
    if (limit === 0) return false;
    const rows = this.#source.scan({ from: this.#from, to: this.#to, limit, reverse: this.#reverse });
    this.#chunk = rows;
    this.#at = 0;
    this.#rowsLeft = rows.length < limit ? 0 : this.#rowsLeft - rows.length;
    if (rows.length === 0) return false;
    const last = rows.at(-1)!.key;
    if (this.#reverse) this.#to = last;
    else this.#from = successor(last);
    let bytes = 0;
    for (const { key, value } of rows) bytes += key.length + value.length;
    this.#chunkRows = Math.min(CHUNK_ROWS_MAX, Math.max(1, Math.floor((CHUNK_BYTES * rows.length) / bytes)));
    return true;
  }
}
