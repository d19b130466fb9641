import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SimDisk } from "../env/sim/disk.ts";
import { utf8 } from "../std/bytes.ts";
import { ByteWriter } from "../std/writer.ts";
import type { GroupIndex, HardState, LogRecord } from "./index.ts";
import { decodePayload, encodePayload, kindNumber, payloadBytesMax } from "./record.ts";
import { append, cutAfter, entries, indexesOf, openLog, range } from "./testing/fixture.ts";

const HUGE = Number.MAX_SAFE_INTEGER;
const HARD_STATE: HardState = { term: 4, vote: 7, commit: 50, incarnation: 0, isLost: false };

const roundTrip = (record: LogRecord): LogRecord | undefined => {
  const writer = new ByteWriter();
  encodePayload(record, writer);
  assert.ok(writer.length <= payloadBytesMax(record));
  return decodePayload(kindNumber(record), record.group, writer.finish());
};

const stateOf = ({ firstIndex, lastIndex, lastTerm, compaction, snapshot }: GroupIndex): object => ({
  ...{ firstIndex, lastIndex, lastTerm, compaction },
  snapshot: snapshot?.index,
});

describe("records of groups of several nodes", () => {
  test("keep every field, also the largest numbers", () => {
    const point = { index: HUGE, term: HUGE };
    const records: LogRecord[] = [
      { kind: "hardState", group: 1, term: HUGE, vote: HUGE, commit: HUGE, incarnation: HUGE, isLost: true },
      { kind: "hardState", group: 1, ...HARD_STATE, isLost: true },
      { kind: "hardState", group: 1, ...HARD_STATE, incarnation: 9 },
      { kind: "hardState", group: 1, ...HARD_STATE },
      { kind: "configuration", group: 1, index: HUGE, bytes: utf8("members") },
      { kind: "compaction", group: 1, ...point },
      { kind: "snapshot", group: 1, ...point, note: utf8("note") },
      { kind: "truncateSuffix", group: 1, fromIndex: HUGE },
      { kind: "removed", group: 1 },
      ...[HUGE, 0].flatMap((firstChangeInDoubt) =>
        [true, false].map((flag) => ({
          ...({ kind: "damaged", group: 1, certainIndex: HUGE, firstMissing: HUGE } as const),
          ...{ areEntriesWhole: flag, isHardStateStale: !flag, firstChangeInDoubt },
        })),
      ),
    ];
    for (const record of records) assert.deepEqual(roundTrip(record), record);
  });

  test("a hard state of the first version reads as of a node that never lost its disk, and is still written so", () => {
    const old = new ByteWriter().varint(4).varint(7).varint(50).finish();
    const record: LogRecord = { kind: "hardState", group: 1, ...HARD_STATE };
    assert.deepEqual(decodePayload(2, 1, old), record);
    const writer = new ByteWriter();
    encodePayload(record, writer);
    assert.deepEqual(writer.finish(), old);
  });

  test("damage as the first version told it does not say that the entries are whole", () => {
    const old = new ByteWriter().varint(10).varint(15).u8(1).finish();
    const damage = { certainIndex: 10, firstMissing: 15, isHardStateStale: true };
    const record = { kind: "damaged", group: 1, ...damage, areEntriesWhole: false, firstChangeInDoubt: 0 } as const;
    assert.deepEqual(decodePayload(kindNumber(record), 1, old), record);
    const flags = new ByteWriter().varint(10).varint(15).u8(8).finish();
    assert.equal(decodePayload(kindNumber(record), 1, flags), undefined);
  });

  test("a hard state with a field more, and a flag that is none, are of a newer version", () => {
    const longer = new ByteWriter().varint(4).varint(7).varint(50).varint(1).u8(1).u8(0).finish();
    const flag = new ByteWriter().varint(4).varint(7).varint(50).varint(1).u8(2).finish();
    for (const payload of [longer, flag]) assert.equal(decodePayload(2, 1, payload), undefined);
  });

  test("the latest configuration counts, is carried on by a release, and survives a reopening", async () => {
    const disk = new SimDisk().mount();
    const lost: HardState = { ...HARD_STATE, commit: 0, incarnation: 12, isLost: true };
    {
      await using log = await openLog(disk);
      await append(log, { kind: "configuration", group: 2, index: 1, bytes: utf8("one") });
      await append(log, { kind: "configuration", group: 2, index: 5, bytes: utf8("two") });
      await append(log, { kind: "hardState", group: 2, ...lost });
      for (let at = 1; at <= 300; at++) await append(log, entries(at, 1, 900));
      await append(log, { kind: "compaction", group: 1, index: 290, term: 1 });
      const before = (await disk.list("log")).length;
      await log.release();
      assert.ok((await disk.list("log")).length < before);
    }
    await using log = await openLog(disk);
    assert.deepEqual(log.group(2).configuration, { index: 5, bytes: utf8("two") });
    assert.deepEqual(log.group(2).hardState, lost);
  });
});

describe("a snapshot that replaces a log", () => {
  const installation = (index: number): LogRecord[] => [
    { kind: "snapshot", group: 1, index, term: 3, note: utf8("file") },
    { kind: "truncateSuffix", group: 1, fromIndex: index + 1 },
    { kind: "compaction", group: 1, index, term: 3 },
    { kind: "hardState", group: 1, ...HARD_STATE, commit: index },
  ];

  for (const [title, index] of [
    ["ahead of its end", 200],
    ["of which an entry inside has another term", 55],
  ] as const) {
    test(`${title} leaves an empty log behind it, at once and after a reopening`, async () => {
      const disk = new SimDisk().mount();
      const expected = {
        ...{ firstIndex: index + 1, lastIndex: index, lastTerm: 3, compaction: { index, term: 3 } },
        snapshot: index,
      };
      {
        await using log = await openLog(disk);
        await append(log, entries(1, 60));
        await append(log, { kind: "compaction", group: 1, index: 40, term: 1 });
        await append(log, ...installation(index));
        assert.deepEqual(stateOf(log.group(1)), expected);
        assert.equal(log.group(1).entryBytes, 0);
        assert.equal(log.group(1).termOf(index), 3);
        assert.equal(log.group(1).termOf(60), undefined);
      }
      {
        await using log = await openLog(disk);
        assert.deepEqual(stateOf(log.group(1)), expected);
        await append(log, entries(index + 1, 3));
      }
      await using log = await openLog(disk);
      assert.deepEqual(await indexesOf(log), range(index + 1, index + 3));
    });
  }

  test("is as good where all entries were truncated before it", async () => {
    const disk = new SimDisk().mount();
    {
      await using log = await openLog(disk);
      await append(log, entries(1, 60));
      await append(log, { kind: "compaction", group: 1, index: 40, term: 1 });
      const [snapshot, , compaction] = installation(200);
      await append(log, { kind: "truncateSuffix", group: 1, fromIndex: 41 }, compaction!, snapshot!);
      await append(log, entries(201, 1));
    }
    await using log = await openLog(disk);
    assert.deepEqual(await indexesOf(log), [201]);
  });

  test("leaves a log that its hard state agrees with wherever a crash cuts it off", async () => {
    const seen = new Set<number>();
    for (let kept = 0; kept <= 4; kept++) {
      const disk = new SimDisk().mount();
      {
        await using log = await openLog(disk);
        await append(log, entries(1, 60), { kind: "hardState", group: 1, ...HARD_STATE });
        await append(log, { kind: "compaction", group: 1, index: 40, term: 1 });
        await append(log, ...installation(200));
      }
      // Entries, hard state and compaction come before, the mark of the closing behind.
      await cutAfter(disk, 3 + kept);
      await using log = await openLog(disk);
      const { lastIndex, compaction, hardState } = log.group(1);
      seen.add(lastIndex);
      assert.ok(lastIndex >= Math.min(hardState!.commit, compaction.index), `${kept} records kept`);
      assert.ok(hardState!.commit <= lastIndex, `${kept} records kept`);
    }
    assert.deepEqual([...seen], [60, 200]);
  });

  test("is read back where the segments of the old log are gone, and where only its entries are left", async () => {
    const disk = new SimDisk().mount();
    {
      await using log = await openLog(disk);
      for (let at = 1; at <= 300; at++) await append(log, entries(at, 1, 900));
      await append(log, { kind: "compaction", group: 1, index: 200, term: 1 });
      await log.release();
      await append(log, ...installation(1000));
      for (let at = 1001; at <= 1100; at++) await append(log, entries(at, 1, 900));
    }
    {
      await using log = await openLog(disk);
      assert.deepEqual(await indexesOf(log), range(1001, 1100));
      await log.release();
    }
    await using log = await openLog(disk);
    assert.deepEqual(await indexesOf(log), range(1001, 1100));
    assert.equal(log.group(1).snapshot?.index, 1000);
  });
});

describe("a removed group", () => {
  test("leaves nothing behind, and its id begins anew", async () => {
    const disk = new SimDisk().mount();
    const removed: LogRecord = { kind: "removed", group: 2 };
    {
      await using log = await openLog(disk);
      await append(log, entries(1, 60, 100, 2), { kind: "hardState", group: 2, ...HARD_STATE, incarnation: 5 });
      await append(log, { kind: "configuration", group: 2, index: 1, bytes: utf8("members") });
      await append(log, { kind: "compaction", group: 2, index: 10, term: 1 });
      const index = log.group(2);
      await append(log, removed);
      assert.deepEqual([index.firstIndex, index.lastIndex, index.entryBytes], [1, 0, 0]);
      assert.deepEqual(
        [index.hardState, index.configuration, index.marksBefore(Number.POSITIVE_INFINITY)],
        [undefined, undefined, []],
      );
      assert.deepEqual([...log.groups()], []);
    }
    {
      await using log = await openLog(disk);
      assert.deepEqual([...log.groups()], []);
      await append(log, entries(1, 2, 100, 2));
    }
    await using log = await openLog(disk);
    assert.deepEqual(await indexesOf(log, 2), [1, 2]);
    assert.equal(log.group(2).hardState, undefined);
  });

  test("holds no segment, and does not come back as its segments go", async () => {
    const disk = new SimDisk().mount();
    {
      await using log = await openLog(disk);
      await append(log, entries(1, 60, 100, 2), { kind: "hardState", group: 2, ...HARD_STATE });
      for (let at = 1; at <= 100; at++) await append(log, entries(at, 1, 900));
      await append(log, { kind: "removed", group: 2 });
      for (let at = 101; at <= 300; at++) await append(log, entries(at, 1, 900));
    }
    const before = (await disk.list("log")).length;
    for (const index of [50, 150, 290]) {
      await using log = await openLog(disk);
      assert.deepEqual(
        Array.from(log.groups(), ({ group }) => group),
        [1],
      );
      await append(log, { kind: "compaction", group: 1, index, term: 1 });
      await log.release();
    }
    assert.ok((await disk.list("log")).length < before);
    await using log = await openLog(disk);
    assert.deepEqual(
      Array.from(log.groups(), ({ group }) => group),
      [1],
    );
  });
});

test("a compaction mark behind a later one is passed over: the later one is carried on as segments go", async () => {
  const disk = new SimDisk().mount();
  {
    await using log = await openLog(disk);
    await append(log, entries(1, 20), { kind: "compaction", group: 1, index: 20, term: 1 });
    for (let at = 0; at < 40; at++) await append(log, entries(1 + at * 20, 20, 100, 2));
    await append(log, { kind: "compaction", group: 1, index: 5, term: 1 });
    await append(log, { kind: "compaction", group: 2, index: 790, term: 1 });
    await log.release();
  }
  await using log = await openLog(disk);
  assert.deepEqual([log.group(1).compaction.index, log.group(1).lastIndex], [20, 20]);
});
