import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ChangeType, change } from "../core/raft/index.ts";
import { inspectLog, type LogRecord, type SegmentReport } from "../log/index.ts";
import { utf8 } from "../std/bytes.ts";
import { SimHosts, type SimNode } from "./testing/sim-hosts.ts";

const numbered = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, at) => `c${from + at}`);

async function proposeAll(hosts: SimHosts, node: SimNode, names: readonly string[]): Promise<readonly number[]> {
  return hosts.settle(node.group.proposeAll(names.map((name) => utf8(name))));
}

async function proposeEach(hosts: SimHosts, node: SimNode, names: readonly string[]): Promise<void> {
  for (const name of names) await hosts.settle(node.group.propose(utf8(name)));
}

/** A bit of the first record that fits, on the disk of a node without power. */
async function rotFirst(hosts: SimHosts, id: number, fits: (record: LogRecord) => boolean): Promise<void> {
  const { disk } = hosts.node(id).machine;
  const { value } = await hosts.settle(inspectLog(disk.mount()).next());
  const frame = (value as SegmentReport).frames.find(({ record }) => fits(record));
  disk.rot("log/0000000000000001.log", 4096 + frame!.position + frame!.bytes - 9);
}

/** One of three, which goes down when all of them have the commands. */
async function crashedFollower(hosts: SimHosts, commands: readonly string[]): Promise<number> {
  const leader = await hosts.leader();
  await proposeEach(hosts, leader, commands);
  const id = [1, 2, 3].find((one) => one !== leader.id)!;
  await hosts.elapse(500);
  hosts.crash(id);
  return id;
}

describe("a group of three", () => {
  test("elects a leader, and every member can propose and read", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    await hosts.leader();
    for (const node of hosts.nodes.values()) {
      assert.deepEqual(await proposeAll(hosts, node, [`a${node.id}`, `b${node.id}`]), [
        node.id * 2 - 2,
        node.id * 2 - 1,
      ]);
    }
    for (const node of hosts.nodes.values()) {
      await hosts.settle(node.group.readBarrier());
      assert.deepEqual(node.recorder.commands, ["a1", "b1", "a2", "b2", "a3", "b3"]);
    }
  });

  test("goes on without its leader and takes it back", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const first = await hosts.leader();
    await proposeAll(hosts, first, ["a"]);
    hosts.crash(first.id);
    const others = [...hosts.nodes.values()].filter(({ id }) => id !== first.id);
    await hosts.until(() => others.some(({ group }) => group.isLeader));
    await proposeAll(hosts, others[0]!, ["b"]);
    const back = await hosts.settle(hosts.revive(first.id));
    await hosts.settle(back.group.readBarrier());
    assert.deepEqual(back.recorder.commands, ["a", "b"]);
  });

  test("keeps everything over a power cut of all members", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const names = numbered(0, 40);
    await proposeEach(hosts, await hosts.leader(), names);
    for (const id of [1, 2, 3]) hosts.crash(id);
    await hosts.settle(Promise.all([1, 2, 3].map((id) => hosts.revive(id))));
    const node = await hosts.leader();
    await hosts.settle(node.group.readBarrier());
    assert.deepEqual(node.recorder.commands, names);
  });

  test("makes snapshots, gives up its log, and starts from them", async () => {
    await using hosts = await SimHosts.start([1, 2, 3], { limits: { snapshotLogBytesMin: 2000 } });
    const names = numbered(0, 200);
    await proposeEach(hosts, await hosts.leader(), names);
    await hosts.elapse(1000);
    for (const { log } of hosts.nodes.values()) assert.ok(log.group(7).compaction.index > 20);
    for (const id of [1, 2, 3]) hosts.crash(id);
    await hosts.settle(Promise.all([1, 2, 3].map((id) => hosts.revive(id))));
    const node = await hosts.leader();
    await hosts.settle(node.group.readBarrier());
    assert.deepEqual(node.recorder.commands, names);
    assert.equal(node.recorder.restores, 1);
  });

  test("a member that was away for long gets a snapshot", async () => {
    await using hosts = await SimHosts.start([1, 2, 3], { limits: { snapshotLogBytesMin: 2000 } });
    const leader = await hosts.leader();
    const away = [1, 2, 3].find((id) => id !== leader.id)!;
    hosts.crash(away);
    const names = numbered(0, 200);
    await proposeEach(hosts, leader, names);
    await hosts.elapse(1000);
    const back = await hosts.settle(hosts.revive(away));
    await hosts.settle(back.group.readBarrier());
    assert.deepEqual(back.recorder.commands, names);
    assert.equal(back.recorder.restores, 1);
    await proposeEach(hosts, back, ["more"]);
    assert.equal(back.recorder.commands.at(-1), "more");
  });

  test("a member that lost its disk comes back as a learner and votes again once it has caught up", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const leader = await hosts.leader();
    await proposeEach(hosts, leader, ["a", "b"]);
    const lost = [1, 2, 3].find((id) => id !== leader.id)!;
    const back = await hosts.settle(hosts.replaceDisk(lost));
    await hosts.settle(back.group.readBarrier());
    await hosts.until(() => back.group.status.configuration.voters.length === 3);
    assert.deepEqual(back.recorder.commands, ["a", "b"]);
    assert.equal(back.group.status.configuration.rejoined[0]?.id, lost);
  });

  test("takes in a new member and lets one go", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const leader = await hosts.leader();
    await proposeEach(hosts, leader, ["a", "b"]);
    const joining = hosts.add(4, { founders: { voters: [1, 2, 3] } });
    const changes = [change(ChangeType.addJoining, 4)];
    await hosts.settle(leader.group.changeMembers({ transition: "auto", changes }));
    const four = await hosts.settle(joining);
    await hosts.until(() => four.group.status.configuration.voters.includes(4));
    await hosts.settle(four.group.readBarrier());
    assert.deepEqual(four.recorder.commands, ["a", "b"]);
    const removed = [change(ChangeType.removeNode, leader.id)];
    const now = await hosts.settle(four.group.changeMembers({ transition: "auto", changes: removed }));
    assert.deepEqual(
      now.voters,
      [1, 2, 3, 4].filter((id) => id !== leader.id),
    );
    await proposeEach(hosts, four, ["c"]);
    assert.deepEqual(four.recorder.commands, ["a", "b", "c"]);
  });

  test("refuses what waits too long for a leader, and says when an outcome is not known", async () => {
    await using hosts = await SimHosts.start([1, 2, 3], { limits: { timeoutTicks: 30 } });
    const leader = await hosts.leader();
    await proposeEach(hosts, leader, ["a"]);
    hosts.network.isolate(leader.id);
    const written = assert.rejects(leader.group.propose(utf8("b")), { code: "OUTCOME_UNKNOWN" });
    const read = assert.rejects(leader.group.readBarrier(), { code: "NO_LEADER" });
    await hosts.elapse(2500);
    const unsent = assert.rejects(leader.group.propose(utf8("c")), { code: "NO_LEADER" });
    await hosts.elapse(4000);
    await Promise.all([written, read, unsent]);
    hosts.network.heal();
    await hosts.settle(leader.group.readBarrier());
  });
});

describe("the log of a member", () => {
  test("is brought back by its peers where part of it can not be read", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const names = numbered(0, 60);
    const id = await crashedFollower(hosts, names);
    hosts.node(id).machine.disk.rot("log/0000000000000001.log", 4096 + 1500);
    const back = await hosts.settle(hosts.revive(id));
    await hosts.settle(back.group.readBarrier());
    assert.deepEqual(back.recorder.commands, names);
    assert.equal(back.recorder.restores, 1);
    assert.ok(hosts.events.some(({ kind }) => kind === "damage-forgotten"));
    await hosts.until(() => back.group.status.configuration.voters.length === 3);
  });

  test("is brought back where nothing is lost but who the members are", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const names = numbered(0, 20);
    const id = await crashedFollower(hosts, names);
    await rotFirst(hosts, id, ({ kind }) => kind === "configuration");
    const back = await hosts.settle(hosts.revive(id));
    await hosts.settle(back.group.readBarrier());
    assert.deepEqual(back.recorder.commands, names);
    assert.equal(hosts.events.filter(({ kind }) => kind === "damage-forgotten").length, 1);
    await hosts.until(() => back.group.status.configuration.voters.length === 3);
  });

  test("is not given up where what can be read says all that was lost", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const names = numbered(0, 20);
    const id = await crashedFollower(hosts, names);
    await rotFirst(hosts, id, (record) => record.kind === "hardState" && record.commit > 10);
    for (const isDamaged of [true, false]) {
      const back = await hosts.settle(hosts.revive(id));
      assert.equal(back.log.evidence.length > 0, isDamaged);
      assert.deepEqual(back.log.damagedGroups, []);
      await hosts.settle(back.group.readBarrier());
      assert.deepEqual(back.recorder.commands, names);
      hosts.crash(id);
    }
    assert.ok(!hosts.events.some(({ kind }) => kind === "damage-forgotten" || kind === "snapshot-installed"));
  });

  test("of a sole member is not shortened: damage is told", async () => {
    await using hosts = await SimHosts.start([1]);
    await proposeEach(hosts, await hosts.leader(), numbered(0, 60));
    hosts.crash(1);
    hosts.node(1).machine.disk.rot("log/0000000000000001.log", 4096 + 1500);
    await assert.rejects(hosts.settle(hosts.revive(1)), { code: "LOG_INCOMPLETE" });
  });

  test("goes on under a sole member where the others are gone for good, and is told apart in the audit", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const names = numbered(0, 20);
    await proposeEach(hosts, await hosts.leader(), names);
    await hosts.elapse(500);
    for (const id of [1, 2, 3]) hosts.crash(id);
    const repair = await hosts.settle(hosts.repair(3));
    assert.deepEqual(repair.votersBefore, [1, 2, 3]);
    const survivor = await hosts.settle(hosts.revive(3));
    await hosts.until(() => survivor.group.isLeader);
    assert.deepEqual(survivor.recorder.commands, names);
    const joining = hosts.add(4);
    await hosts.settle(
      survivor.group.changeMembers({ transition: "auto", changes: [change(ChangeType.addJoining, 4)] }),
    );
    const four = await hosts.settle(joining);
    await hosts.until(() => four.group.status.configuration.voters.includes(4));
    await proposeEach(hosts, four, ["after"]);
    assert.deepEqual(four.recorder.commands, [...names, "after"]);
  });
});

describe("a witness", () => {
  test("makes a quorum with one member that holds data", async () => {
    await using hosts = new SimHosts([1, 2], { founders: { voters: [1, 2, 3], witnesses: [3] } });
    await hosts.settle(Promise.all([hosts.add(1), hosts.add(2), hosts.addWitness(3)]));
    const leader = await hosts.leader();
    await proposeEach(hosts, leader, numbered(0, 10));
    const other = leader.id === 1 ? 2 : 1;
    hosts.crash(other);
    await proposeEach(hosts, leader, numbered(10, 20));
    await hosts.settle(hosts.revive(other));
    await hosts.settle(hosts.node(other).group.readBarrier());
    assert.deepEqual(hosts.node(other).recorder.commands, numbered(0, 20));
    assert.ok(!hosts.node(3).group.isLeader);
  });
});
