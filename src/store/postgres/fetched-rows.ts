// The rows that a batch of commands turns out to need, as an Index for the machine's rules, which know no waiting. What is
// not here yet is noted and read as absent; then the batch is fetched for and judged again from its beginning, until
// nothing is missing any more.

import type { Index, IndexChanges, IndexRange, IndexRow, IndexSnapshot } from "../../env/index.ts";
import { unreachable } from "../../std/assert.ts";

export interface WantedScan {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly limit: number;
}

export class FetchedRows implements Index {
  readonly #rows = new Map<string, Uint8Array | undefined>();
  readonly #scans = new Map<string, readonly IndexRow[]>();
  #wantedRows = new Map<string, Uint8Array>();
  #wantedScans: WantedScan[] = [];

  get wantsMore(): boolean {
    return this.#wantedRows.size > 0 || this.#wantedScans.length > 0;
  }

  /** What was looked for and is not here; asking forgets it. */
  takeWanted(): { readonly keys: readonly Uint8Array[]; readonly scans: readonly WantedScan[] } {
    const wanted = { keys: [...this.#wantedRows.values()], scans: this.#wantedScans };
    this.#wantedRows = new Map();
    this.#wantedScans = [];
    return wanted;
  }

  want(key: Uint8Array): void {
    const name = nameOf(key);
    if (!this.#rows.has(name)) this.#wantedRows.set(name, key);
  }

  /** What was asked for and is not among the rows is absent. */
  add(asked: readonly Uint8Array[], rows: readonly IndexRow[]): void {
    for (const key of asked) this.#rows.set(nameOf(key), undefined);
    for (const { key, value } of rows) this.#rows.set(nameOf(key), value);
  }

  addScan(scan: WantedScan, rows: readonly IndexRow[]): void {
    this.#scans.set(nameOfScan(scan), rows);
    this.add([], rows);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.want(key);
    return this.#rows.get(nameOf(key));
  }

  scan({ from = NOTHING, to = NOTHING, limit }: IndexRange): IndexRow[] {
    const scan = { from, to, limit };
    const found = this.#scans.get(nameOfScan(scan));
    if (found === undefined) this.#wantedScans.push(scan);
    return [...(found ?? [])];
  }

  /** The batch's changes go to the database as a whole, not here. */
  write(_: IndexChanges): never {
    return unreachable(undefined as never);
  }

  snapshot(): IndexSnapshot {
    return unreachable(undefined as never);
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {}
}

const NOTHING: Uint8Array = new Uint8Array(0);

/** One letter a byte: keys are short, and a map finds texts. */
function nameOf(key: Uint8Array): string {
  return String.fromCharCode(...key);
}

function nameOfScan({ from, to, limit }: WantedScan): string {
  return `${limit} ${from.length} ${nameOf(from)}${nameOf(to)}`;
}
