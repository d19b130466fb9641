import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ChangeType, change } from "../core/raft/index.ts";
import { utf8 } from "../std/bytes.ts";
import type { DecodedEntry } from "./requests/entry.ts";
import { Recorder } from "./testing/recorder.ts";
import { GROUP, SimHosts, type SimNode } from "./testing/sim-hosts.ts";

const numbered = (count: number): string[] => Array.from({ length: count }, (_, at) => `c${at}`);

async function others(hosts: SimHosts): Promise<readonly [SimNode, readonly SimNode[]]> {
  const leader = await hosts.leader();
  return [leader, [...hosts.nodes.values()].filter(({ id }) => id !== leader.id)];
}

describe("a group that closes", () => {
  test("answers what is under way, takes nothing more, and lets another member lead at once", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const [leader, rest] = await others(hosts);
    const calls = numbered(5).map((name) => leader.group.propose(utf8(name)));
    const closing = leader.group[Symbol.asyncDispose]();
    await assert.rejects(leader.group.propose(utf8("late")), { code: "STOPPED" });
    await assert.rejects(leader.group.readBarrier(), { code: "STOPPED" });
    await assert.rejects(leader.group.changeMembers({ transition: "auto", changes: [] }), { code: "STOPPED" });
    assert.deepEqual(await hosts.settle(Promise.all(calls)), [0, 1, 2, 3, 4]);
    const began = hosts.scheduler.nowMillis;
    await hosts.settle(closing);
    await hosts.until(() => rest.some(({ group }) => group.isLeader));
    assert.ok(hosts.scheduler.nowMillis - began < 1_000, "nobody waited for an election timeout");
  });

  test("does not wait long for a member that can not lead", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const [leader, rest] = await others(hosts);
    for (const { id } of rest) hosts.network.isolate(id);
    const began = hosts.scheduler.nowMillis;
    await hosts.settle(leader.group[Symbol.asyncDispose]());
    assert.ok(hosts.scheduler.nowMillis - began <= 700);
    hosts.network.heal();
  });

  test("can be opened again at once, in the middle of what others append, and holds all of it", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const [leader, [follower]] = await others(hosts);
    const node = follower!;
    for (let round = 0; round < 5; round++) {
      const calls = numbered(20).map((name) => leader.group.propose(utf8(`${round}${name}`)));
      await hosts.elapse(0.5 + round * 0.2);
      await hosts.settle(node.group[Symbol.asyncDispose]());
      node.recorder = new Recorder();
      node.group = await hosts.settle(node.host.openGroup({ id: GROUP, machine: node.recorder }));
      await hosts.settle(Promise.all(calls));
    }
    await hosts.settle(node.group.readBarrier());
    assert.deepEqual(node.recorder.commands, leader.recorder.commands);
    assert.equal(node.failure, undefined);
  });

  test("twice is closed once, and one opened after it stays open", async () => {
    await using hosts = await SimHosts.start([1]);
    const node = await hosts.leader();
    const first = node.group;
    await hosts.settle(Promise.all([first[Symbol.asyncDispose](), first[Symbol.asyncDispose]()]));
    node.recorder = new Recorder();
    node.group = await hosts.settle(node.host.openGroup({ id: GROUP, machine: node.recorder }));
    await hosts.settle(first[Symbol.asyncDispose]());
    await hosts.until(() => node.group.isLeader);
    assert.equal(await hosts.settle(node.group.propose(utf8("a"))), 0);
  });

  test("that is opened again in one process does not take what it sent before for its own", async () => {
    await using hosts = await SimHosts.start([1]);
    const node = await hosts.leader();
    const lives: number[] = [];
    class Watching extends Recorder {
      override apply(entries: readonly DecodedEntry[]) {
        for (const { commands, life } of entries) if (commands.length > 0) lives.push(life);
        return super.apply(entries);
      }
    }
    await hosts.settle(node.group.propose(utf8("a")));
    await hosts.settle(node.group[Symbol.asyncDispose]());
    node.recorder = new Watching();
    node.group = await hosts.settle(node.host.openGroup({ id: GROUP, machine: node.recorder }));
    await hosts.until(() => node.group.isLeader);
    assert.equal(await hosts.settle(node.group.propose(utf8("b"))), 1);
    assert.equal(lives.length, 2);
    assert.notEqual(lives[0], lives[1]);
  });
});

describe("a host that closes", () => {
  test("gives up groups whose founders have not met", async () => {
    const hosts = new SimHosts([1, 2, 3]);
    const opening = hosts.add(1);
    const refused = assert.rejects(opening, { code: "STOPPED" });
    await hosts.elapse(500);
    assert.deepEqual(hosts.node(1).host.missingFounders.get(GROUP), [2, 3]);
    assert.throws(() => hosts.node(1).host.openGroup({ id: GROUP, machine: new Recorder() }), /open once/);
    await hosts.settle(hosts.node(1).host[Symbol.asyncDispose]());
    await refused;
    await hosts.settle(hosts.node(1).log.close());
  });
});

describe("a member that was removed", () => {
  test("is told so, and can forget what it held", async () => {
    await using hosts = await SimHosts.start([1, 2, 3], { limits: { snapshotLogBytesMin: 500 } });
    const [leader, [gone]] = await others(hosts);
    const node = gone!;
    for (const name of numbered(40)) await hosts.settle(leader.group.propose(utf8(name)));
    const changes = [change(ChangeType.removeNode, node.id)];
    await hosts.settle(node.group.changeMembers({ transition: "auto", changes }).catch(() => {}));
    await hosts.elapse(500);
    assert.ok(hosts.events.some(({ kind }) => kind === "member-removed"));
    await hosts.settle(node.host.forgetGroup(GROUP));
    assert.equal(node.log.group(GROUP).lastIndex, 0);
    assert.equal(node.log.group(GROUP).configuration, undefined);
    assert.deepEqual(await hosts.settle(node.machine.env.disk.list(`raft/${GROUP}`)), []);
    await assert.rejects(node.group.propose(utf8("x")), { code: "STOPPED" });
    await hosts.settle(leader.group.propose(utf8("goes on")));
  });

  test("of a group of one is not forgotten: nobody else holds it", async () => {
    await using hosts = await SimHosts.start([1]);
    const node = await hosts.leader();
    await assert.rejects(hosts.settle(node.host.forgetGroup(GROUP)), { code: "CHANGE_REFUSED" });
    assert.equal(await hosts.settle(node.group.propose(utf8("goes on"))), 0);
  });
});
