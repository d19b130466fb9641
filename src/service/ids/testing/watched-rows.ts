import { utf8 } from "../../../std/bytes.ts";
import { type Commit, type CommitResult, type Row, TABLES } from "../../../store/index.ts";
import { MemoryRows } from "../../../testing/memory-store.ts";
import { decodeTag, decodeWorker, type TagRecord, workerOf } from "../records.ts";

/** What the Store of a simulation has been told, whatever the processes make of it. */
export class WatchedRows extends MemoryRows {
  /** By worker number: the latest end of a window that was ever committed. */
  readonly windowEnds: number[] = [];
  /** By worker number: the latest time of an id that was made, as the simulation has seen it. */
  readonly usedMillis: number[] = [];
  /** Rows that let a next holder begin among the ids of the one before. */
  endsTooEarly = 0;
  /** Changes of holders. */
  takeovers = 0;
  /** By tag: incarnations with their first number, in order. */
  readonly incarnations: Map<string, Incarnation[]> = new Map();
  /** Blocks that were smaller than the step in their row. */
  blocksTooSmall = 0;
  readonly #nowMillis: () => number;
  readonly #readers = new Map<number, (row: Row, before: Row | undefined) => void>([
    [TABLES.idWorker, (row, before) => this.#sawWorker(row, before)],
    [TABLES.idTag, (row, before) => this.#sawTag(row, before)],
  ]);

  constructor(nowMillis: () => number) {
    super();
    this.#nowMillis = nowMillis;
  }

  override commit(commit: Commit): CommitResult {
    const puts = (commit.puts ?? []).filter(({ table }) => this.#readers.has(table));
    const before = puts.map((put) => this.get(put));
    const result = super.commit(commit);
    if (result.committed)
      for (const [at, put] of puts.entries()) this.#readers.get(put.table)!(this.get(put)!, before[at]);
    return result;
  }

  tag(name: string): TagRecord | undefined {
    const row = this.get({ table: TABLES.idTag, key: utf8(name) });
    return row && decodeTag(row);
  }

  /** Which incarnation of the tag a number belongs to. */
  incarnationOf(tag: string, number: bigint): Incarnation | undefined {
    return this.incarnations.get(tag)?.findLast(({ first }) => first <= number);
  }

  /** When an incarnation of the tag was removed for the first time since. */
  firstRemoval(tag: string, sinceMillis: number): number {
    const times = this.incarnations.get(tag)!.map(({ removedMillis }) => removedMillis ?? -1);
    return Math.min(...times.filter((millis) => millis >= sinceMillis));
  }

  /** The rows as they are now, for a Store that is restored from them later. */
  copy(): readonly Row[] {
    return [TABLES.idGenerator, TABLES.idWorker, TABLES.idTag, TABLES.idCount].flatMap((table) => this.rowsOf(table));
  }

  /** A Store that has these rows, and remembers what was seen so far. */
  static restored(rows: readonly Row[], from: WatchedRows): WatchedRows {
    const restored = new WatchedRows(from.#nowMillis);
    for (const { table, key, suffix, value } of rows) restored.commit({ puts: [{ table, key, suffix, value }] });
    for (const [worker, end] of from.windowEnds.entries())
      restored.windowEnds[worker] = Math.max(end ?? 0, restored.windowEnds[worker] ?? 0);
    restored.takeovers = from.takeovers;
    restored.blocksTooSmall = from.blocksTooSmall;
    return restored;
  }

  #sawWorker(row: Row, before: Row | undefined): void {
    const worker = workerOf(row);
    const { reservedUntilMillis, generation } = decodeWorker(row);
    this.windowEnds[worker] = Math.max(this.windowEnds[worker] ?? 0, reservedUntilMillis);
    if (reservedUntilMillis <= (this.usedMillis[worker] ?? 0)) this.endsTooEarly++;
    if (before !== undefined && decodeWorker(before).generation !== generation) this.takeovers++;
  }

  #sawTag(row: Row, before: Row | undefined): void {
    const name = new TextDecoder().decode(row.key);
    const tag = decodeTag(row);
    const old = before && decodeTag(before);
    const known = this.incarnations.get(name) ?? [];
    this.incarnations.set(name, known);
    if (old?.incarnation !== tag.incarnation) known.push({ first: tag.nextNumber, removedMillis: undefined });
    else if (tag.nextNumber > old.nextNumber && tag.order === "node" && tag.updatedMillis === old.updatedMillis) {
      if (tag.nextNumber - old.nextNumber < BigInt(old.step)) this.blocksTooSmall++;
    }
    if (tag.isRemoved) known.at(-1)!.removedMillis ??= this.#nowMillis();
  }
}

export interface Incarnation {
  readonly first: bigint;
  /** True time. */
  removedMillis: number | undefined;
}
