import { equal, ok, rejects } from "node:assert/strict";
import { copyFile, mkdir, readFile, rename, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { temporaryFolder } from "../conformance/temporary-folder.ts";
import { LmdbIndexes } from "./lmdb-indexes.ts";
import { type Meta, PAGE_KINDS, PAGE_LEAF, readMeta, viewOf } from "./lmdb-layout.ts";
import { currentBootId, DATA_FILE, type IndexState, LOCK_FILE, statData, writeState } from "./lmdb-state.ts";

const ROWS = 1_200;

/** An index with branch, leaf, overflow and free pages, closed; its files can be damaged and put back in place. */
class Subject implements AsyncDisposable {
  readonly indexes: LmdbIndexes;
  readonly folder: string;
  readonly data: string;
  readonly pristine: Uint8Array;
  readonly #root: AsyncDisposable;

  private constructor(root: AsyncDisposable & { readonly path: string }, pristine: Uint8Array) {
    this.#root = root;
    this.indexes = new LmdbIndexes(root.path);
    this.folder = join(root.path, "index");
    this.data = join(this.folder, DATA_FILE);
    this.pristine = pristine;
  }

  static async make(): Promise<Subject> {
    const root = await temporaryFolder();
    const index = await new LmdbIndexes(root.path).open("index");
    for (let at = 0; at < ROWS; at += 100) {
      const puts = Array.from({ length: 100 }, (_, next) => ({
        key: utf8(`row ${at + next}`),
        value: new Uint8Array((at + next) % 50 === 0 ? 9_000 : 40).fill(at),
      }));
      index.write({ puts, deletes: [] });
    }
    index.write({ puts: [], deletes: Array.from({ length: 100 }, (_, at) => utf8(`row ${at * 7}`)) });
    await index.close();
    const data = await readFile(join(root.path, "index", DATA_FILE));
    // Without the room behind the last page, which means nothing.
    const { lastPage, pageBytes } = readMeta({
      length: data.length,
      read: (at, length) => data.subarray(at, at + length),
    })!;
    return new Subject(root, data.subarray(0, (lastPage + 1) * pageBytes));
  }

  /** Writes the data in place, so that the inode stays, and says that a process of this boot left it open or closed. */
  async leave(state: "open" | "closed", data: Uint8Array, overrides: Partial<IndexState> = {}): Promise<void> {
    await writeFile(this.data, data);
    const found = (await statData(this.folder))!;
    await writeState(this.folder, { state, bootId: await currentBootId(), ...found, ...overrides });
  }

  async countRows(): Promise<number> {
    const index = await this.indexes.open("index");
    const rows = index.scan({ limit: 10_000 }).length;
    await index.close();
    return rows;
  }

  /** Twice: a refusal changes nothing. Then the owner removes it and starts anew. */
  async isRefused(): Promise<void> {
    await rejects(this.indexes.open("index"), isDamaged);
    await rejects(this.indexes.open("index"), isDamaged);
    await this.indexes.remove("index");
    equal(await this.countRows(), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#root[Symbol.asyncDispose]();
  }
}

const isDamaged = (error: unknown): boolean => hasCode(error, "INDEX_DAMAGED");

describe("trust in an index's files", () => {
  test("closed cleanly: trusted, also as a restored copy with new times", async () => {
    await using subject = await Subject.make();
    equal(await subject.countRows(), ROWS - 100);
    await utimes(subject.data, 1, 1);
    equal(await subject.countRows(), ROWS - 100);
    await copyFile(subject.data, `${subject.data}.copy`);
    await rename(`${subject.data}.copy`, subject.data);
    equal(await subject.countRows(), ROWS - 100);
  });

  test("left open in this boot: trusted after the walk; of another boot or none: damaged", async () => {
    await using subject = await Subject.make();
    await subject.leave("open", subject.pristine);
    equal(await subject.countRows(), ROWS - 100);
    for (const bootId of ["another", ""]) {
      await subject.leave("open", subject.pristine, { bootId });
      await subject.isRefused();
    }
  });

  test("a leaf that has lost rows in a file that seems untouched is told by the count of rows", async () => {
    await using subject = await Subject.make();
    const data = subject.pristine.slice();
    const view = viewOf(data);
    const { pageBytes, lastPage } = readMeta({
      length: data.length,
      read: (at, length) => data.subarray(at, at + length),
    })!;
    let told = 0;
    for (let page = 2; page <= lastPage; page++) {
      const lowerAt = page * pageBytes + 20;
      const lower = view.getUint16(lowerAt, true);
      if ((view.getUint16(lowerAt - 2, true) & PAGE_KINDS) !== PAGE_LEAF || lower < 4) continue;
      view.setUint16(lowerAt, lower - 2, true);
      await subject.leave("closed", data);
      view.setUint16(lowerAt, lower, true);
      const index = await subject.indexes.open("index");
      const snapshot = index.snapshot();
      equal(snapshot.rowCount, ROWS - 100);
      if (snapshot.scan({ limit: 10_000 }).length < snapshot.rowCount) told++;
      await index.close();
    }
    ok(told > 10, `${told} leaves`);
  });

  test("data that can not be read is damage, not a failure of every start", async () => {
    await using subject = await Subject.make();
    await rm(subject.data);
    // A folder can be found and opened, and every read of it fails.
    await mkdir(subject.data);
    const found = (await statData(subject.folder))!;
    for (const state of ["open", "closed"] as const) {
      await writeState(subject.folder, { state, bootId: await currentBootId(), ...found });
      await rejects(subject.indexes.open("index"), isDamaged);
    }
    await subject.isRefused();
  });

  test("a copy of an open index is damaged: its pages are not from one moment", async () => {
    await using subject = await Subject.make();
    await subject.leave("open", subject.pristine);
    await copyFile(subject.data, `${subject.data}.copy`);
    await rename(`${subject.data}.copy`, subject.data);
    await subject.isRefused();
  });

  test("a missing, unreadable or newer state file and a missing data file are damage", async () => {
    await using subject = await Subject.make();
    const state = join(subject.folder, "state.json");
    const harms = [
      () => rm(state),
      () => writeFile(state, "{"),
      () => writeFile(state, "[]"),
      () => writeFile(state, '{"format":2,"state":"closed"}'),
      () => rm(subject.data),
      () => truncate(subject.data, 0),
    ];
    for (const harm of harms) {
      await subject.leave("closed", subject.pristine);
      await harm();
      await subject.isRefused();
    }
  });

  test("a lock file that a dead process left cut off does no harm", async () => {
    await using subject = await Subject.make();
    await writeFile(join(subject.folder, LOCK_FILE), "cut");
    equal(await subject.countRows(), ROWS - 100);
  });

  test("a file cut off anywhere is damage, however it was left", async () => {
    await using subject = await Subject.make();
    const { length } = subject.pristine;
    for (const bytes of [0, 1, 100, 4_096, 8_192, 8_193, Math.floor(length / 2), length - 4_096, length - 1]) {
      for (const state of ["open", "closed"] as const) {
        await subject.leave(state, subject.pristine.subarray(0, bytes));
        await subject.isRefused();
      }
    }
  });

  test("a flipped bit in a meta, branch, leaf or overflow page is damage", async () => {
    await using subject = await Subject.make();
    for (const [what, position] of flips(subject.pristine)) {
      const data = subject.pristine.slice();
      data[position]! ^= 0x10;
      await subject.leave("open", data);
      await rejects(subject.indexes.open("index"), isDamaged, what);
      await subject.leave("closed", data, { modifiedNanos: "0" });
      await rejects(subject.indexes.open("index"), isDamaged, what);
    }
  });
});

/** One byte of each kind that LMDB follows without a check. */
function flips(data: Uint8Array): [string, number][] {
  const pages = { length: data.length, read: (at: number, length: number) => data.subarray(at, at + length) };
  const meta = readMeta(pages) as Meta;
  const current = (meta.transaction & 1) * meta.pageBytes;
  const root = meta.rows.root! * meta.pageBytes;
  const view = viewOf(data);
  const firstNode = root + 24 + view.getUint16(root + 24, true);
  const leaf = view.getUint32(firstNode, true) * meta.pageBytes;
  const leafNode = leaf + 24 + view.getUint16(leaf + 24, true);
  const free = meta.free.root! * meta.pageBytes;
  const overflow = findPage(data, meta, 0x04);
  return [
    ["the magic number of the first meta page", 24],
    ["the version of the second meta page", meta.pageBytes + 28],
    ["the root", current + 24 + 72 + 40],
    ["the depth", current + 24 + 72 + 6],
    ["the number of rows", current + 24 + 72 + 32],
    ["the last page", current + 24 + 122],
    ["a branch page's number", root],
    ["a branch page's kind", root + 18],
    ["a branch page's list length", root + 20],
    ["a branch page's free space", root + 22],
    ["a branch page's first node", root + 24],
    ["a child's number", firstNode],
    ["a child's number, high bits", firstNode + 4],
    ["a leaf page's kind", leaf + 18],
    ["a leaf page's list length", leaf + 20],
    ["a leaf page's first node", leaf + 25],
    ["a row's value length", leafNode],
    ["a row's flags", leafNode + 4],
    ["a row's key length", leafNode + 6],
    ["an overflow page's number", overflow],
    ["an overflow page's length", overflow + 20],
    ["the free list's kind of page", free + 18],
  ];
}

/** Where the last page of the kind starts; free pages keep their old headers, and the last one is in use. */
function findPage(data: Uint8Array, meta: Meta, kind: number): number {
  const view = viewOf(data);
  for (let page = meta.lastPage; page > 1; page--) {
    const at = page * meta.pageBytes;
    if (view.getUint16(at + 18, true) === kind && view.getUint32(at, true) === page) return at;
  }
  return 0;
}
