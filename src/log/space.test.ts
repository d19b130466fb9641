import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Disk, envFailure } from "../env/index.ts";
import { SimDisk } from "../env/sim/disk.ts";
import { utf8 } from "../std/bytes.ts";
import type { Log, LogRecord } from "./index.ts";
import { segmentName } from "./segment.ts";
import { append, cutAfter, disturbed, entries, indexesOf, OPTIONS, openLog, range } from "./testing/fixture.ts";

const SEGMENT_BYTES = OPTIONS.segmentBytes!;
const IDLE_GROUPS = range(2, 50);

const hardState = (group: number, term: number): LogRecord => ({
  ...({ kind: "hardState", group } as const),
  ...{ term, vote: 1, commit: 0, incarnation: 0, isLost: false },
});

const segmentsOf = async (disk: Disk): Promise<string[]> =>
  (await disk.list("log")).filter((name) => name.endsWith(".log"));

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Group 1 writes and compacts what it wrote, as a busy group does, `rounds` times about a segment. */
const beBusy = async (log: Log, rounds: number): Promise<void> => {
  for (let round = 0; round < rounds; round++) {
    for (let count = 0; count < 60; count++) await append(log, entries(log.group(1).lastIndex + 1, 1, 900));
    const index = log.group(1).lastIndex;
    await append(log, { kind: "compaction", group: 1, index, term: 1 });
    await log.release();
  }
};

describe("a release of segments", () => {
  test("never writes an old vote behind a newer one that waits or is on its way", async () => {
    const disk = new SimDisk().mount();
    {
      await using log = await openLog(disk);
      await append(log, hardState(2, 3));
      for (let at = 1; at <= 300; at++) await append(log, entries(at, 1, 900));
      await append(log, { kind: "compaction", group: 1, index: 290, term: 1 });
      // The release is asked for while the log knows only the old vote.
      const voted = append(log, hardState(2, 4));
      const released = log.release();
      const votedAgain = append(log, hardState(3, 5));
      await Promise.all([voted, released, votedAgain]);
      assert.equal(log.group(2).hardState?.term, 4);
    }
    await using log = await openLog(disk);
    assert.equal(log.group(2).hardState?.term, 4);
    assert.equal(log.group(3).hardState?.term, 5);
  });

  test("carries on the marks of more groups than one write takes", async () => {
    const disk = new SimDisk().mount();
    const groups = range(2, 800);
    {
      await using log = await openLog(disk);
      for (const group of groups) {
        await append(log, hardState(group, group), { kind: "snapshot", group, index: 0, term: 0, note: utf8("x") });
      }
      await beBusy(log, 6);
      assert.ok((await segmentsOf(disk)).length <= 4);
    }
    await using log = await openLog(disk);
    for (const group of groups) assert.equal(log.group(group).hardState?.term, group);
  });

  test("moves the entries of 49 idle groups on, so that a busy one gives its space back", async () => {
    const disk = new SimDisk().mount();
    {
      await using log = await openLog(disk);
      for (const group of IDLE_GROUPS) {
        await append(log, entries(1, 3, 100, group), hardState(group, group));
        await append(log, { kind: "compaction", group, index: 1, term: 1 });
      }
      await beBusy(log, 30);
      const segments = await segmentsOf(disk);
      assert.ok(segments.length <= 4, `${segments.length} segments`);
      for (const group of IDLE_GROUPS) assert.deepEqual(await indexesOf(log, group), [2, 3]);
    }
    await using log = await openLog(disk);
    for (const group of IDLE_GROUPS) {
      assert.deepEqual(await indexesOf(log, group), [2, 3]);
      assert.equal(log.group(group).hardState?.term, group);
      await append(log, entries(4, 1, 100, group));
      assert.deepEqual(await indexesOf(log, group), [2, 3, 4]);
    }
  });

  test("moves more than one release may, step by step, and long runs in parts", async () => {
    const disk = new SimDisk().mount();
    {
      await using log = await openLog(disk);
      await append(log, ...range(0, 5).map((at) => entries(at * 8 + 1, 8, 1000, 2)));
      await append(log, entries(49, 1, 9000, 2));
      await beBusy(log, 6);
      assert.ok((await segmentsOf(disk)).length > 3);
      await beBusy(log, 30);
      // Twice of what is needed, and two.
      assert.ok((await segmentsOf(disk)).length <= 6);
      assert.deepEqual(await indexesOf(log, 2), range(1, 49));
    }
    await using log = await openLog(disk);
    assert.deepEqual(await indexesOf(log, 2), range(1, 49));
  });

  test("moves nothing while most of the log is needed", async () => {
    const disk = new SimDisk().mount();
    await using log = await openLog(disk);
    for (let at = 1; at <= 600; at++) await append(log, entries(at, 1, 900));
    await append(log, { kind: "compaction", group: 1, index: 200, term: 1 });
    const before = log.counters.bytes;
    await log.release();
    assert.equal(log.counters.bytes, before);
  });

  for (const [title, change, expected] of [
    ["truncated", { kind: "truncateSuffix", group: 2, fromIndex: 2 }, [1]],
    ["compacted", { kind: "compaction", group: 2, index: 3, term: 1 }, []],
    ["removed", { kind: "removed", group: 2 }, []],
  ] as const) {
    test(`drops a move of entries that are ${title} while they are read`, async () => {
      const plain = new SimDisk().mount();
      let onRead: (() => void) | undefined;
      const disk = disturbed(plain, {
        open: async (name, mode) => {
          if (mode === "read" && name === segmentName("log", 1)) onRead?.();
          await turn();
          return plain.open(name, mode);
        },
      });
      {
        await using log = await openLog(disk);
        await append(log, entries(1, 3, 100, 2));
        for (let at = 1; at <= 300; at++) await append(log, entries(at, 1, 900));
        await append(log, { kind: "compaction", group: 1, index: 300, term: 1 });
        let changed: Promise<void> | undefined;
        onRead = () => {
          changed ??= append(log, change);
        };
        await log.release();
        assert.ok(changed !== undefined);
        await changed;
        assert.deepEqual(await indexesOf(log, 2), expected);
      }
      onRead = undefined;
      await using log = await openLog(plain);
      assert.deepEqual(await indexesOf(log, 2), expected);
    });
  }

  test("waits for who reads a segment before it goes", async () => {
    const plain = new SimDisk().mount();
    let go: (() => void) | undefined;
    const stuck = new Promise<void>((resolve) => (go = resolve));
    let isSlow = false;
    const disk = disturbed(plain, {
      open: async (name, mode) => {
        if (isSlow && mode === "read") {
          isSlow = false;
          await stuck;
        }
        return plain.open(name, mode);
      },
    });
    await using log = await openLog(disk);
    for (let at = 1; at <= 300; at++) await append(log, entries(at, 1, 900));
    isSlow = true;
    const reading = log.readEntries(1, 1, 1, 1);
    await append(log, { kind: "compaction", group: 1, index: 300, term: 1 });
    const released = log.release();
    for (let count = 0; count < 20; count++) await turn();
    assert.equal((await segmentsOf(disk))[0], segmentName("log", 1).slice(4));
    go!();
    assert.equal((await reading)[0]?.index, 1);
    await released;
    assert.notEqual((await segmentsOf(disk))[0], segmentName("log", 1).slice(4));
  });

  test("leaves one copy of each entry wherever a crash cuts the moves off", async () => {
    const write = async (disk: Disk): Promise<void> => {
      await using log = await openLog(disk);
      for (const group of IDLE_GROUPS) await append(log, entries(1, 3, 100, group));
      for (let at = 1; at <= 400; at++) await append(log, entries(at, 1, 900));
      await append(log, { kind: "compaction", group: 1, index: 400, term: 1 });
    };
    const disk = new SimDisk().mount();
    await write(disk);
    const first = (await segmentsOf(disk))[0];
    {
      const kept = disturbed(disk, {
        rename: (from, to) => (to.includes("spare") ? new Promise(() => {}) : disk.rename(from, to)),
      });
      const log = await openLog(kept);
      void log.release();
      for (let at = 0; at < 200; at++) await turn();
      assert.ok(log.counters.records > 30);
    }
    assert.equal((await segmentsOf(disk))[0], first);
    for (let cuts = 0; cuts < 40; cuts++) {
      {
        await using log = await openLog(disk);
        for (const group of IDLE_GROUPS) assert.deepEqual(await indexesOf(log, group), [1, 2, 3]);
      }
      // What the closing wrote, and one copy.
      await cutAfter(disk, -2);
    }
  });
});

describe("a log on a full disk", () => {
  const fill = async (log: Log): Promise<number> => {
    for (let at = log.group(1).lastIndex + 1; ; at++) {
      try {
        await append(log, entries(at, 1, 900));
      } catch (error) {
        assert.equal((error as { code: string }).code, "LOG_FULL");
        return at - 1;
      }
    }
  };

  test("is not filled further with parts of a spare segment", async () => {
    const disk = new SimDisk({ bytesMax: SEGMENT_BYTES + 40_000 }).mount();
    await using log = await openLog(disk);
    for (let at = 1; at <= 20; at++) {
      await append(log, entries(at, 1));
      await turn();
    }
    assert.deepEqual(await disk.list("log"), [segmentName("log", 1).slice(4)]);
    assert.ok((await disk.space()).bytesFree >= 36_864);
  });

  test("refuses what does not fit, takes what does, and goes on when there is space again", async () => {
    const disk = new SimDisk({ bytesMax: 3 * SEGMENT_BYTES + 10_000 }).mount();
    const fatal: Error[] = [];
    let last = 0;
    {
      await using log = await openLog(disk, OPTIONS, (error) => fatal.push(error));
      const blob = await disk.open("other", "create");
      await blob.write(0, [new Uint8Array(SEGMENT_BYTES).fill(1)]);
      await blob.close();
      last = await fill(log);
      assert.ok(last > 50);
      assert.ok(log.isNearlyFull);
      assert.equal(log.group(1).lastIndex, last);
      await append(log, hardState(1, 2));
      await assert.rejects(append(log, entries(last + 1, 1, 900)), { code: "LOG_FULL" });
      await disk.remove("other");
      assert.ok(log.isNearlyFull);
      log.retrySpace();
      for (let count = 0; count < 20; count++) await turn();
      assert.ok(!log.isNearlyFull);
      await append(log, entries(last + 1, 1, 900));
      assert.deepEqual(fatal, []);
    }
    await using log = await openLog(disk);
    assert.deepEqual(await indexesOf(log), range(1, last + 1));
    assert.equal(log.group(1).hardState?.term, 2);
  });

  test("gives its own space back by a compaction, and goes on", async () => {
    const disk = new SimDisk({ bytesMax: 3 * SEGMENT_BYTES + 10_000 }).mount();
    await using log = await openLog(disk);
    const last = await fill(log);
    await append(log, { kind: "compaction", group: 1, index: last, term: 1 });
    await log.release();
    assert.ok(!log.isNearlyFull);
    assert.ok((await fill(log)) > last + 100);
  });

  test("refuses behind an append what builds on it, and no other group's", async () => {
    const disk = new SimDisk({ bytesMax: SEGMENT_BYTES + 40_000 }).mount();
    await using log = await openLog(disk);
    const last = await fill(log);
    const results = await Promise.allSettled([
      append(log, entries(last + 1, 1, 900)),
      append(log, { kind: "hardState", group: 1, term: 1, vote: 0, commit: last + 1, incarnation: 0, isLost: false }),
      append(log, hardState(2, 7)),
    ]);
    assert.deepEqual(
      results.map((result) => (result.status === "rejected" ? result.reason.code : "written")),
      ["LOG_FULL", "LOG_FULL", "written"],
    );
    assert.equal(log.group(1).hardState, undefined);
    assert.equal(log.group(2).hardState?.term, 7);
  });

  test("says that it is nearly full while there is room for what groups need to go on", async () => {
    const disk = new SimDisk({ bytesMax: SEGMENT_BYTES + 40_000 }).mount();
    await using log = await openLog(disk);
    let at = 1;
    while (!log.isNearlyFull) await append(log, entries(at++, 1, 900));
    for (let term = 1; term <= 100; term++) await append(log, hardState(2, term));
    assert.ok(at > 40);
  });

  test("is not a slow one: while a segment is being made the log takes what comes", async () => {
    const plain = new SimDisk().mount();
    const measured = Promise.withResolvers<void>();
    let isSlow = false;
    const disk = disturbed(plain, {
      space: async () => {
        if (isSlow) await measured.promise;
        return plain.space();
      },
    });
    await using log = await openLog(disk);
    isSlow = true;
    for (let at = 1; log.counters.bytes < SEGMENT_BYTES - 10_000; at++) await append(log, entries(at, 1, 900));
    const { isNearlyFull } = log;
    measured.resolve();
    assert.ok(!isNearlyFull);
  });

  test("that fails for another reason is final", async () => {
    const plain = new SimDisk({ bytesMax: SEGMENT_BYTES + 40_000 }).mount();
    const disk = disturbed(plain, {
      space: () => Promise.resolve({ bytesFree: 2 ** 30, bytesTotal: 2 ** 30 }),
      open: (name, mode) =>
        mode === "create" && name !== "log/spare-1"
          ? Promise.reject(envFailure("DISK_FAILED"))
          : plain.open(name, mode),
    });
    const fatal: Error[] = [];
    const log = await openLog(disk, OPTIONS, (error) => fatal.push(error));
    await assert.rejects(fill(log));
    assert.equal(fatal.length, 1);
    await log.close();
  });
});
