import type { Index, IndexChanges, IndexRange, IndexRow, IndexSnapshot } from "../../env/index.ts";
import { compareBytes, equalBytes } from "../../std/bytes.ts";

/** A handful of rows in a sorted list: for tests that make thousands of indexes. */
export class ListIndex implements Index {
  #rows: readonly IndexRow[] = [];

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#rows.find((row) => equalBytes(row.key, key))?.value;
  }

  scan({ from, to, limit, reverse = false }: IndexRange): IndexRow[] {
    const inside = this.#rows.filter(
      ({ key }) => (!from || compareBytes(key, from) >= 0) && (!to || compareBytes(key, to) < 0),
    );
    return (reverse ? inside.reverse() : inside).slice(0, limit);
  }

  write({ puts, deletes }: IndexChanges): void {
    const changed = [...puts.map(({ key }) => key), ...deletes];
    const kept = this.#rows.filter(({ key }) => !changed.some((other) => equalBytes(key, other)));
    this.#rows = [...kept, ...puts].sort((left, right) => compareBytes(left.key, right.key));
  }

  snapshot(): IndexSnapshot {
    const frozen = new ListIndex();
    frozen.#rows = this.#rows;
    return { rowCount: frozen.#rows.length, scan: (range) => frozen.scan(range), close: () => {} };
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {}
}
