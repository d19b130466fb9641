import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Disk, Timers } from "../env/index.ts";
import { SimDisk } from "../env/sim/index.ts";
import { Log } from "../log/index.ts";
import { utf8 } from "../std/bytes.ts";
import { Prng } from "../std/prng.ts";
import { type Entry, SoloGroup, type SoloGroupLimits, type StateMachine } from "./index.ts";

/** Remembers commands; its result is how many it had seen before. */
class Recorder implements StateMachine<number> {
  appliedIndex: number;
  applies = 0;
  readonly commands: string[] = [];
  fail: Error | undefined;

  constructor(appliedIndex = 0) {
    this.appliedIndex = appliedIndex;
  }

  apply(entries: readonly Entry[]): number[][] {
    if (this.fail !== undefined) throw this.fail;
    this.applies++;
    return entries.map((entry) => {
      assert.equal(entry.index, this.appliedIndex + 1);
      this.appliedIndex = entry.index;
      return entry.commands.map((command) => this.commands.push(new TextDecoder().decode(command)) - 1);
    });
  }
}

const timers: Timers = { after: () => ({ cancel() {} }), endOfTurn: (run) => void setImmediate(run) };

async function openLog(disk: Disk): Promise<Log> {
  const prng = new Prng(1);
  const random = { bytes: (length: number) => prng.bytes(length), u32: () => prng.u32() };
  return Log.open({ disk, random }, { options: { segmentBytes: 256 * 1024 }, onFatal: () => {} });
}

const openGroup = (
  log: Log,
  machine: Recorder,
  limits: Partial<SoloGroupLimits> = {},
  onFatal?: (error: Error) => void,
) => SoloGroup.open({ log, timers, group: 1, machine, limits, ...(onFatal && { onFatal }) });

describe("a group of one", () => {
  test("answers with the machine's results, and a turn's commands share an entry", async () => {
    await using log = await openLog(new SimDisk().mount());
    const machine = new Recorder();
    await using group = await openGroup(log, machine);
    const results = await Promise.all(["a", "b", "c"].map((name) => group.propose(utf8(name))));
    assert.deepEqual(results, [0, 1, 2]);
    assert.equal(machine.appliedIndex, 1);
    assert.equal(machine.applies, 1);
  });

  test("replays what a machine lacks after a restart, and only that", async () => {
    const disk = new SimDisk().mount();
    {
      await using log = await openLog(disk);
      await using group = await openGroup(log, new Recorder());
      for (let at = 0; at < 50; at++) await group.propose(utf8(`${at}`));
    }
    await using log = await openLog(disk);
    const behind = new Recorder(20);
    await using _ = await openGroup(log, behind);
    assert.deepEqual(
      behind.commands,
      Array.from({ length: 30 }, (__, at) => `${at + 20}`),
    );
  });

  test("refuses a machine that lacks compacted entries, or that holds more than the log", async () => {
    await using log = await openLog(new SimDisk().mount());
    await using group = await openGroup(log, new Recorder());
    for (let at = 0; at < 10; at++) await group.propose(utf8(`${at}`));
    await group.compact(6);
    await assert.rejects(openGroup(log, new Recorder(5)), { code: "COMPACTED" });
    await assert.rejects(openGroup(log, new Recorder(11)), { code: "LOG_BEHIND" });
    await using _ = await openGroup(log, new Recorder(6));
  });

  test("refuses more than its limits before anything is written", async () => {
    await using log = await openLog(new SimDisk().mount());
    await using group = await openGroup(log, new Recorder(), { waitingMax: 2, waitingBytesMax: 10 });
    const accepted = [group.propose(utf8("a")), group.propose(utf8("b"))];
    await assert.rejects(group.propose(utf8("c")), { code: "OVERLOADED" });
    await Promise.all(accepted);
    await assert.rejects(group.propose(utf8("eleven bytes")), { code: "OVERLOADED" });
    assert.equal(await group.propose(utf8("d")), 2);
  });

  test("cuts a turn into entries of the given size", async () => {
    await using log = await openLog(new SimDisk().mount());
    const machine = new Recorder();
    await using group = await openGroup(log, machine, { entryBytesMax: 100 });
    const results = await Promise.all(Array.from({ length: 10 }, () => group.propose(utf8("x".repeat(40)))));
    assert.deepEqual(results, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.equal(machine.appliedIndex, 5);
  });

  test("takes more in one turn than a segment of the log holds", async () => {
    const disk = new SimDisk().mount();
    await using log = await openLog(disk);
    const machine = new Recorder();
    await using group = await openGroup(log, machine, { entryBytesMax: 32 * 1024 });
    const results = await Promise.all(Array.from({ length: 30 }, () => group.propose(utf8("x".repeat(30_000)))));
    assert.deepEqual(results, [...results.keys()]);
    assert.ok((await disk.list("log")).filter((name) => name.endsWith(".log")).length <= 5);
  });

  test("gives no answer that is not on disk: a failed sync leaves the outcome unknown", async () => {
    const device = new SimDisk();
    const log = await openLog(device.mount());
    const machine = new Recorder();
    const group = await openGroup(log, machine);
    device.failNext("sync");
    await assert.rejects(group.propose(utf8("a")), { code: "STOPPED" });
    await assert.rejects(group.propose(utf8("b")), { code: "STOPPED" });
    assert.deepEqual(machine.commands, []);
    await log.close();
  });

  test("stops when its machine fails, and tells the node", async () => {
    await using log = await openLog(new SimDisk().mount());
    const machine = new Recorder();
    const fatal: Error[] = [];
    const group = await openGroup(log, machine, {}, (error) => fatal.push(error));
    machine.fail = new TypeError("a row failed its checksum");
    await assert.rejects(group.propose(utf8("a")), { code: "STOPPED" });
    await assert.rejects(group.propose(utf8("b")), { code: "STOPPED" });
    assert.deepEqual(fatal, [machine.fail]);
    await group[Symbol.asyncDispose]();
  });
});
