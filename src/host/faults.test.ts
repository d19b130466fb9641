import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ChangeType, change, configurationOf, MessageType, newMessage } from "../core/raft/index.ts";
import { utf8 } from "../std/bytes.ts";
import { repairLostQuorum } from "./members/repair.ts";
import { Recorder } from "./testing/recorder.ts";
import { GROUP, SimHosts, type SimNode } from "./testing/sim-hosts.ts";
import { FrameWriter } from "./transport/frame.ts";

async function proposeMany(hosts: SimHosts, node: SimNode, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at++) await hosts.settle(node.group.propose(utf8(`c${at}`)));
}

async function others(hosts: SimHosts): Promise<readonly [SimNode, readonly SimNode[]]> {
  const leader = await hosts.leader();
  return [leader, [...hosts.nodes.values()].filter(({ id }) => id !== leader.id)];
}

describe("a snapshot", () => {
  test("that comes damaged ends nobody: the member takes the next one", async () => {
    await using hosts = await SimHosts.start([1, 2, 3], { limits: { snapshotLogBytesMin: 2000 } });
    const [leader, [away]] = await others(hosts);
    hosts.crash(away!.id);
    await proposeMany(hosts, leader, 0, 120);
    await hosts.elapse(1_000);
    const disk = leader.machine.env.disk;
    const files = await hosts.settle(disk.list(`raft/${GROUP}`));
    for (const name of files) leader.machine.disk.rot(`raft/${GROUP}/${name}`, 100);
    const back = await hosts.settle(hosts.revive(away!.id));
    await hosts.until(() => hosts.events.some(({ kind }) => kind === "snapshot-failed"));
    assert.equal(back.failure, undefined);
    await proposeMany(hosts, leader, 120, 400);
    await hosts.until(() => back.recorder.commands.length === 400);
    assert.deepEqual(back.recorder.commands, leader.recorder.commands);
  });
});

describe("a read", () => {
  test("from another node is not answered by a lease that ran out while the leader stood still", async () => {
    const core = { reads: "lease-assuming-bounded-clock-drift" } as const;
    await using hosts = await SimHosts.start([1, 2, 3], { core });
    const [old, rest] = await others(hosts);
    await proposeMany(hosts, old, 0, 1);
    await hosts.elapse(500);
    const answers: number[] = [];
    const asking = hosts.network.join(9);
    const writer = new FrameWriter();
    let number = 0;
    const ask = (): boolean => {
      const question = { ...newMessage(MessageType.readIndex, old.id), from: 9 };
      writer.begin(77, ++number);
      writer.message(GROUP, { ...question, entries: [{ term: 0, index: 0, type: 0, data: utf8("?") }] });
      return asking.send(old.id, writer.finish());
    };
    await asking.start({ receive: (from) => answers.push(from), unreachable: () => {} });
    ask();
    await hosts.elapse(20);
    assert.deepEqual(answers, [old.id], "a lease that holds answers at once");

    for (const { id } of rest) {
      hosts.network.cut(id, old.id);
      hosts.network.cut(old.id, id);
    }
    old.machine.pause(4_000);
    await hosts.until(() => rest.some(({ group }) => group.isLeader));
    await hosts.settle(rest[0]!.group.propose(utf8("newer")));
    ask();
    await hosts.elapse(4_500);
    assert.deepEqual(answers, [old.id]);
    hosts.network.heal();
    await hosts.settle(old.group.readBarrier());
    assert.deepEqual(old.recorder.commands, ["c0", "newer"]);
  });

  test("of a group of one with a learner waits for what the learner was told", async () => {
    await using hosts = await SimHosts.start([1]);
    const node = await hosts.leader();
    await proposeMany(hosts, node, 0, 2);
    const joining = hosts.add(2, { founders: { voters: [1] } });
    const changes = [change(ChangeType.addLearner, 2)];
    await hosts.settle(node.group.changeMembers({ transition: "auto", changes }));
    const learner = await hosts.settle(joining);
    await hosts.settle(learner.group.readBarrier());
    // The leader's mark of the next change waits for the disk, and so does what is decided behind it.
    const append = node.log.append.bind(node.log);
    let held: (() => void) | undefined;
    node.log.append = (records, done) => {
      if (records.some(({ kind }) => kind === "configuration")) held = () => append(records, done);
      else append(records, done);
    };
    const adding = node.group.changeMembers({ transition: "auto", changes: [change(ChangeType.addLearner, 3)] });
    await hosts.until(() => held !== undefined);
    await hosts.settle(learner.group.propose(utf8("told")));
    assert.ok(learner.recorder.commands.includes("told"));
    assert.ok(!node.recorder.commands.includes("told"));
    let isAnswered = false;
    const read = node.group.readBarrier().then(() => {
      isAnswered = true;
      assert.ok(node.recorder.commands.includes("told"));
    });
    await hosts.elapse(200);
    assert.equal(isAnswered, false);
    held!();
    await hosts.settle(read);
    await hosts.settle(adding);
  });

  test("of a member that lost its log is not served from the state that its machine still has", async () => {
    class Durable extends Recorder {
      readonly isDurable = true;
    }
    await using hosts = await SimHosts.start([1, 2, 3]);
    const [leader, [lost]] = await others(hosts);
    await proposeMany(hosts, leader, 0, 3);
    const stale = new Durable();
    stale.appliedIndex = 1_000;
    stale.commands = ["another world"];
    lost!.machine.crash();
    const opening = hosts.add(lost!.id, { machine: stale });
    const node = await hosts.settle(opening);
    const append = node.log.append.bind(node.log);
    let held: (() => void) | undefined;
    node.log.append = (records, done) => {
      if (records.some(({ kind }) => kind === "snapshot")) held = () => append(records, done);
      else append(records, done);
    };
    let seen: readonly string[] | undefined;
    const read = node.group.readBarrier().then(() => {
      seen = stale.commands;
    });
    await hosts.until(() => held !== undefined);
    await hosts.elapse(1_000);
    assert.equal(seen, undefined);
    held!();
    await hosts.settle(read);
    assert.deepEqual(seen, ["c0", "c1", "c2"]);
  });
});

describe("frames that can not be true", () => {
  test("of another node's disk, or in another node's name, are counted and change nothing", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const [leader, [follower]] = await others(hosts);
    await proposeMany(hosts, leader, 0, 1);
    const before = leader.group.status;
    const writer = new FrameWriter();
    writer.begin(77, 1);
    const forged = newMessage(MessageType.storageAppendResponse, leader.id);
    Object.assign(forged, { from: Number.MAX_SAFE_INTEGER, term: before.term, index: 1_000, logTerm: before.term });
    writer.message(GROUP, forged);
    const vote = newMessage(MessageType.voteResponse, leader.id);
    Object.assign(vote, { from: leader.id, term: before.term + 5 });
    writer.message(GROUP, vote);
    writer.message(GROUP, { ...newMessage(MessageType.hup, leader.id), from: follower!.id });
    hosts.network.join(9).send(leader.id, writer.finish());
    await hosts.elapse(50);
    assert.equal(leader.host.counters.messagesRefused, 3);
    assert.equal(leader.group.status.term, before.term);
    await proposeMany(hosts, leader, 1, 3);
  });
});

describe("a lost quorum", () => {
  test("is not repaired by a witness, which holds nothing", async () => {
    const founders = configurationOf({ voters: [1, 2, 3], witnesses: [3] });
    await using hosts = new SimHosts([1, 2], { founders });
    await hosts.settle(Promise.all([hosts.add(1), hosts.add(2), hosts.addWitness(3)]));
    await proposeMany(hosts, await hosts.leader(), 0, 3);
    const { machine, log } = hosts.node(3);
    const loss = { env: machine.env, log, nodeId: 3, group: GROUP, by: "a test", reason: "two disks burnt" };
    await assert.rejects(hosts.settle(repairLostQuorum(loss)), { code: "CHANGE_REFUSED" });
  });
});

describe("leadership", () => {
  test("is handed to another member when asked, from any node, and nothing is lost meanwhile", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const [leader, [one, two]] = await others(hosts);
    const calls = [leader, one!, two!].flatMap((node) => {
      return Array.from({ length: 10 }, (_, at) => node.group.propose(utf8(`${node.id}/${at}`)));
    });
    await hosts.until(() => two!.group.lead === leader.id);
    two!.group.transferLeadership(one!.id);
    await hosts.until(() => one!.group.isLeader);
    await hosts.settle(Promise.all(calls));
    await hosts.settle(leader.group.readBarrier());
    assert.equal(new Set(leader.recorder.commands).size, 30);
    assert.equal(leader.recorder.commands.length, 30);
    assert.match(one!.group.explain().leader, /^This node leads in term/);
    assert.match(leader.group.explain().leader, new RegExp(`^Node ${one!.id} leads`));
  });

  test("that ends in the middle of forwarded commands applies each of them once or not at all", async () => {
    for (let round = 0; round < 6; round++) {
      await using hosts = await SimHosts.start([1, 2, 3], { limits: { timeoutTicks: 30 } });
      const [leader, rest] = await others(hosts);
      const outcomes = new Map<string, string>();
      const calls = rest.flatMap((node) => {
        return Array.from({ length: 20 }, async (_, at) => {
          const name = `${node.id}/${at}`;
          const told = await node.group.propose(utf8(name)).then(
            () => "done",
            (error) => error.code,
          );
          outcomes.set(name, told);
        });
      });
      await hosts.elapse(0.2 * (round + 1));
      hosts.crash(leader.id);
      await hosts.settle(Promise.all(calls));
      await hosts.settle(rest[0]!.group.readBarrier());
      const { commands } = rest[0]!.recorder;
      assert.equal(new Set(commands).size, commands.length, "nothing is applied twice");
      for (const [name, told] of outcomes) {
        if (told === "done") assert.ok(commands.includes(name));
        if (told === "NO_LEADER") assert.ok(!commands.includes(name));
      }
    }
  });
});
