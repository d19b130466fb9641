import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Disk, type DiskFile, envFailure } from "../env/index.ts";
import { SimDisk } from "../env/sim/disk.ts";
import { utf8 } from "../std/bytes.ts";
import { Prng } from "../std/prng.ts";
import { FrameEncoder } from "./frame.ts";
import { inspectLog, type Log, type LogRecord } from "./index.ts";
import { listSegments } from "./recovery.ts";
import { SEGMENT_HEADER_BYTES, segmentName } from "./segment.ts";
import { append, disturbed, entries, indexesOf, OPTIONS, openLog, range, tamper } from "./testing/fixture.ts";

const VOTED = { term: 3, vote: 1, commit: 0, incarnation: 0, isLost: false };

const refusal = (): Error => envFailure("DISK_FAILED");

describe("the log", () => {
  test("gives back after a reopening what was appended, over many segments", async () => {
    const disk = new SimDisk().mount();
    {
      await using log = await openLog(disk);
      for (let at = 1; at <= 500; at++) await append(log, entries(at, 1, 900));
    }
    await using log = await openLog(disk);
    assert.deepEqual(await indexesOf(log), range(1, 500));
    assert.equal(log.group(1).lastTerm, 1);
    assert.ok((await disk.list("log")).length > 5);
  });

  test("writes what waits with one sync", async () => {
    const disk = new SimDisk().mount();
    await using log = await openLog(disk);
    await Promise.all(range(1, 100).map((at) => append(log, entries(at, 1))));
    assert.ok(log.counters.batches <= 2, `${log.counters.batches} batches`);
    assert.equal(log.counters.records, 100);
  });

  test("remembers and reads frames that stand next to each other as one", async () => {
    const plain = new SimDisk().mount();
    let opens = 0;
    const disk = disturbed(plain, {
      open(name, mode) {
        opens++;
        return plain.open(name, mode);
      },
    });
    const read = async (log: Log): Promise<void> => {
      const before = opens;
      assert.deepEqual(await indexesOf(log), range(1, 400));
      assert.ok(opens - before <= (await disk.list("log")).length + 2, `${opens - before} reads`);
    };
    {
      await using log = await openLog(disk);
      await Promise.all(range(1, 200).map((at) => append(log, entries(at, 1, 300))));
      await append(log, { kind: "truncateSuffix", group: 1, fromIndex: 150 });
      await Promise.all(range(150, 400).map((at) => append(log, entries(at, 1, 300))));
      await read(log);
    }
    await using log = await openLog(disk);
    await read(log);
    await append(log, { kind: "compaction", group: 1, index: 120, term: 1 });
    assert.deepEqual(await indexesOf(log), range(121, 400));
    const one = await log.readEntries(1, 333, 333, 1);
    assert.deepEqual(
      one.map(({ index }) => index),
      [333],
    );
  });

  test("reads a group's entries at once where only small records stand between them, and no more than is asked for", async () => {
    const whole = new SimDisk().mount();
    let opens = 0;
    const disk = disturbed(whole, {
      open: (name, mode) => {
        if (mode === "read") opens++;
        return whole.open(name, mode);
      },
    });
    await using log = await openLog(disk);
    for (let at = 1; at <= 200; at++) {
      await append(log, entries(at, 1), { kind: "hardState", group: 1, ...VOTED, commit: at - 1 });
      // The gap that this makes is not worth reading over.
      if (at === 100) await append(log, entries(1, 1, 15_000, 2), entries(2, 1, 15_000, 2));
    }
    opens = 0;
    assert.deepEqual(await indexesOf(log), range(1, 200));
    assert.ok(opens <= (await disk.list("log")).length + 1, `${opens} reads`);
    const some = await log.readEntries(1, 20, 60, 1_000);
    assert.deepEqual(
      some.map(({ index }) => index),
      range(20, 29),
    );
    const [large, ...others] = await log.readEntries(2, 1, 2, 1);
    assert.equal(large!.bytes.length, 15_000);
    assert.deepEqual(others, []);
  });

  test("keeps hard state, marks and truncations of several groups apart", async () => {
    const disk = new SimDisk().mount();
    {
      await using log = await openLog(disk);
      await append(log, entries(1, 5, 20, 1), entries(1, 3, 20, 2), {
        kind: "hardState",
        group: 2,
        term: 4,
        vote: 7,
        commit: 2,
        incarnation: 0,
        isLost: false,
      });
      await append(log, { kind: "truncateSuffix", group: 1, fromIndex: 4 }, {
        ...entries(4, 1, 20, 1),
        term: 9,
      } as LogRecord);
      await append(log, { kind: "snapshot", group: 2, index: 2, term: 1, note: utf8("note") });
    }
    await using log = await openLog(disk);
    assert.deepEqual(await indexesOf(log, 1), range(1, 4));
    assert.equal(log.group(1).termOf(4), 9);
    assert.deepEqual(log.group(2).hardState, { term: 4, vote: 7, commit: 2, incarnation: 0, isLost: false });
    assert.equal(log.group(2).snapshot?.index, 2);
    assert.equal(log.group(1).hardState, undefined);
  });

  test("compaction gives segments back, and marks of idle groups are carried on", async () => {
    const disk = new SimDisk().mount();
    {
      await using log = await openLog(disk);
      await append(log, { kind: "hardState", group: 2, ...VOTED });
      for (let at = 1; at <= 300; at++) await append(log, entries(at, 1, 900));
      const before = (await disk.list("log")).length;
      await append(log, { kind: "compaction", group: 1, index: 290, term: 1 });
      await log.release();
      assert.ok((await disk.list("log")).length < before);
    }
    await using log = await openLog(disk);
    assert.deepEqual(await indexesOf(log), range(291, 300));
    assert.deepEqual(log.group(2).hardState, VOTED);
    assert.equal(log.group(1).compaction.index, 290);
  });

  test("a compaction of everything survives a reopening, and indexes go on", async () => {
    const disk = new SimDisk().mount();
    {
      await using log = await openLog(disk);
      for (let at = 1; at <= 200; at++) await append(log, entries(at, 1, 900));
      await append(log, { kind: "compaction", group: 1, index: 200, term: 1 });
      await log.release();
    }
    await using log = await openLog(disk);
    assert.equal(log.group(1).lastIndex, 200);
    await append(log, entries(201, 2));
    assert.deepEqual(await indexesOf(log), [201, 202]);
  });

  test("a failed sync is final: waiting appends fail, the node is told, nothing more is taken", async () => {
    const device = new SimDisk();
    const disk = device.mount();
    const fatal: Error[] = [];
    const log = await openLog(disk, OPTIONS, (error) => fatal.push(error));
    await append(log, entries(1, 1));
    device.failNext("sync");
    const results = await Promise.allSettled([append(log, entries(2, 1)), append(log, entries(3, 1))]);
    assert.deepEqual(
      results.map((result) => result.status === "rejected" && result.reason.code),
      ["LOG_FAILED", "LOG_FAILED"],
    );
    await assert.rejects(append(log, entries(2, 1)), { code: "LOG_FAILED" });
    assert.equal(fatal.length, 1);
    await log.close();
  });

  test("what is read back after a failed sync is written again: another sync alone would leave it to the next power cut", async () => {
    const device = new SimDisk({ lostChance: 1, garbledChance: 0 }, new Prng(3));
    const log = await openLog(device.mount());
    await append(log, entries(1, 1));
    device.failNext("sync");
    await assert.rejects(append(log, entries(2, 1, 9000)), { code: "LOG_FAILED" });
    await log.close();
    device.abandon();
    const again = await openLog(device.mount());
    assert.deepEqual(await indexesOf(again), [1, 2]);
    await append(again, entries(3, 1));
    device.crash();
    await using last = await openLog(device.mount());
    assert.deepEqual(await indexesOf(last), [1, 2, 3]);
  });

  test("a power cut while it is read back after a kill takes nothing, even if what was being written is garbled", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const device = new SimDisk({ lostChance: 0, garbledChance: 1 }, new Prng(seed));
      const log = await openLog(device.mount());
      for (let at = 1; at <= 3; at++) await append(log, entries(at, 1, 900));
      device.abandon();
      const plain = device.mount();
      const stuck = disturbed(plain, {
        open: async (name, mode) => {
          const file = await plain.open(name, mode);
          return mode === "write" && name.endsWith(".log") ? neverSynced(file) : file;
        },
      });
      void openLog(stuck);
      await new Promise((resolve) => setImmediate(resolve));
      device.crash();
      await using again = await openLog(device.mount());
      assert.deepEqual(await indexesOf(again), [1, 2, 3]);
    }
  });

  test("a segment whose name was not made durable by the process that began it is kept by the next one", async () => {
    const device = new SimDisk({ nameLostChance: 1, lostChance: 1, garbledChance: 0 }, new Prng(3));
    const log = await openLog(device.mount());
    let last = 0;
    device.failNext("sync", "log");
    await assert.rejects(
      async () => {
        while (last < 1000) await append(log, entries(++last, 1, 900));
      },
      { code: "LOG_FAILED" },
    );
    await log.close();
    device.abandon();
    const again = await openLog(device.mount());
    const { lastIndex } = again.group(1);
    await append(again, entries(lastIndex + 1, 5));
    device.crash();
    await using afterwards = await openLog(device.mount());
    assert.equal(afterwards.group(1).lastIndex, lastIndex + 5);
  });

  test("a closed log refuses appends", async () => {
    const log = await openLog(new SimDisk().mount());
    await log.close();
    await assert.rejects(append(log, entries(1, 1)), { code: "LOG_CLOSED" });
  });

  test("a segment that could not be given back is given back later, before those behind it", async () => {
    const plain = new SimDisk().mount();
    let refusals = 0;
    const disk = disturbed(plain, {
      rename: (from, to) =>
        to.includes("spare") && refusals++ === 0 ? Promise.reject(refusal()) : plain.rename(from, to),
    });
    {
      await using log = await openLog(disk);
      for (let at = 1; at <= 300; at++) await append(log, entries(at, 1, 900));
      await append(log, { kind: "compaction", group: 1, index: 100, term: 1 });
      await assert.rejects(log.release(), { code: "DISK_FAILED" });
      await append(log, { kind: "compaction", group: 1, index: 250, term: 1 });
      await log.release();
      assert.ok(refusals > 1);
    }
    await using log = await openLog(plain);
    assert.deepEqual(await indexesOf(log), range(251, 300));
  });

  test("a segment is used again only when a crash can not give its old name back", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const device = new SimDisk({}, new Prng(seed));
      const plain = device.mount();
      let isStuck = false;
      const disk = disturbed(plain, {
        syncDirectory: (folder) => (isStuck ? new Promise(() => {}) : plain.syncDirectory(folder)),
      });
      const log = await openLog(disk);
      for (let at = 1; at <= 150; at++) await append(log, entries(at, 1, 900));
      await append(log, { kind: "compaction", group: 1, index: 140, term: 1 });
      isStuck = true;
      void log.release();
      for (let at = 151; at <= 300; at++) log.append([entries(at, 1, 900)], () => {});
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      device.crash();
      await using again = await openLog(device.mount());
      assert.ok(again.group(1).lastIndex >= 150, `seed ${seed}`);
    }
  });
});

describe("recovery of the log", () => {
  /** A log of one segment with 20 entries, each synced before the next. */
  const sample = async (): Promise<{ disk: Disk; name: string; ends: number[] }> => {
    const disk = new SimDisk().mount();
    const log = await openLog(disk);
    const ends: number[] = [];
    for (let at = 1; at <= 20; at++) {
      await append(log, entries(at, 1, 40));
      ends.push(SEGMENT_HEADER_BYTES + log.durable);
    }
    await log.close();
    return { disk, name: segmentName("log", 1), ends };
  };

  test("a flipped bit anywhere in synced entries is corruption, refused loudly; the same bit back opens it again", async () => {
    const { disk, name, ends } = await sample();
    for (let at = SEGMENT_HEADER_BYTES; at < ends.at(-1)!; at += 7) {
      await tamper(disk, name, (bytes) => (bytes[at]! ^= 0x10));
      await assert.rejects(openLog(disk), { code: "LOG_DAMAGED" }, `offset ${at}`);
      await tamper(disk, name, (bytes) => (bytes[at]! ^= 0x10));
    }
    await using log = await openLog(disk);
    assert.deepEqual(await indexesOf(log), range(1, 20));
  });

  test("a flipped bit in a segment's header is corruption", async () => {
    const { disk, name } = await sample();
    for (const at of [0, 9, 13, 20, 30, 33]) {
      await tamper(disk, name, (bytes) => (bytes[at]! ^= 1));
      await assert.rejects(openLog(disk), { code: "LOG_DAMAGED" });
      await tamper(disk, name, (bytes) => (bytes[at]! ^= 1));
    }
  });

  test("a batch that was never synced is a torn tail wherever it breaks off, and is zeroed", async () => {
    const { disk, name, ends } = await sample();
    const file = await disk.open(name, "read");
    const whole = await file.read(0, await file.length());
    await file.close();
    // The last two frames (an entry and the mark of the closing) are cut at every byte: nothing later proves them synced.
    const [from, to] = [ends.at(-2)!, ends.at(-1)!];
    for (let cut = from; cut < to; cut++) {
      await tamper(disk, name, (bytes) => {
        bytes.set(whole);
        bytes.fill(0, cut);
      });
      const log = await openLog(disk);
      // A cut among the zeros that pad the frame takes nothing away.
      if (whole.subarray(cut, to).every((byte) => byte === 0)) return;
      assert.equal(log.group(1).lastIndex, 19, `cut at ${cut}`);
      assert.equal(log.tornBytes > 0, !whole.subarray(from, cut).every((byte) => byte === 0));
      await append(log, entries(20, 1, 40));
      await log.close();
      await using again = await openLog(disk);
      assert.deepEqual(await indexesOf(again), range(1, 20));
    }
  });

  test("an inspection shows damage in the last segment where a start would refuse it", async () => {
    const { disk, name, ends } = await sample();
    const damages = async () => {
      const found = [];
      for await (const { damage } of inspectLog(disk)) if (damage !== undefined) found.push(damage);
      return found;
    };
    assert.deepEqual(await damages(), []);
    await tamper(disk, name, (bytes) => (bytes[ends[1]! + 30]! ^= 1));
    const [damage, ...more] = await damages();
    assert.deepEqual(more, []);
    assert.equal(damage!.offset, ends[1]);
    assert.ok(damage!.proof > damage!.position);
    await assert.rejects(openLog(disk), { code: "LOG_DAMAGED" });
  });

  test("frames of a recycled segment's former life never count", async () => {
    const disk = new SimDisk().mount();
    {
      await using log = await openLog(disk);
      for (let at = 1; at <= 400; at++) {
        await append(log, entries(at, 1, 900));
        if (at % 50 !== 0) continue;
        await append(log, { kind: "compaction", group: 1, index: at, term: 1 });
        await log.release();
      }
    }
    await using log = await openLog(disk);
    assert.equal(log.group(1).lastIndex, 400);
    let frames = 0;
    for await (const report of inspectLog(disk)) frames += report.frames.length;
    assert.ok(frames > 0);
  });

  test("what says to have been durable before it was written proves nothing, whatever its checksum", async () => {
    const { disk, name, ends } = await sample();
    const [segment] = await listSegments(disk, "log");
    const position = ends.at(-1)! + 800 - SEGMENT_HEADER_BYTES;
    const lookalike = async (durable: number): Promise<void> => {
      const encoder = new FrameEncoder();
      encoder.begin();
      encoder.add({ kind: "durable", group: 0 }, segment!.salt, durable, 0);
      await tamper(disk, name, (bytes) => bytes.set(encoder.bytes(), ends.at(-1)! + 800));
    };
    await lookalike(position);
    await assert.rejects(openLog(disk), { code: "LOG_DAMAGED" });
    await lookalike(position + 8);
    await using log = await openLog(disk);
    assert.deepEqual([log.group(1).lastIndex, log.tornBytes > 0], [20, true]);
  });

  test("a segment that was cut off is corruption, wherever it is cut", async () => {
    for (const at of [0, 5, 19]) {
      const { disk, name, ends } = await sample();
      const file = await disk.open(name, "write");
      await file.setLength(ends[at]!);
      await file.close();
      await assert.rejects(openLog(disk), { code: "LOG_DAMAGED" });
    }
  });

  test("a missing segment is corruption", async () => {
    const disk = new SimDisk().mount();
    {
      await using log = await openLog(disk);
      for (let at = 1; at <= 300; at++) await append(log, entries(at, 1, 900));
    }
    await disk.rename(segmentName("log", 2), "elsewhere");
    await assert.rejects(openLog(disk), { code: "LOG_DAMAGED" });
    await disk.rename("elsewhere", segmentName("log", 2));
    await disk.rename(segmentName("log", 1), "elsewhere");
    await assert.rejects(openLog(disk), { code: "LOG_DAMAGED" });
  });

  test("a segment of a newer format is refused by name", async () => {
    const { disk, name } = await sample();
    const { crc32c } = await import("../std/checksums/index.ts");
    await tamper(disk, name, (bytes) => {
      bytes[8] = 2;
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      view.setUint32(40, crc32c(bytes.subarray(0, 40)), true);
    });
    await assert.rejects(openLog(disk), { code: "LOG_FORMAT_NEWER" });
  });
});

/** A sync that power does not let come to its end. */
const neverSynced = (file: DiskFile): DiskFile => ({
  name: file.name,
  read: (position, length) => file.read(position, length),
  write: (position, chunks) => file.write(position, chunks),
  sync: () => new Promise(() => {}),
  length: () => file.length(),
  setLength: (length) => file.setLength(length),
  close: () => file.close(),
});
