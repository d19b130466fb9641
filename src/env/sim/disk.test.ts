import { deepEqual, equal, notEqual, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { diskConformance } from "../conformance/disk-suite.ts";
import type { Disk, DiskFile } from "../env.ts";
import { SimDisk } from "./disk.ts";
import type { SimDiskOptions } from "./disk-options.ts";
import { SimProcess } from "./process.ts";
import { SimScheduler } from "./scheduler.ts";

const SEEDS = 80;

describe("SimDisk without faults, as memory mode has it", () => {
  diskConformance(test, async () => {
    const disk = new SimDisk();
    return { disk: disk.mount(), otherDisk: disk.mount(), async [Symbol.asyncDispose]() {} };
  });
});

describe("SimDisk that could be crashed", () => {
  diskConformance(test, async () => {
    const disk = new SimDisk({}, new Prng(1));
    return { disk: disk.mount(), otherDisk: disk.mount(), async [Symbol.asyncDispose]() {} };
  });
});

describe("a crash of SimDisk", () => {
  test("keeps, loses and garbles what was not synced, sector by sector, and never touches what was", async () => {
    const fates = new Set<string>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const disk = new SimDisk({}, new Prng(seed));
      const file = await syncedFile(disk, new Uint8Array(4_096).fill(1));
      await file.write(1_024, [new Uint8Array(2_048).fill(2)]);
      disk.crash();
      const bytes = await readAll(disk);
      ok(bytes.subarray(0, 1_024).every((byte) => byte === 1));
      ok(bytes.subarray(3_072).every((byte) => byte === 1));
      fates.add([2, 3, 4, 5].map((sector) => fateOf(bytes.subarray(sector * 512, sector * 512 + 512))).join(" "));
    }
    const all = [...fates].join(" ");
    for (const fate of ["kept", "lost", "garbled"]) ok(all.includes(fate), `no sector was ever ${fate}`);
    ok(fates.has("kept kept kept kept"));
    ok(fates.has("lost lost lost lost"));
    ok(fates.size > 8, "fates of sectors do not depend on each other");
  });

  test("spares synced bytes that share a sector with unsynced ones, unless told otherwise", async () => {
    for (const powersafeOverwrite of [true, false]) {
      let harmed = 0;
      for (let seed = 0; seed < SEEDS; seed++) {
        const disk = new SimDisk({ garbledChance: 0.6, powersafeOverwrite }, new Prng(seed));
        const file = await syncedFile(disk, new Uint8Array(100).fill(1));
        await file.write(100, [new Uint8Array(50).fill(2)]);
        await file.write(200, [new Uint8Array(50).fill(2)]);
        disk.crash();
        if (!(await readAll(disk)).subarray(0, 100).every((byte) => byte === 1)) harmed++;
      }
      equal(harmed > 0, !powersafeOverwrite);
    }
  });

  test("keeps or loses the length of a file that grew, and gives a cut file its synced bytes back or not", async () => {
    const grown = new Set<string>();
    const cut = new Set<number>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const disk = new SimDisk({}, new Prng(seed));
      const file = await syncedFile(disk, new Uint8Array(1_000).fill(1));
      await file.write(1_000, [new Uint8Array(3_000).fill(2)]);
      disk.crash();
      const { length } = await readAll(disk);
      grown.add(length === 1_000 ? "before" : length === 4_000 ? "after" : "between");

      const other = new SimDisk({}, new Prng(seed));
      const shorter = await syncedFile(other, new Uint8Array(3_000).fill(1));
      await shorter.setLength(700);
      other.crash();
      const bytes = await readAll(other);
      ok(
        bytes.every((byte) => byte === 1),
        "no byte of a cut file turns into another",
      );
      cut.add(bytes.length);
      const opened = await other.mount().open("file", "write");
      await opened.setLength(5_000);
      ok((await opened.read(bytes.length, 5_000)).every((byte) => byte === 0));
    }
    deepEqual([...grown].sort(), ["after", "before", "between"]);
    deepEqual([...cut].sort(), [3_000, 700]);
  });

  test("keeps or loses names: created, removed and renamed ones, and none that its folder's sync covered", async () => {
    const seen = { created: new Set<boolean>(), removed: new Set<boolean>(), renamed: new Set<string>() };
    for (let seed = 0; seed < SEEDS; seed++) {
      const disk = new SimDisk({}, new Prng(seed));
      const mounted = disk.mount();
      await mounted.makeDirectory("folder");
      for (const name of ["synced", "removed", "old"]) await touch(mounted, `folder/${name}`);
      await mounted.syncDirectory("folder");
      await touch(mounted, "folder/created");
      await mounted.remove("folder/removed");
      await mounted.rename("folder/old", "folder/new");
      disk.crash();
      const names = await disk.mount().list("folder");
      ok(names.includes("synced"));
      seen.created.add(names.includes("created"));
      seen.removed.add(names.includes("removed"));
      seen.renamed.add(names.filter((name) => name === "old" || name === "new").join(" "));
    }
    equal(seen.created.size, 2);
    equal(seen.removed.size, 2);
    deepEqual([...seen.renamed].sort(), ["new", "old"]);
  });

  test("never loses a file that was being renamed over folders or over another file", async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const disk = new SimDisk({}, new Prng(seed));
      const mounted = disk.mount();
      for (const folder of ["a", "b"]) {
        await mounted.makeDirectory(folder);
        await touch(mounted, `${folder}/file`, folder);
        await mounted.syncDirectory(folder);
      }
      await mounted.rename("a/file", "b/file");
      if (seed % 2 === 0) await mounted.syncDirectory("a");
      disk.crash();
      const after = disk.mount();
      const found = [];
      for (const folder of ["a", "b"]) {
        if ((await after.list(folder)).length > 0) found.push(`${folder}:${await readText(after, `${folder}/file`)}`);
      }
      seen.add(found.join(" "));
    }
    deepEqual([...seen].sort(), ["a:a b:a", "a:a b:b", "b:a"]);
  });

  test("leaves some sectors of writes on their way, and nothing of a dead process happens after it", async () => {
    const arrived = new Set<number>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const { disk, scheduler, process, mounted } = simulated(seed);
      const file = await scheduler.settle(mounted.open("file", "create"));
      await scheduler.settle(mounted.syncDirectory(""));
      const write = file.write(0, [new Uint8Array(512 * 8).fill(2)]);
      let isSettled = false;
      write.finally(() => {
        isSettled = true;
      });
      process.kill();
      disk.crash();
      const before = await readAll(disk);
      void file.write(0, [utf8("zombie")]);
      void mounted.open("zombie", "create");
      await scheduler.run();
      equal(isSettled, false);
      deepEqual(await readAll(disk), before);
      deepEqual(await disk.mount().list(""), ["file"]);
      arrived.add(before.filter((byte) => byte === 2).length / 512);
    }
    ok(arrived.size > 3, `writes on their way arrived in too few ways: ${[...arrived]}`);
  });

  test("of the process alone keeps every finished write, whose sync is still owed", async () => {
    const lost = new Set<boolean>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const disk = new SimDisk({}, new Prng(seed));
      const file = await syncedFile(disk, new Uint8Array(100));
      await file.write(0, [utf8("written")]);
      disk.abandon();
      equal(new TextDecoder().decode((await readAll(disk)).subarray(0, 7)), "written");
      disk.crash();
      lost.add(new TextDecoder().decode((await readAll(disk)).subarray(0, 7)) !== "written");
    }
    equal(lost.size, 2);
  });

  test("frees the lock", async () => {
    const disk = new SimDisk({}, new Prng(1));
    await disk.mount().lock();
    disk.crash();
    await disk.mount().lock();
    disk.abandon();
    await disk.mount().lock();
  });
});

describe("a sync of SimDisk", () => {
  test("covers what was written before it began, not what was written meanwhile", async () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const { disk, scheduler, process, mounted } = simulated(seed);
      const file = await scheduler.settle(mounted.open("file", "create"));
      await scheduler.settle(mounted.syncDirectory(""));
      await scheduler.settle(file.write(0, [new Uint8Array(1_024).fill(1)]));
      const sync = file.sync();
      const write = file.write(512, [new Uint8Array(1_024).fill(2)]);
      await scheduler.settle(Promise.all([sync, write]));
      process.kill();
      disk.crash();
      const bytes = await readAll(disk);
      ok(
        bytes.subarray(0, 512).every((byte) => byte === 1),
        "what the sync covered is there",
      );
      ok(bytes.length >= 1_024);
      outcomes.add(fateOf(bytes.subarray(512, 1_024)));
    }
    ok(outcomes.has("kept"), "what came meanwhile may be there");
    ok(outcomes.has("lost"), "what came meanwhile may be lost");
  });

  test("that fails leaves what it covered unsure for ever, even if a later sync succeeds", async () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const disk = new SimDisk({}, new Prng(seed));
      const file = await syncedFile(disk, new Uint8Array(1_024).fill(1));
      await file.write(0, [new Uint8Array(1_024).fill(2)]);
      disk.failNext("sync", "file");
      await rejects(file.sync(), (error) => hasCode(error, "DISK_FAILED"));
      await file.write(512, [new Uint8Array(512).fill(2)]);
      await file.sync();
      disk.crash();
      const bytes = await readAll(disk);
      equal(fateOf(bytes.subarray(512)), "kept", "what was written again and synced is there");
      outcomes.add(fateOf(bytes.subarray(0, 512)));
    }
    deepEqual([...outcomes].sort(), ["garbled", "kept", "lost"]);
  });

  test("of a folder that fails leaves its names unsure", async () => {
    const seen = new Set<number>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const disk = new SimDisk({}, new Prng(seed));
      const mounted = disk.mount();
      await touch(mounted, "file");
      disk.failNext("sync");
      await rejects(mounted.syncDirectory(""), (error) => hasCode(error, "DISK_FAILED"));
      disk.crash();
      seen.add((await disk.mount().list("")).length);
    }
    equal(seen.size, 2);
  });
});

describe("faults of SimDisk", () => {
  test("a full disk takes what fits, says so, and takes more once something is removed", async () => {
    const disk = new SimDisk({ bytesMax: 10 * 4_096 });
    const mounted = disk.mount();
    await touch(mounted, "other", "x".repeat(4_096 * 4));
    const file = await mounted.open("file", "create");
    await rejects(file.write(0, [new Uint8Array(7 * 4_096).fill(3)]), (error) => hasCode(error, "DISK_FULL"));
    equal(await file.length(), 6 * 4_096);
    deepEqual(await mounted.space(), { bytesFree: 0, bytesTotal: 10 * 4_096 });
    await file.write(0, [utf8("in place")]);
    await mounted.remove("other");
    equal((await mounted.space()).bytesFree, 4 * 4_096);
    await file.write(6 * 4_096, [new Uint8Array(4_096)]);
    await file.setLength(4_096);
    equal((await mounted.space()).bytesFree, 9 * 4_096);
    await file.setLength(4_096 * 1_000_000);
    equal((await mounted.space()).bytesFree, 9 * 4_096, "zeros take no space");
  });

  test("reads, writes and syncs fail by trigger and by chance; a failed write may leave some bytes", async () => {
    const disk = new SimDisk({}, new Prng(1));
    const file = await syncedFile(disk, new Uint8Array(1_000));
    disk.failNext("read", "another");
    disk.failNext("read", "file");
    disk.failNext("write");
    await rejects(file.read(0, 10), (error) => hasCode(error, "DISK_FAILED"));
    await file.read(0, 10);
    await rejects(file.write(0, [new Uint8Array(1_000).fill(1)]), (error) => hasCode(error, "DISK_FAILED"));
    const bytes = await file.read(0, 1_000);
    ok(bytes.some((byte) => byte === 1) && bytes.some((byte) => byte === 0));
    for (const operation of ["read", "write", "sync"] as const) {
      const failing = new SimDisk({ [`${operation}ErrorChance`]: 0.5 }, new Prng(2));
      const failures = await countFailures(failing, operation);
      ok(failures > 5 && failures < 35, `${failures} of 40`);
    }
  });

  test("a byte rots where it is told to, and by chance when it is read", async () => {
    const disk = new SimDisk({}, new Prng(1));
    const file = await syncedFile(disk, new Uint8Array(1_000));
    disk.rot("file", 500, 3);
    equal((await file.read(500, 1))[0], 8);
    equal((await file.read(0, 1_000)).filter((byte) => byte !== 0).length, 1);
    const rotting = new SimDisk({ rotChance: 0.5 }, new Prng(1));
    const other = await syncedFile(rotting, new Uint8Array(1_000));
    for (let read = 0; read < 20; read++) await other.read(0, 1_000);
    notEqual((await other.read(0, 1_000)).filter((byte) => byte !== 0).length, 0);
  });

  test("operations take virtual time, and slow ones take much", async () => {
    const usual = simulated(1);
    const file = await usual.scheduler.settle(usual.mounted.open("file", "create"));
    for (let at = 0; at < 20; at++) await usual.scheduler.settle(file.write(0, [utf8("x")]));
    ok(usual.scheduler.nowMillis < 20);
    const slow = simulated(1, { slowChance: 1, slowMillis: 1_000 });
    await slow.scheduler.settle(slow.mounted.open("file", "create"));
    ok(slow.scheduler.nowMillis > 5);
  });
});

function simulated(
  seed: number,
  options: Partial<SimDiskOptions> = {},
): { disk: SimDisk; scheduler: SimScheduler; process: SimProcess; mounted: Disk } {
  const scheduler = new SimScheduler();
  const process = new SimProcess(scheduler, "node");
  const disk = new SimDisk(options, new Prng(seed));
  return { disk, scheduler, process, mounted: disk.mount(process) };
}

/** A file "file" whose name and bytes are durable. */
async function syncedFile(disk: SimDisk, bytes: Uint8Array): Promise<DiskFile> {
  const mounted = disk.mount();
  const file = await mounted.open("file", "create");
  await file.write(0, [bytes]);
  await file.sync();
  await mounted.syncDirectory("");
  return file;
}

async function readAll(disk: SimDisk): Promise<Uint8Array> {
  const file = await disk.mount().open("file", "read");
  return file.read(0, 100_000);
}

async function readText(disk: Disk, name: string): Promise<string> {
  const file = await disk.open(name, "read");
  return new TextDecoder().decode(await file.read(0, 100_000));
}

/** Creates a file whose bytes are durable, its name is not. */
async function touch(disk: Disk, name: string, text = ""): Promise<void> {
  const file = await disk.open(name, "create");
  await file.write(0, [utf8(text)]);
  await file.sync();
  await file.close();
}

async function countFailures(disk: SimDisk, operation: "read" | "write" | "sync"): Promise<number> {
  const file = await disk.mount().open("file", "create");
  let failures = 0;
  for (let round = 0; round < 40; round++) {
    const done = { read: () => file.read(0, 1), write: () => file.write(0, [utf8("x")]), sync: () => file.sync() }[
      operation
    ]();
    await done.then(
      () => {},
      () => failures++,
    );
  }
  return failures;
}

/** A sector that held ones, or nothing, and was overwritten with twos. */
function fateOf(sector: Uint8Array): "kept" | "lost" | "garbled" {
  if (sector.every((byte) => byte === 2)) return "kept";
  return sector.every((byte) => byte === 1) ? "lost" : "garbled";
}
