import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { configurationOf } from "../core/raft/index.ts";
import { SimMachine, SimScheduler } from "../env/sim/index.ts";
import { Log, type LogRecord } from "../log/index.ts";
import { utf8 } from "../std/bytes.ts";
import { ByteWriter } from "../std/writer.ts";
import type { HostedGroup } from "./hosted-group.ts";
import { encodeMembers, FOUNDING_INDEX, FOUNDING_TERM } from "./members/members.ts";
import { RaftHost } from "./raft-host.ts";
import { appendTo } from "./testing/open-log.ts";
import { Recorder } from "./testing/recorder.ts";
import { GROUP, SimHosts } from "./testing/sim-hosts.ts";

const FOUNDERS = configurationOf({ voters: [1, 2, 3] });
const COMMANDS = 1;

/** What a founder writes when the group begins. */
function foundation(): LogRecord[] {
  const index = FOUNDING_INDEX;
  const bytes = encodeMembers({ index, foundedAt: index, configuration: FOUNDERS });
  const state = { term: FOUNDING_TERM, vote: 0, commit: index, incarnation: 0, isLost: false };
  return [
    { kind: "configuration", group: GROUP, index, bytes },
    { kind: "compaction", group: GROUP, index, term: FOUNDING_TERM },
    { kind: "hardState", group: GROUP, ...state },
  ];
}

/** An entry as groups of one wrote it before there were larger ones. */
function oldEntry(command: string): Uint8Array {
  return new ByteWriter().u8(COMMANDS).varint(1).blob(utf8(command)).finish();
}

async function withLog<T>(scheduler: SimScheduler, machine: SimMachine, use: (log: Log) => Promise<T>): Promise<T> {
  const { env } = machine;
  const opened = Log.open(env, { options: { segmentBytes: 256 * 1024 }, onFatal: () => {}, onDamage: "set-aside" });
  const log = await scheduler.settle(opened);
  try {
    return await scheduler.settle(use(log));
  } finally {
    await scheduler.settle(log.close());
  }
}

/** Opens the group as one whose only founder is this node, and gives what its machine holds. */
async function openAlone(
  scheduler: SimScheduler,
  machine: SimMachine,
  use: (group: HostedGroup<number>) => Promise<unknown> = async () => {},
): Promise<readonly string[]> {
  return withLog(scheduler, machine, async (log) => {
    const host = await RaftHost.start({ nodeId: 1, env: machine.env, log });
    const recorder = new Recorder();
    try {
      const group = await host.openSoleGroup({ id: GROUP, machine: recorder });
      await use(group);
      await group[Symbol.asyncDispose]();
      return recorder.commands;
    } finally {
      await host[Symbol.asyncDispose]();
    }
  });
}

describe("a founding that a power cut broke off", () => {
  for (const count of [1, 2, 3]) {
    for (const torn of [[1], [1, 2], [1, 2, 3]]) {
      test(`behind ${count} of its records on ${torn.length} of three nodes is finished by them`, async () => {
        await using hosts = new SimHosts([1, 2, 3]);
        for (const id of torn) {
          const node = await hosts.settle(hosts.start(id));
          await hosts.settle(appendTo(node.log, ...foundation().slice(0, count)));
          hosts.crash(id);
        }
        const opens = [1, 2, 3].map((id) => (torn.includes(id) ? hosts.revive(id) : hosts.add(id)));
        await hosts.settle(Promise.all(opens));
        await hosts.leader();
        for (const { group } of hosts.nodes.values()) {
          assert.equal(group.status.isLost, false);
          await hosts.settle(group.propose(utf8("a")));
        }
        for (const { recorder, group } of hosts.nodes.values()) {
          await hosts.settle(group.readBarrier());
          assert.deepEqual(recorder.commands, ["a", "a", "a"]);
        }
      });
    }
  }
});

describe("a log from before there were groups of several members", () => {
  const records: LogRecord[] = [
    { kind: "entries", group: GROUP, firstIndex: 1, term: 1, entries: ["a", "b", "c"].map(oldEntry) },
  ];

  test("is fed to an empty machine from its first entry on", async () => {
    const scheduler = new SimScheduler();
    const machine = new SimMachine({ seed: 1, scheduler });
    await withLog(scheduler, machine, (log) => appendTo(log, ...records));
    for (const expected of [
      ["a", "b", "c", "d"],
      ["a", "b", "c", "d", "d"],
    ]) {
      const commands = await openAlone(scheduler, machine, (group) => group.propose(utf8("d")));
      assert.deepEqual(commands, expected);
    }
  });

  test("that is damaged is not given up, whether or not it says who the members are", async () => {
    const scheduler = new SimScheduler();
    const machine = new SimMachine({ seed: 1, scheduler });
    await withLog(scheduler, machine, async (log) => {
      for (let at = 0; at < 50; at++) {
        const entries = [oldEntry(`command ${at}`)];
        await appendTo(log, { kind: "entries", group: GROUP, firstIndex: at + 1, term: 1, entries });
      }
    });
    machine.disk.rot("log/0000000000000001.log", 4096 + 1000);
    await assert.rejects(openAlone(scheduler, machine), { code: "LOG_INCOMPLETE" });
    await assert.rejects(openAlone(scheduler, machine), { code: "LOG_INCOMPLETE" });
  });
});

describe("a log of which a part is lost", () => {
  test("begins no group of one: it may have been in that part", async () => {
    const scheduler = new SimScheduler();
    const machine = new SimMachine({ seed: 1, scheduler });
    await withLog(scheduler, machine, async (log) => {
      for (let at = 0; at < 50; at++) {
        await appendTo(log, { kind: "configuration", group: 99, index: at, bytes: new Uint8Array(100) });
      }
    });
    machine.disk.rot("log/0000000000000001.log", 4096 + 1000);
    await assert.rejects(openAlone(scheduler, machine), { code: "LOG_INCOMPLETE" });
  });
});
