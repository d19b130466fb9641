import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Env, envFailure } from "../env/index.ts";
import { SimClock, SimDisk, SimProcess, SimRandom, SimScheduler, SimTimers } from "../env/sim/index.ts";
import { Log } from "../log/index.ts";
import { utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { Prng } from "../std/prng.ts";
import { ByteWriter } from "../std/writer.ts";
import type { HostedGroup } from "./hosted-group.ts";
import { type OpenGroupOptions, RaftHost } from "./raft-host.ts";
import { appended } from "./snapshots/group-snapshots.ts";
import { Recorder } from "./testing/recorder.ts";

const GROUP = 1;
type HostEnv = Pick<Env, "clock" | "timers" | "random" | "disk">;

/** One node whose groups have no other members, in virtual time. */
class SoleNode implements AsyncDisposable {
  readonly log: Log;
  readonly host: RaftHost;
  readonly fatal: Error[] = [];

  static async start(env: HostEnv): Promise<SoleNode> {
    const fatal: Error[] = [];
    const log = await Log.open(env, { options: { segmentBytes: 256 * 1024 }, onFatal: () => {} });
    const host = await RaftHost.start({ nodeId: 1, env, log, onFatal: (error) => fatal.push(error) });
    return new SoleNode(log, host, fatal);
  }

  private constructor(log: Log, host: RaftHost, fatal: Error[]) {
    this.log = log;
    this.host = host;
    this.fatal = fatal;
  }

  open(machine: Recorder, more: Partial<OpenGroupOptions<number>> = {}): Promise<HostedGroup<number>> {
    return this.host.openSoleGroup({ id: GROUP, machine, ...more });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]();
    await this.log.close();
  }
}

function nodeTest(name: string, run: (start: () => Promise<SoleNode>, device: SimDisk) => Promise<void>): void {
  test(name, () => {
    const scheduler = new SimScheduler();
    const device = new SimDisk();
    const clock = new SimClock(scheduler);
    const timers = new SimTimers(new SimProcess(scheduler, "node"), clock);
    const env = { clock, timers, random: new SimRandom(new Prng(1)), disk: device.mount() };
    return scheduler.settle(run(() => SoleNode.start(env), device));
  });
}

const proposeEach = async (group: HostedGroup<number>, from: number, to: number): Promise<void> => {
  for (let at = from; at < to; at++) await group.propose(utf8(`${at}`));
};

/** A machine that keeps its own state, as it was when it held so many commands. */
function onDisk(appliedIndex: number): Recorder {
  const machine = new Recorder();
  machine.appliedIndex = appliedIndex;
  Object.assign(machine, { isDurable: true, capture: undefined, restore: undefined });
  return machine;
}

describe("a group of one", () => {
  nodeTest("answers with the machine's results, and a turn's commands share an entry", async (start) => {
    await using node = await start();
    const machine = new Recorder();
    await using group = await node.open(machine);
    await group.propose(utf8("first"));
    const before = machine.appliedIndex;
    const results = await Promise.all(["a", "b", "c"].map((name) => group.propose(utf8(name))));
    assert.deepEqual(results, [1, 2, 3]);
    assert.equal(machine.appliedIndex, before + 1);
  });

  nodeTest("replays what a machine lacks after a restart, and only that", async (start) => {
    let behindAt = 0;
    {
      await using node = await start();
      const machine = new Recorder();
      await using group = await node.open(machine);
      await proposeEach(group, 0, 20);
      behindAt = machine.appliedIndex;
      await proposeEach(group, 20, 50);
    }
    await using node = await start();
    const behind = onDisk(behindAt);
    await using _ = await node.open(behind);
    assert.deepEqual(
      behind.commands,
      Array.from({ length: 30 }, (__, at) => `${at + 20}`),
    );
  });

  nodeTest("refuses a machine that lacks compacted entries, or that holds more than the log", async (start) => {
    await using node = await start();
    const machine = onDisk(0);
    const group = await node.open(machine);
    await proposeEach(group, 0, 10);
    const { appliedIndex } = machine;
    await group.compact(appliedIndex - 4);
    await group[Symbol.asyncDispose]();
    await assert.rejects(node.open(onDisk(appliedIndex - 5)), { code: "COMPACTED" });
    await assert.rejects(node.open(onDisk(appliedIndex + 1)), { code: "LOG_BEHIND" });
    await using _ = await node.open(onDisk(appliedIndex - 4));
  });

  nodeTest("refuses more than its limits before anything is written", async (start) => {
    await using node = await start();
    await using group = await node.open(new Recorder(), { limits: { waitingMax: 2, waitingBytesMax: 10 } });
    const accepted = [group.propose(utf8("a")), group.propose(utf8("b"))];
    await assert.rejects(group.propose(utf8("c")), { code: "OVERLOADED" });
    await Promise.all(accepted);
    await assert.rejects(group.propose(utf8("eleven bytes")), { code: "OVERLOADED" });
    assert.equal(await group.propose(utf8("d")), 2);
    const { recordBytesMax } = node.log;
    await assert.rejects(group.propose(new Uint8Array(recordBytesMax)), { code: "COMMAND_TOO_LARGE" });
  });

  nodeTest("cuts a turn into entries of the given size", async (start) => {
    await using node = await start();
    const machine = new Recorder();
    await using group = await node.open(machine, { limits: { entryBytesMax: 100 } });
    await group.propose(utf8("first"));
    const before = machine.appliedIndex;
    const results = await Promise.all(Array.from({ length: 10 }, () => group.propose(utf8("x".repeat(40)))));
    assert.deepEqual(results, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert.equal(machine.appliedIndex, before + 5);
  });

  nodeTest("takes more in one turn than a segment of the log holds", async (start, device) => {
    await using node = await start();
    await using group = await node.open(new Recorder(), { limits: { entryBytesMax: 32 * 1024 } });
    const results = await Promise.all(Array.from({ length: 30 }, () => group.propose(utf8("x".repeat(30_000)))));
    assert.deepEqual(results, [...results.keys()]);
    const names = await device.mount().list("log");
    assert.ok(names.filter((name) => name.endsWith(".log")).length > 3);
  });

  nodeTest("gives no answer that is not on disk: a failed sync leaves the outcome unknown", async (start, device) => {
    await using node = await start();
    const machine = new Recorder();
    const group = await node.open(machine);
    await group.propose(utf8("first"));
    device.failNext("sync");
    await assert.rejects(group.propose(utf8("a")), { code: "STOPPED" });
    await assert.rejects(group.propose(utf8("b")), { code: "STOPPED" });
    assert.deepEqual(machine.commands, ["first"]);
    assert.equal(node.fatal.length, 1);
  });

  nodeTest("stops when its machine fails, and tells the node", async (start) => {
    await using node = await start();
    const machine = new Recorder();
    const group = await node.open(machine);
    machine.fail = envFailure("INDEX_DAMAGED");
    await assert.rejects(group.propose(utf8("a")), { code: "STOPPED" });
    await assert.rejects(
      group.propose(utf8("b")),
      (error: Error) => hasCode(error, "STOPPED") && error.cause === machine.fail,
    );
    assert.deepEqual(node.fatal, [machine.fail]);
    await group[Symbol.asyncDispose]();
  });

  nodeTest("goes on from a log that says nothing of members, at any place of the machine", async (start) => {
    for (let behind = 0; behind <= 3; behind++) {
      await using node = await start();
      const group = GROUP + behind;
      const entries = ["a", "b", "c"].map((name) => new ByteWriter(16).u8(1).varint(1).blob(utf8(name)).finish());
      await appended(node.log, [{ kind: "entries", group, firstIndex: 1, term: 1, entries }]);
      const machine = onDisk(behind);
      await using opened = await node.open(machine, { id: group });
      assert.deepEqual(machine.commands, ["a", "b", "c"].slice(behind));
      assert.equal(await opened.propose(utf8("d")), 3 - behind);
    }
  });
});
