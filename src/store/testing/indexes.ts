import type { Index, IndexChanges, IndexRange, IndexRow, IndexSnapshot } from "../../env/index.ts";
import { SimIndexes } from "../../env/sim/index.ts";
import { toHex } from "../../std/bytes.ts";

export function newIndex(): Promise<Index> {
  return new SimIndexes().mount().open("store");
}

export async function indexOf(rows: readonly IndexRow[]): Promise<Index> {
  const index = await newIndex();
  index.write({ puts: rows, deletes: [] });
  return index;
}

export function allRows(index: Index): IndexRow[] {
  return index.scan({ limit: 1_000_000 });
}

/** Every row as one line, to compare two indexes byte by byte. */
export function dump(index: Index): string[] {
  return allRows(index).map(({ key, value }) => `${toHex(key)} ${toHex(value)}`);
}

/** Flips one bit in the value of a row. */
export function damageRow(index: Index, key: Uint8Array): void {
  const value = index.get(key)!;
  value[value.length - 1]! ^= 1;
  index.write({ puts: [{ key, value }], deletes: [] });
}

/** An Index that counts what is done to it, remembers its states, and refuses to write when it is told to. */
export class ObservedIndex implements Index {
  gets = 0;
  writes = 0;
  refusesWrites = false;
  /** The rows after each write: what a crash may leave. */
  readonly states: IndexRow[][] = [[]];
  readonly #index: Index;

  constructor(index: Index) {
    this.#index = index;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.gets++;
    return this.#index.get(key);
  }

  scan(range: IndexRange): IndexRow[] {
    return this.#index.scan(range);
  }

  write(changes: IndexChanges): void {
    if (this.refusesWrites) throw new RangeError("no room");
    this.writes++;
    this.#index.write(changes);
    this.states.push(allRows(this.#index));
  }

  snapshot(): IndexSnapshot {
    return this.#index.snapshot();
  }

  flush(): Promise<void> {
    return this.#index.flush();
  }

  close(): Promise<void> {
    return this.#index.close();
  }
}
