import assert from "node:assert/strict";
import type { Index, Indexes } from "../../env/index.ts";
import { compareBytes, text, utf8 } from "../../std/bytes.ts";
import { ByteReader } from "../../std/reader.ts";
import { type ByteSource, sourceFrom } from "../../std/source.ts";
import { ByteWriter } from "../../std/writer.ts";
import type { Capture, Entry, StateMachine } from "../state-machine.ts";

const APPLIED = utf8("applied");
const ROW = "row ";
const ROWS_END = utf8("row!");
const PAGE_ROWS = 7;

/** A machine on disk: each command is a row of an index, written together with how far it is. */
export class DiskMachine implements StateMachine<number> {
  readonly isDurable = true;
  appliedIndex: number;
  restores = 0;
  readonly #index: Index;
  #count: number;

  static async open(indexes: Indexes): Promise<DiskMachine> {
    const index = await indexes.open("machine");
    const applied = index.get(APPLIED);
    const { length } = rowsOf(index);
    return new DiskMachine(index, applied === undefined ? 0 : new ByteReader(applied).u64(), length);
  }

  private constructor(index: Index, appliedIndex: number, count: number) {
    this.#index = index;
    this.appliedIndex = appliedIndex;
    this.#count = count;
  }

  get seen(): readonly string[] {
    return rowsOf(this.#index);
  }

  apply(entries: readonly Entry[]): number[][] {
    return entries.map(({ index, commands }) => {
      assert.equal(index, this.appliedIndex + 1);
      const results = commands.map((_, at) => this.#count + at);
      const puts = commands.map((command, at) => ({ key: keyOf(this.#count + at), value: command.slice() }));
      this.#index.write({ puts: [...puts, { key: APPLIED, value: applied(index) }], deletes: [] });
      this.#count += commands.length;
      this.appliedIndex = index;
      return results;
    });
  }

  capture(): Capture {
    const snapshot = this.#index.snapshot();
    async function* pages(): AsyncGenerator<Uint8Array> {
      for (let from = utf8(ROW); ; ) {
        const rows = snapshot.scan({ from, to: ROWS_END, limit: PAGE_ROWS });
        const writer = new ByteWriter();
        for (const { value } of rows) writer.blob(value);
        yield writer.finish();
        if (rows.length < PAGE_ROWS) return;
        from = new Uint8Array([...rows.at(-1)!.key, 0]);
      }
    }
    return { read: () => sourceFrom(pages()), close: () => snapshot.close() };
  }

  async restore(source: ByteSource, index: number): Promise<void> {
    // Where it breaks off, the next start finds that it holds nothing.
    const old = this.#index.scan({ from: utf8(ROW), to: ROWS_END, limit: 1_000_000 }).map(({ key }) => key);
    this.appliedIndex = 0;
    this.#index.write({ puts: [{ key: APPLIED, value: applied(0) }], deletes: old });
    await this.#index.flush();
    this.#count = 0;
    const bytes: number[] = [];
    for (let chunk = await source.read(); chunk !== null; chunk = await source.read()) bytes.push(...chunk);
    const reader = new ByteReader(Uint8Array.from(bytes));
    const puts = [];
    while (reader.remaining > 0) puts.push({ key: keyOf(this.#count++), value: reader.blob() });
    this.#index.write({ puts: [...puts, { key: APPLIED, value: applied(index) }], deletes: [] });
    await this.#index.flush();
    this.appliedIndex = index;
    this.restores++;
  }

  /** What is applied now survives a crash once this resolves with it. */
  async keep(): Promise<number> {
    const index = this.appliedIndex;
    await this.#index.flush();
    return index;
  }
}

function rowsOf(index: Index): readonly string[] {
  const rows = [...index.scan({ from: utf8(ROW), to: ROWS_END, limit: 1_000_000 })];
  return rows.sort((left, right) => compareBytes(left.key, right.key)).map(({ value }) => text(value));
}

function keyOf(number: number): Uint8Array {
  return utf8(`${ROW}${String(number).padStart(8, "0")}`);
}

function applied(index: number): Uint8Array {
  return new ByteWriter(8).u64(index).finish();
}
