import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import type { Disk, DiskFile } from "../env.ts";
import type { EnvErrorCode } from "../errors.ts";
import { type Case, registerCases, type Test } from "./case.ts";

export interface DiskFixture extends AsyncDisposable {
  readonly disk: Disk;
  /** The same files for another process. */
  readonly otherDisk: Disk;
}

export function diskConformance(test: Test, make: () => Promise<DiskFixture>): void {
  registerCases(test, [...FILE_CASES, ...NAME_CASES, ...LOCK_CASES], make);
}

const FILE_CASES: readonly Case<DiskFixture>[] = [
  {
    name: "what was written is read back, at any position and across chunks",
    run: withFile(async (file) => {
      await file.write(0, [utf8("hello "), new Uint8Array(0), utf8("world")]);
      await file.write(6, [utf8("W")]);
      equal(await readText(file, 0, 100), "hello World");
      equal(await readText(file, 4, 3), "o W");
      equal(await readText(file, 11, 5), "");
      equal(await readText(file, 1_000, 5), "");
      equal(await readText(file, 0, 0), "");
      equal(await file.length(), 11);
      await file.write(3, []);
      equal(await file.length(), 11);
    }),
  },
  {
    name: "a write behind the end leaves zeros before it",
    run: withFile(async (file) => {
      await file.write(10_000, [utf8("end")]);
      equal(await file.length(), 10_003);
      const bytes = await file.read(0, 20_000);
      equal(bytes.length, 10_003);
      ok(bytes.subarray(0, 10_000).every((byte) => byte === 0));
    }),
  },
  {
    name: "a file is cut and extended, and what is added reads as zeros",
    run: withFile(async (file) => {
      await file.write(0, [new Uint8Array(9_000).fill(7)]);
      await file.setLength(5_000);
      equal(await file.length(), 5_000);
      await file.setLength(9_500);
      const bytes = await file.read(0, 10_000);
      equal(bytes.length, 9_500);
      ok(bytes.subarray(0, 5_000).every((byte) => byte === 7));
      ok(bytes.subarray(5_000).every((byte) => byte === 0));
      await file.setLength(0);
      equal((await file.read(0, 10)).length, 0);
    }),
  },
  {
    name: "thousands of chunks go out in one write, and a large file takes them at any place",
    run: withFile(async (file) => {
      const chunks = Array.from({ length: 3_000 }, (_, at) => Uint8Array.of(at & 0xff, (at >> 8) & 0xff));
      const position = 3 * 2 ** 32 + 7;
      await file.write(position, chunks);
      const bytes = await file.read(position, 6_000);
      equal(bytes.length, 6_000);
      for (let at = 0; at < 3_000; at++) equal(bytes[at * 2]! + bytes[at * 2 + 1]! * 256, at);
      equal(await file.length(), position + 6_000);
    }),
  },
  {
    name: "the reader owns what it read",
    run: withFile(async (file) => {
      await file.write(0, [new Uint8Array(100).fill(1)]);
      const first = await file.read(0, 100);
      equal(Object.getPrototypeOf(first), Uint8Array.prototype);
      first.fill(9);
      const second = await file.read(0, 100);
      ok(second.every((byte) => byte === 1));
    }),
  },
  {
    name: "bytes are read into memory that the reader gives",
    run: withFile(async (file) => {
      await file.write(0, [new Uint8Array(100).fill(1)]);
      const memory = new Uint8Array(80).fill(9);
      const whole = await file.read(50, 40, memory);
      deepEqual([whole.buffer === memory.buffer, whole.byteOffset, whole.length], [true, 0, 40]);
      deepEqual(memory, new Uint8Array(80).fill(1, 0, 40).fill(9, 40));
      equal((await file.read(90, 80, memory)).length, 10);
      equal((await file.read(0, 80, memory)).length, 80);
      await rejects(async () => file.read(0, 81, memory), { name: "AssertionError" });
    }),
  },
  {
    name: "operations on one file overlap; closing waits for them, and a closed file is not used",
    run: async ({ disk }) => {
      const file = await disk.open("file", "create");
      const writes = Array.from({ length: 50 }, (_, at) => file.write(at * 100, [new Uint8Array(100).fill(at)]));
      const sync = file.sync();
      let isClosed = false;
      const closing = file.close().then(() => {
        isClosed = true;
      });
      await Promise.all([...writes.map((write) => write.then(() => ok(!isClosed))), sync]);
      await closing;
      await rejects(async () => file.read(0, 1), { name: "AssertionError" });
      await file.close();
      const again = await disk.open("file", "read");
      const bytes = await again.read(0, 10_000);
      for (let at = 0; at < 5_000; at++) equal(bytes[at], Math.floor(at / 100));
      await again.close();
    },
  },
  {
    name: "random writes, cuts and extensions agree with an array",
    run: withFile(async (file) => {
      const random = new Prng(3);
      let model = new Uint8Array(0);
      for (let step = 0; step < 300; step++) {
        const at = random.below(12_000);
        if (random.chance(0.15)) {
          await file.setLength(at);
          model = resized(model, at);
        } else {
          const bytes = random.bytes(1 + random.below(3_000));
          const cut = random.below(bytes.length);
          await file.write(at, [bytes.subarray(0, cut), bytes.subarray(cut)]);
          if (at + bytes.length > model.length) model = resized(model, at + bytes.length);
          model.set(bytes, at);
        }
        if (step % 20 === 0) await file.sync();
        const from = random.below(12_000);
        deepEqual(await file.read(from, 2_000), model.slice(from, from + 2_000));
      }
      equal(await file.length(), model.length);
    }),
  },
];

const NAME_CASES: readonly Case<DiskFixture>[] = [
  {
    name: "creating needs a free name in an existing folder; reading and writing need a file",
    run: async ({ disk }) => {
      await fails("FILE_MISSING", disk.open("a", "read"));
      await fails("FILE_MISSING", disk.open("a", "write"));
      await fails("FILE_MISSING", disk.open("folder/a", "create"));
      await (await disk.open("a", "create")).close();
      await fails("FILE_EXISTS", disk.open("a", "create"));
      const file = await disk.open("a", "write");
      await file.write(0, [utf8("x")]);
      await file.close();
      const reading = await disk.open("a", "read");
      equal(await readText(reading, 0, 10), "x");
      await rejects(async () => reading.write(0, [utf8("y")]), { name: "AssertionError" });
      await rejects(async () => reading.setLength(0), { name: "AssertionError" });
      await reading.close();
    },
  },
  {
    name: "folders are made with those above them, listed in order, and may be made again",
    run: async ({ disk }) => {
      deepEqual(await disk.list("a/b"), []);
      await disk.makeDirectory("a/b/c");
      await disk.makeDirectory("a/b");
      for (const name of ["a/b/2", "a/b/10", "a/b/1", "a/x"]) await (await disk.open(name, "create")).close();
      deepEqual(await disk.list("a/b"), ["1", "10", "2", "c"]);
      deepEqual(await disk.list("a"), ["b", "x"]);
      ok((await disk.list("")).includes("a"));
      await disk.syncDirectory("a/b");
      await disk.syncDirectory("");
      await fails("FILE_MISSING", disk.syncDirectory("nowhere"));
    },
  },
  {
    name: "a rename moves a file over folders and replaces what has the name",
    run: async ({ disk }) => {
      await disk.makeDirectory("folder");
      await writeText(disk, "a", "of a");
      await writeText(disk, "folder/b", "of b");
      await disk.rename("a", "folder/b");
      await fails("FILE_MISSING", disk.open("a", "read"));
      const file = await disk.open("folder/b", "read");
      equal(await readText(file, 0, 10), "of a");
      await file.close();
      await disk.rename("folder/b", "folder/b");
      deepEqual(await disk.list("folder"), ["b"]);
      await fails("FILE_MISSING", disk.rename("a", "c"));
      await fails("FILE_MISSING", disk.rename("folder/b", "nowhere/b"));
      deepEqual(await disk.list("folder"), ["b"]);
    },
  },
  {
    name: "a removed file is gone by name but still there for who has it open",
    run: async ({ disk }) => {
      await writeText(disk, "a", "old");
      const open = await disk.open("a", "read");
      await disk.remove("a");
      await fails("FILE_MISSING", disk.remove("a"));
      await writeText(disk, "a", "new");
      equal(await readText(open, 0, 10), "old");
      await open.close();
      const file = await disk.open("a", "read");
      equal(await readText(file, 0, 10), "new");
      await file.close();
    },
  },
  {
    name: "names stay inside the root",
    run: async ({ disk }) => {
      for (const name of [
        "",
        "/a",
        "../a",
        "a/../b",
        "a//b",
        "a/",
        ".",
        "a/./b",
        "a\0b",
        "a\\b",
        "c:b",
        "x".repeat(256),
      ]) {
        await rejects(async () => disk.open(name, "create"), { name: "AssertionError" }, name);
        await rejects(async () => disk.remove(name), { name: "AssertionError" }, name);
        await rejects(async () => disk.rename("a", name), { name: "AssertionError" }, name);
        await rejects(async () => disk.makeDirectory(name), { name: "AssertionError" }, name);
      }
      await writeText(disk, "..a", "fine");
      await writeText(disk, "größe and space", "fine");
    },
  },
  {
    name: "there is some space, and not more of it than in all",
    run: async ({ disk }) => {
      const { bytesFree, bytesTotal } = await disk.space();
      ok(bytesFree > 0);
      ok(bytesFree <= bytesTotal);
    },
  },
];

const LOCK_CASES: readonly Case<DiskFixture>[] = [
  {
    name: "one process at a time holds the lock, and gives it back",
    run: async ({ disk, otherDisk }) => {
      {
        await using _held = await disk.lock();
        await fails("DISK_LOCKED", otherDisk.lock());
        await fails("DISK_LOCKED", disk.lock());
      }
      const held = await otherDisk.lock();
      await fails("DISK_LOCKED", disk.lock());
      await held[Symbol.asyncDispose]();
      await held[Symbol.asyncDispose]();
      await (await disk.lock())[Symbol.asyncDispose]();
    },
  },
];

function withFile(run: (file: DiskFile) => Promise<void>): (fixture: DiskFixture) => Promise<void> {
  return async ({ disk }) => {
    const file = await disk.open("file", "create");
    await run(file);
    await file.close();
  };
}

async function fails(code: EnvErrorCode, promise: Promise<unknown>): Promise<void> {
  await rejects(promise, (error) => hasCode(error, code));
}

async function readText(file: DiskFile, position: number, length: number): Promise<string> {
  return new TextDecoder().decode(await file.read(position, length));
}

async function writeText(disk: Disk, name: string, text: string): Promise<void> {
  const file = await disk.open(name, "create");
  await file.write(0, [utf8(text)]);
  await file.close();
}

function resized(bytes: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(length);
  out.set(bytes.subarray(0, length));
  return out;
}
