import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { configurationOf } from "../../core/raft/index.ts";
import type { Disk } from "../../env/index.ts";
import { SimDisk } from "../../env/sim/index.ts";
import type { Log, LogRecord } from "../../log/index.ts";
import { utf8 } from "../../std/bytes.ts";
import { sourceOf } from "../../std/source.ts";
import type { Members } from "../members/members.ts";
import { appendTo, openLog } from "../testing/open-log.ts";
import { Recorder } from "../testing/recorder.ts";
import { restoreMachine } from "./machine-restore.ts";
import { SnapshotFolder, type StoredSnapshot } from "./snapshot-folder.ts";

const GROUP = 7;
const CONFIGURATION = configurationOf({ voters: [1, 2, 3] });
const MEMBERS: Members = { index: 2, foundedAt: 2, configuration: CONFIGURATION };

class DurableRecorder extends Recorder {
  readonly isDurable = true;
}

const entries = (firstIndex: number, lastIndex: number, term: number): LogRecord => ({
  ...{ kind: "entries", group: GROUP, firstIndex, term },
  entries: Array.from({ length: lastIndex - firstIndex + 1 }, () => utf8("x")),
});
const compaction = (index: number, term: number): LogRecord => ({ kind: "compaction", group: GROUP, index, term });

async function fixture(...records: LogRecord[]): Promise<{
  readonly disk: Disk;
  readonly log: Log;
  readonly folder: SnapshotFolder;
  readonly write: (index: number, term: number) => Promise<StoredSnapshot>;
  readonly restore: (machine: Recorder, members?: Members | undefined) => Promise<readonly number[]>;
}> {
  const disk = new SimDisk().mount();
  const log = await openLog(disk);
  if (records.length > 0) await appendTo(log, ...records);
  const folder = new SnapshotFolder(disk, "raft/7");
  const write = (index: number, term: number): Promise<StoredSnapshot> => {
    const state = sourceOf(utf8(JSON.stringify([`state ${index}`])));
    return folder.write({ group: GROUP, index, term, configuration: CONFIGURATION }, state);
  };
  const restore = async (machine: Recorder, members: Members | undefined = MEMBERS): Promise<readonly number[]> => {
    const kept = await restoreMachine({ log, group: GROUP, folder, machine, members });
    return kept.map(({ index }) => index);
  };
  return { disk, log, folder, write, restore };
}

describe("a machine in memory", () => {
  test("takes the newest snapshot, and the older one is kept", async () => {
    const { write, restore } = await fixture(compaction(5, 1), entries(6, 20, 1));
    for (const index of [5, 10]) await write(index, 1);
    const machine = new Recorder();
    assert.deepEqual(await restore(machine), [10, 5]);
    assert.deepEqual([machine.appliedIndex, machine.commands], [10, ["state 10"]]);
  });

  test("of a founder begins at the founding index, without any snapshot", async () => {
    const { restore } = await fixture(compaction(2, 1));
    const machine = new Recorder();
    assert.deepEqual(await restore(machine), []);
    assert.equal(machine.appliedIndex, 2);
  });

  test("takes the older snapshot where the newer one is damaged", async () => {
    const { disk, write, restore } = await fixture(compaction(5, 1), entries(6, 20, 1));
    await write(5, 1);
    const { name } = await write(10, 1);
    const file = await disk.open(name, "write");
    await file.write(3, [Uint8Array.of(0xff)]);
    await file.close();
    const machine = new Recorder();
    assert.deepEqual(await restore(machine), [5]);
    assert.equal(machine.appliedIndex, 5);
    assert.deepEqual(await disk.list("raft/7"), ["snapshot-0000000000000005-0000000000000001"]);
  });

  test("is told that its snapshot is damaged, or missing, where the log does not hold what it lacks", async () => {
    const { disk, write, restore } = await fixture(compaction(5, 1), entries(6, 20, 1));
    await assert.rejects(restore(new Recorder()), { code: "COMPACTED" });
    const { name } = await write(5, 1);
    const file = await disk.open(name, "write");
    await file.write(3, [Uint8Array.of(0xff)]);
    await file.close();
    await assert.rejects(restore(new Recorder()), { code: "SNAPSHOT_DAMAGED" });
  });
});

describe("an installation that a crash broke off", () => {
  test("before its marks leaves the old log and state, where the log ends before the snapshot", async () => {
    const { disk, write, restore } = await fixture(compaction(5, 1), entries(6, 9, 1));
    await write(5, 1);
    await write(50, 4);
    const machine = new Recorder();
    assert.deepEqual(await restore(machine), [5]);
    assert.equal(machine.appliedIndex, 5);
    assert.equal((await disk.list("raft/7")).length, 1);
  });

  test("before its marks leaves the old state, also where the old log is longer but of another leader", async () => {
    const { write, restore } = await fixture(compaction(5, 1), entries(6, 60, 2));
    await write(5, 1);
    await write(50, 4);
    const machine = new Recorder();
    assert.deepEqual(await restore(machine), [5]);
    assert.equal(machine.appliedIndex, 5, "entries of a leader that lost are not what the snapshot holds");
  });

  test("behind its marks leaves the new log, and the file to restore from", async () => {
    for (const machine of [new Recorder(), new DurableRecorder()]) {
      const { write, restore } = await fixture(
        ...[compaction(5, 1), entries(6, 60, 2)],
        ...[{ kind: "truncateSuffix", group: GROUP, fromIndex: 51 } as const, compaction(50, 4)],
      );
      await write(5, 1);
      await write(50, 4);
      await restore(machine);
      assert.deepEqual([machine.appliedIndex, machine.commands], [50, ["state 50"]]);
    }
  });
});

describe("a machine on disk", () => {
  test("keeps its state, and no snapshot is needed any more", async () => {
    const { disk, write, restore } = await fixture(compaction(5, 1), entries(6, 20, 1));
    await write(5, 1);
    const machine = new DurableRecorder();
    machine.appliedIndex = 12;
    assert.deepEqual(await restore(machine), []);
    assert.deepEqual([machine.appliedIndex, machine.restores], [12, 0]);
    assert.deepEqual(await disk.list("raft/7"), []);
  });

  test("ahead of its log is refused: part of the log is missing", async () => {
    const { restore } = await fixture(compaction(5, 1), entries(6, 20, 1));
    const machine = new DurableRecorder();
    machine.appliedIndex = 21;
    await assert.rejects(restore(machine), { code: "LOG_BEHIND" });
  });

  test("of a node without members counts no more than its log, and old snapshots go", async () => {
    const { disk, log, folder, write } = await fixture();
    await write(5, 1);
    const machine = new DurableRecorder();
    machine.appliedIndex = 12;
    const kept = await restoreMachine({ log, group: GROUP, folder, machine, members: undefined });
    assert.deepEqual([kept, await disk.list("raft/7")], [[], []]);
  });
});
