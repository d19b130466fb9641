import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Disk, envFailure } from "../env/index.ts";
import { SimDisk } from "../env/sim/disk.ts";
import { inspectLog, Log, type LogRecord, type SegmentReport } from "./index.ts";
import { SEGMENT_HEADER_BYTES, segmentName } from "./segment.ts";
import {
  append,
  disturbed,
  disturbedFile,
  entries,
  indexesOf,
  OPTIONS,
  openLog,
  random,
  range,
  tamper,
} from "./testing/fixture.ts";

const SEGMENT_BYTES = OPTIONS.segmentBytes!;

const hardState = (group: number, term: number, commit = 0): LogRecord & { kind: "hardState" } => ({
  ...({ kind: "hardState", group } as const),
  ...{ term, vote: 1, commit, incarnation: 0, isLost: false },
});

const members = (group: number, index: number): LogRecord => ({
  ...({ kind: "configuration", group, index } as const),
  bytes: Uint8Array.of(group, index),
});

/** What damage behind the sample's commits leaves unsure of each group. */
const UNSURE = { firstMissing: 0, areEntriesWhole: false, isHardStateStale: true, firstChangeInDoubt: 6 };

const setAside = (disk: Disk): Promise<Log> => openLog(disk, OPTIONS, () => {}, "set-aside");

const report = async (disk: Disk): Promise<SegmentReport[]> => {
  const reports: SegmentReport[] = [];
  for await (const one of inspectLog(disk)) reports.push(one);
  return reports;
};

/** Flips a bit of the first frame that fits. */
const rot = async (disk: Disk, fits: (record: LogRecord) => boolean): Promise<void> => {
  for (const { segment, frames } of await report(disk)) {
    const frame = frames.find(({ record }) => fits(record));
    if (frame === undefined) continue;
    const at = SEGMENT_HEADER_BYTES + frame.position - segment.base + frame.bytes - 9;
    await tamper(disk, segmentName("log", segment.id), (bytes) => (bytes[at]! ^= 1));
    return;
  }
  assert.fail("no such frame");
};

const isEntry = (group: number, index: number) => (record: LogRecord) =>
  record.kind === "entries" && record.group === group && record.firstIndex === index;

/**
 * Two groups that voted and wrote 20 entries each, of which they committed 10; the fifth had changed their membership. Each record is
 * synced before the next.
 */
const sample = async (disk: Disk = new SimDisk().mount()): Promise<Disk> => {
  await using log = await openLog(disk);
  await append(log, hardState(1, 1), hardState(2, 1));
  for (let at = 1; at <= 20; at++) {
    await append(log, entries(at, 1, 900, 1), entries(at, 1, 900, 2));
    if (at === 12) await append(log, hardState(1, 1, 10), members(1, 5), hardState(2, 1, 10), members(2, 5));
  }
  return disk;
};

describe("a log that is opened without what is damaged", () => {
  test("keeps a group's entries before the gap, and says what may be lost of it and of the others", async () => {
    const disk = await sample();
    await rot(disk, isEntry(1, 15));
    await assert.rejects(openLog(disk), { code: "LOG_DAMAGED" });
    await using log = await setAside(disk);
    assert.deepEqual(log.damagedGroups, [
      { ...UNSURE, group: 1, certainIndex: 10, firstMissing: 15 },
      // Its next entry proves that nothing is missing, but there was no further hard state or mark.
      { ...UNSURE, group: 2, certainIndex: 20, areEntriesWhole: true },
    ]);
    assert.deepEqual(await indexesOf(log, 1), range(1, 14));
    assert.deepEqual(await indexesOf(log, 2), range(1, 20));
    assert.ok(log.mayHaveLostGroups);
  });

  test("does not trust a commit index that it reads behind the damage further than the entries", async () => {
    const disk = await sample();
    {
      await using log = await openLog(disk);
      await append(log, hardState(1, 1, 20), members(1, 16), hardState(2, 1, 20), members(2, 16));
    }
    await rot(disk, isEntry(1, 15));
    await using log = await setAside(disk);
    const known = { isHardStateStale: false, firstChangeInDoubt: 0 };
    assert.deepEqual(log.damagedGroups, [{ ...UNSURE, group: 1, certainIndex: 10, firstMissing: 15, ...known }]);
    assert.equal(log.group(1).hardState?.commit, 10);
    assert.equal(log.group(2).hardState?.commit, 20);
  });

  for (const [title, isRottenAgain] of [
    ["the damage", false],
    ["a damage, and goes on to do so behind the next", true],
  ] as const) {
    test(`doubts entries of a later term behind ${title}: what is before them may have been replaced`, async () => {
      const disk = new SimDisk().mount();
      {
        await using log = await openLog(disk);
        await append(log, hardState(1, 1));
        await append(log, entries(1, 5));
        await append(log, { kind: "truncateSuffix", group: 1, fromIndex: 3 });
        await append(log, { ...entries(3, 3), term: 2 } as LogRecord);
        await append(log, { ...entries(6, 1), term: 2 } as LogRecord);
        await append(log, members(2, 1));
        await append(log, { ...entries(7, 1), term: 2 } as LogRecord, hardState(1, 2, 7));
      }
      if (isRottenAgain) await rot(disk, ({ group }) => group === 2);
      await rot(disk, isEntry(1, 3));
      await rot(disk, ({ kind }) => kind === "truncateSuffix");
      await using log = await setAside(disk);
      // Entry 6 follows the fifth, of which there were two; that entry 7 is of the same term as the sixth says nothing of the fifth.
      const damage = { certainIndex: 0, firstMissing: 6, isHardStateStale: false, firstChangeInDoubt: 1 };
      assert.deepEqual(
        log.damagedGroups.find(({ group }) => group === 1),
        { ...UNSURE, group: 1, ...damage },
      );
      assert.equal(log.group(1).hardState?.commit, 0);
      assert.equal(log.group(1).lastIndex, 5);
    });
  }

  test("doubts the membership where all else is known, until its owner says that it is repaired", async () => {
    const indexes = [0, 5, 9];
    for (const [at, latest] of indexes.entries()) {
      const disk = new SimDisk().mount();
      {
        await using log = await openLog(disk);
        await append(log, ...indexes.slice(0, at + 1).map((index) => members(1, index)));
        await append(log, { kind: "compaction", group: 1, index: 2, term: 1 });
        await append(log, entries(3, 10), hardState(1, 1, 12));
      }
      await rot(disk, (record) => record.kind === "configuration" && record.index === latest);
      const before = indexes[at - 1];
      const damage = { certainIndex: 12, areEntriesWhole: true, isHardStateStale: false };
      const firstChangeInDoubt = before === undefined ? 1 : before + 1;
      {
        await using log = await setAside(disk);
        assert.deepEqual(log.damagedGroups, [{ ...UNSURE, group: 1, ...damage, firstChangeInDoubt }]);
        assert.equal(log.group(1).configuration?.index, before);
      }
      {
        await using log = await openLog(disk);
        assert.equal(log.damagedGroups.length, 1);
        await append(log, { kind: "repaired", group: 1 });
        assert.deepEqual(log.damagedGroups, []);
      }
      await using log = await openLog(disk);
      assert.deepEqual(log.damagedGroups, []);
    }
  });

  for (const isReleased of [false, true]) {
    const title = isReleased
      ? "in no doubt where a release followed the last compaction"
      : "in doubt behind the first one";
    test(`of which entries were compacted before and behind the damage has a membership ${title}`, async () => {
      const disk = new SimDisk().mount();
      {
        await using log = await openLog(disk);
        await append(log, members(1, 2), hardState(1, 1), entries(1, 10));
        await append(log, { kind: "compaction", group: 1, index: 8, term: 1 });
        await append(log, entries(11, 1));
        await append(log, entries(12, 1), hardState(1, 1, 12), { kind: "compaction", group: 1, index: 11, term: 1 });
        await append(log, entries(13, 1));
        if (isReleased) await log.release();
      }
      await rot(disk, isEntry(1, 11));
      await using log = await setAside(disk);
      assert.deepEqual(
        log.damagedGroups.map(({ firstChangeInDoubt }) => firstChangeInDoubt),
        isReleased ? [] : [9],
      );
    });
  }

  test("goes on in a new segment, opens as any other from then on, and remembers until it is repaired", async () => {
    const disk = await sample();
    await rot(disk, isEntry(1, 15));
    const damaged = { ...UNSURE, group: 1, certainIndex: 10, firstMissing: 15 };
    {
      await using log = await setAside(disk);
      assert.ok((await disk.list("log")).includes(segmentName("log", 2).slice(4)));
      await append(log, entries(15, 1));
    }
    {
      await using log = await openLog(disk);
      assert.deepEqual(log.damagedGroups[0], damaged);
      assert.deepEqual(log.evidence, []);
      await append(log, { ...hardState(1, 1, 10), incarnation: 77, isLost: true }, { kind: "repaired", group: 1 });
      assert.deepEqual(
        log.damagedGroups.map(({ group }) => group),
        [2],
      );
    }
    await using log = await openLog(disk);
    assert.deepEqual(
      log.damagedGroups.map(({ group }) => group),
      [2],
    );
    assert.deepEqual(await indexesOf(log, 1), range(1, 15));
    assert.deepEqual(
      (await report(disk)).filter(({ damage }) => damage !== undefined),
      [],
    );
  });

  test("keeps the damaged bytes in a file beside it", async () => {
    const disk = await sample();
    const whole = await readFile(disk, segmentName("log", 1));
    await rot(disk, isEntry(1, 15));
    await using log = await setAside(disk);
    assert.equal(log.evidence.length, 1);
    const [name] = log.evidence;
    const [, offset] = /^damaged-1-(\d+)$/.exec(name!)!;
    const kept = await readFile(disk, `log/${name}`);
    assert.equal(kept.filter((byte, at) => byte !== whole[Number(offset) + at]).length, 1);
  });

  test("gives the damaged segment back when no group needs it, and carries the marks of damage on", async () => {
    const disk = await sample();
    await rot(disk, isEntry(1, 15));
    {
      await using log = await setAside(disk);
      await append(log, { kind: "compaction", group: 1, index: 14, term: 1 });
      await append(log, { kind: "compaction", group: 2, index: 20, term: 1 });
      await log.release();
      assert.ok(!(await disk.list("log")).includes(segmentName("log", 1).slice(4)));
    }
    await using log = await openLog(disk);
    assert.deepEqual(
      log.damagedGroups.map(({ group }) => group),
      [1, 2],
    );
    assert.ok(!log.mayHaveLostGroups);
  });

  for (const [title, damage] of [
    ["a header that can not be read", (disk: Disk, name: string) => tamper(disk, name, (bytes) => (bytes[20]! ^= 1))],
    ["a segment that is missing", (disk: Disk, name: string) => disk.remove(name)],
    ["a segment that was cut off", (disk: Disk, name: string) => cutOff(disk, name)],
  ] as const) {
    for (const [place, id] of [
      ["first", 1],
      ["in between", 2],
      ["last", 5],
    ] as const) {
      if (damage.toString().includes("remove") && id !== 2) continue;
      test(`reads around ${title}, ${place}`, async () => {
        const disk = new SimDisk().mount();
        {
          await using log = await openLog(disk);
          await append(log, hardState(1, 1));
          for (let at = 1; at <= 300; at++) await append(log, entries(at, 1, 900));
        }
        assert.equal((await report(disk)).length, 5);
        const ends = (await report(disk)).map(({ frames }) => {
          const last = frames.findLast(({ record }) => record.kind === "entries")!.record;
          return last.kind === "entries" ? last.firstIndex : 0;
        });
        await damage(disk, segmentName("log", id));
        await assert.rejects(openLog(disk), { code: "LOG_DAMAGED" });
        let expected: number[] = [];
        {
          await using log = await setAside(disk);
          const [found] = log.damagedGroups;
          assert.equal(found?.isHardStateStale, true);
          expected = await indexesOf(log);
          const before = ends[id - 2] ?? 0;
          assert.ok(expected.length >= before && expected.length < ends[id - 1]!);
          assert.ok(found.firstMissing === expected.length + 1 || id === 5);
          await append(log, entries(expected.length + 1, 3));
        }
        await using log = await openLog(disk);
        assert.deepEqual(await indexesOf(log), range(1, expected.length + 3));
        assert.ok(log.mayHaveLostGroups);
      });
    }
  }

  test("reads around blocks that the disk itself can not read", async () => {
    const plain = await sample();
    const { frames } = (await report(plain))[0]!;
    const bad = SEGMENT_HEADER_BYTES + frames.find(({ record }) => isEntry(1, 15)(record))!.position;
    const disk = disturbed(plain, {
      open: async (name, mode) => {
        const file = await plain.open(name, mode);
        const read: typeof file.read = (position, length, memory) =>
          name === segmentName("log", 1) && position <= bad && position + length > bad
            ? Promise.reject(envFailure("DISK_FAILED"))
            : file.read(position, length, memory);
        return disturbedFile(file, { read });
      },
    });
    await assert.rejects(openLog(disk), { code: "DISK_FAILED" });
    await (await setAside(disk)).close();
    await using log = await openLog(plain);
    assert.ok(log.group(1).lastIndex <= 14 && log.group(1).lastIndex >= 8);
  });

  test("is opened on a disk that is too full for the evidence", async () => {
    const disk = await sample(new SimDisk({ bytesMax: 2 * SEGMENT_BYTES + 10_000 }).mount());
    await tamper(disk, segmentName("log", 1), (bytes) => (bytes[20]! ^= 1));
    await using log = await setAside(disk);
    assert.deepEqual([log.evidence, [...log.groups()], log.mayHaveLostGroups], [[], [], true]);
  });

  test("keeps no more files of evidence than it may", async () => {
    const disk = await sample();
    for (let count = 0; count < 16; count++) await (await disk.open(`log/damaged-9-${count}`, "create")).close();
    await rot(disk, isEntry(1, 15));
    await using log = await setAside(disk);
    assert.deepEqual(log.evidence, []);
    assert.deepEqual(await indexesOf(log, 1), range(1, 14));
  });

  test("begins again where a crash broke it off, and forgets nothing", async () => {
    const sampled = await sample();
    await rot(sampled, isEntry(1, 15));
    const image = new Map<string, Uint8Array>();
    for (const name of await sampled.list("log")) image.set(name, await readFile(sampled, `log/${name}`));
    const expected = [
      { ...UNSURE, group: 1, certainIndex: 10, firstMissing: 15 },
      { ...UNSURE, group: 2, certainIndex: 20, areEntriesWhole: true },
    ];
    let isComplete = false;
    for (let calls = 1; !isComplete; calls++) {
      const disk = new SimDisk().mount();
      await disk.makeDirectory("log");
      for (const [name, bytes] of image) {
        const file = await disk.open(`log/${name}`, "create");
        await file.write(0, [bytes]);
        await file.close();
      }
      isComplete = await openBrokenOff(disk, calls);
      await using log = await setAside(disk);
      assert.deepEqual(log.damagedGroups, expected, `broken off at change ${calls}`);
      assert.deepEqual(await indexesOf(log, 1), range(1, 14));
    }
  });

  test("is never opened so where it is of a newer version", async () => {
    const disk = await sample();
    const name = segmentName("log", 1);
    const { crc32c } = await import("../std/checksums/index.ts");
    await tamper(disk, name, (bytes) => {
      bytes[8] = 2;
      new DataView(bytes.buffer, bytes.byteOffset).setUint32(40, crc32c(bytes.subarray(0, 40)), true);
    });
    await assert.rejects(setAside(disk), { code: "LOG_FORMAT_NEWER" });
  });

  test("that is whole is opened as it is", async () => {
    const disk = await sample();
    const before = await disk.list("log");
    await using log = await setAside(disk);
    assert.deepEqual([log.damagedGroups, log.mayHaveLostGroups, log.evidence], [[], false, []]);
    assert.deepEqual(await disk.list("log"), before);
  });
});

async function readFile(disk: Disk, name: string): Promise<Uint8Array> {
  const file = await disk.open(name, "read");
  const bytes = await file.read(0, await file.length());
  await file.close();
  return bytes;
}

async function cutOff(disk: Disk, name: string): Promise<void> {
  const file = await disk.open(name, "write");
  await file.setLength(SEGMENT_HEADER_BYTES + 5000);
  await file.close();
}

/** Lets the opening make its first `calls` changes of the disk and hangs it at the next: true where there was none. */
async function openBrokenOff(disk: Disk, calls: number): Promise<boolean> {
  let left = calls;
  let isHung = false;
  const changed = <T>(run: () => Promise<T>): Promise<T> => {
    if (left-- > 0) return run();
    isHung = true;
    return new Promise(() => {});
  };
  const hanging = disturbed(disk, {
    rename: (from, to) => changed(() => disk.rename(from, to)),
    remove: (name) => changed(() => disk.remove(name)),
    open: async (name, mode) => {
      const file = await disk.open(name, mode);
      return disturbedFile(file, { write: (position, chunks) => changed(() => file.write(position, chunks)) });
    },
  });
  let isOpen = false;
  const settings = { options: { ...OPTIONS, segmentBytes: SEGMENT_BYTES }, onFatal: () => {} };
  void Log.open({ disk: hanging, random: random(2) }, { ...settings, onDamage: "set-aside" }).then(() => {
    isOpen = true;
  });
  for (let turn = 0; turn < 2000 && !isOpen && !isHung; turn++) await new Promise((resolve) => setImmediate(resolve));
  return isOpen;
}
