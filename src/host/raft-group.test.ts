import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../std/bytes.ts";
import { repairGroup } from "./members/group-repair.ts";
import { memoryMachine } from "./memory-machine.ts";
import { RaftGroup } from "./raft-group.ts";
import { memoryStorage } from "./storage/memory-storage.ts";
import { NAMES, Names, SimGroups } from "./testing/sim-groups.ts";
import { simStorage } from "./testing/sim-storage.ts";
import { MemoryNetwork } from "./transport/memory-network.ts";

const numbered = (count: number): string[] => Array.from({ length: count }, (_, at) => `c${at}`);

async function proposeEach(groups: SimGroups<Names, number>, id: number, names: readonly string[]): Promise<void> {
  for (const name of names) await groups.settle(groups.member(id).group.propose(utf8(name)));
}

const start = (): Promise<SimGroups<Names, number>> => SimGroups.start([1, 2, 3], NAMES);

describe("a group that is ready to use", () => {
  test("is founded by members that start one after the other, and every one of them can propose and read", async () => {
    await using groups = await start();
    for (const id of [1, 2, 3]) await proposeEach(groups, id, [`a${id}`]);
    for (const { group, machine } of groups.all) {
      await groups.settle(group.read());
      assert.deepEqual(machine.seen, ["a1", "a2", "a3"]);
      assert.deepEqual(group.members.voters, [1, 2, 3]);
    }
  });

  test("tells who leads, in what role, and why", async () => {
    await using groups = await start();
    const told: [number, string][] = [];
    const stop = groups.member(1).group.onLeader((lead, role) => void told.push([lead, role]));
    const leader = await groups.leader();
    await groups.until(() => groups.all.every(({ group }) => group.leader === leader.id));
    assert.equal(leader.group.role, "leader");
    assert.match(leader.group.explain().leader, /This node leads in term \d+\./);
    assert.equal(leader.group.status?.lead, leader.id);
    assert.equal(told.at(-1)?.[0], leader.id);
    stop();
    const { length } = told;
    const next = groups.all.find(({ id }) => id !== leader.id)!;
    await groups.settle(leader.group.transferLeadership(next.id));
    assert.equal(next.group.isLeader, true);
    assert.equal(told.length, length);
  });

  test("refuses ids that no member can have, and commands that are not bytes, and says what a removed member is", async () => {
    await using groups = await start();
    const leader = await groups.leader();
    const { group } = leader;
    for (const id of [0, -1, 1.5, Number.NaN, 2 ** 53]) {
      const calls = [group.addMember(id), group.addLearner(id), group.addWitness(id), group.removeMember(id)];
      for (const call of [...calls, group.transferLeadership(id)]) {
        await assert.rejects(call, { code: "GROUP_OPTION_INVALID", message: /an id is a whole number from 1/ });
      }
    }
    for (const command of ["text", undefined, [1]]) {
      await assert.rejects(group.propose(command as never), { message: "a command is bytes" });
    }
    await groups.settle(group.removeMember(leader.id));
    await groups.until(() => group.role !== "leader");
    assert.match(group.explain().leader, /not among the members: it was removed/);
  });

  test("says which founders it waits for, and refuses what can not wait longer", async () => {
    const groups = new SimGroups([1, 2, 3], { ...NAMES, group: { limits: { timeoutTicks: 20 } } });
    const one = await groups.settle(groups.add(1));
    assert.match(one.group.explain().leader, /member 1 waits for 2, 3/);
    assert.equal(one.group.status, undefined);
    const refused = assert.rejects(one.group.propose(utf8("a")), { code: "NO_LEADER", message: /waits for 2, 3/ });
    const stopped = AbortSignal.abort(new Error("enough"));
    await assert.rejects(groups.settle(one.group.read({ signal: stopped })), { message: "enough" });
    await groups.elapse(2500);
    await refused;
    const waiting = one.group.propose(utf8("b"));
    await groups.settle(Promise.all([groups.add(2), groups.add(3)]));
    assert.equal(await groups.settle(waiting), 0);
    await groups[Symbol.asyncDispose]();
  });

  test("a member that is closed while it waits for founders refuses its callers", async () => {
    const groups = new SimGroups([1, 2], NAMES);
    const one = await groups.settle(groups.add(1));
    const refused = assert.rejects(one.group.propose(utf8("a")), { code: "STOPPED" });
    await groups.settle(one.group.close());
    await refused;
    await assert.rejects(one.group.read(), { code: "STOPPED" });
  });

  test("keeps everything over a power cut of all members, through snapshots", async () => {
    const group = { limits: { snapshotLogBytesMin: 2000 } };
    await using groups = await SimGroups.start([1, 2, 3], { ...NAMES, group });
    await proposeEach(groups, 1, numbered(150));
    for (const id of [1, 2, 3]) groups.crash(id);
    await groups.settle(Promise.all([1, 2, 3].map((id) => groups.revive(id))));
    for (const { group, machine } of groups.all) {
      await groups.settle(group.read());
      assert.deepEqual(machine.seen, numbered(150));
      assert.ok(machine.restores > 0);
    }
  });

  test("stops for good where its disk fails, says why, and its group goes on", async () => {
    await using groups = await start();
    const leader = await groups.leader();
    await proposeEach(groups, leader.id, ["a"]);
    leader.computer.disk.failNext("sync");
    const failed = assert.rejects(leader.group.propose(utf8("b")), { code: "STOPPED" });
    await groups.until(() => leader.fatal !== undefined);
    await failed;
    assert.equal(leader.group.failure, leader.fatal);
    await assert.rejects(leader.group.read(), { code: "STOPPED" });
    const other = groups.all.find(({ id }) => id !== leader.id)!;
    await groups.until(() => other.group.leader !== leader.id && other.group.leader !== 0);
    await proposeEach(groups, other.id, ["c"]);
    assert.equal(other.machine.seen.at(-1), "c");
  });

  test("a machine that throws stops its member and not its process", async () => {
    let isBroken = false;
    const machine = memoryMachine({
      apply() {
        if (isBroken) throw new Error("no such command");
      },
      snapshot: () => new Uint8Array(0),
      restore() {},
    });
    const failures: Error[] = [];
    const group = await RaftGroup.start({
      ...{ id: 1, peers: [1], storage: memoryStorage({ commandBytesMax: 1024 }), stateMachine: machine },
      onFatal: (error) => void failures.push(error),
    });
    await group.propose(utf8("a"));
    isBroken = true;
    await assert.rejects(group.propose(utf8("b")), { code: "STOPPED" });
    assert.deepEqual(
      failures.map(({ message }) => message),
      ["no such command"],
    );
    await group.close();
  });

  test("opens again what it closed, in memory, too", async () => {
    const storage = memoryStorage({ commandBytesMax: 1024 });
    for (let life = 0; life < 3; life++) {
      const names = new Names();
      await using group = await RaftGroup.start({ id: 1, peers: [1], storage, stateMachine: memoryMachine(names) });
      await group.read();
      assert.equal(names.seen.length, life);
      await group.propose(utf8("once more"));
    }
  });
});

describe("a call that is given up", () => {
  test("rejects with the reason where nothing was written, and then nothing ever is", async () => {
    await using groups = await start();
    const leader = await groups.leader();
    groups.network.isolate(leader.id);
    await groups.until(() => leader.group.leader === 0);
    const giveUp = new AbortController();
    const given = assert.rejects(leader.group.propose(utf8("never"), { signal: giveUp.signal }), { message: "enough" });
    await groups.elapse(100);
    giveUp.abort(new Error("enough"));
    await given;
    groups.network.heal();
    await proposeEach(groups, leader.id, ["after"]);
    assert.deepEqual(leader.machine.seen, ["after"]);
  });

  test("rejects with OUTCOME_UNKNOWN where the command may be applied, with the reason as its cause", async () => {
    await using groups = await start();
    const leader = await groups.leader();
    groups.network.isolate(leader.id);
    const giveUp = new AbortController();
    const reason = new Error("enough");
    const given = assert.rejects(leader.group.propose(utf8("maybe"), { signal: giveUp.signal }), {
      ...{ code: "OUTCOME_UNKNOWN", cause: reason },
    });
    await groups.elapse(50);
    giveUp.abort(reason);
    await given;
  });

  test("before it begins, does nothing; a read and a change just end", async () => {
    await using groups = await start();
    const leader = await groups.leader();
    const signal = AbortSignal.abort(new Error("too late"));
    await assert.rejects(leader.group.propose(utf8("a"), { signal }), { message: "too late" });
    await assert.rejects(leader.group.read({ signal }), { message: "too late" });
    groups.network.isolate(leader.id);
    const giveUp = new AbortController();
    const read = assert.rejects(leader.group.read({ signal: giveUp.signal }), { message: "enough" });
    const added = assert.rejects(leader.group.addLearner(4, { signal: giveUp.signal }), { message: "enough" });
    await groups.elapse(50);
    giveUp.abort(new Error("enough"));
    await Promise.all([read, added]);
    groups.network.heal();
    await groups.settle(leader.group.read());
    assert.deepEqual(leader.machine.seen, []);
  });
});

describe("members", () => {
  test("come in by any member, catch up, vote, and go", async () => {
    await using groups = await start();
    await proposeEach(groups, 1, numbered(20));
    await groups.settle(groups.add(4));
    const follower = groups.all.find(({ group, id }) => !group.isLeader && id !== 4)!;
    const members = await groups.settle(follower.group.addMember(4));
    assert.deepEqual(members.voters, [1, 2, 3, 4]);
    assert.deepEqual(await groups.settle(follower.group.addMember(4)), members);
    const four = groups.member(4);
    await groups.settle(four.group.read());
    assert.deepEqual(four.machine.seen, numbered(20));
    const leader = await groups.leader();
    const left = await groups.settle(four.group.removeMember(leader.id === 4 ? 1 : leader.id));
    assert.equal(left.voters.length, 3);
    await proposeEach(groups, left.voters[0]!, ["more"]);
  });

  test("a learner follows and does not vote, until it is made a member", async () => {
    await using groups = await start();
    await groups.settle(groups.add(4));
    const leader = await groups.leader();
    const members = await groups.settle(leader.group.addLearner(4));
    assert.deepEqual([members.voters, members.learners], [[1, 2, 3], [4]]);
    await proposeEach(groups, 4, ["a"]);
    assert.deepEqual(groups.member(4).machine.seen, ["a"]);
    assert.deepEqual((await groups.settle(leader.group.addMember(4))).voters, [1, 2, 3, 4]);
  });

  test("a witness votes, holds nothing and says so, from the beginning or later", async () => {
    await using groups = await SimGroups.start([1, 2], NAMES);
    await groups.settle(groups.add(3, "witness"));
    const leader = await groups.leader();
    const members = await groups.settle(leader.group.addWitness(3));
    assert.deepEqual([members.voters, members.witnesses], [[1, 2, 3], [3]]);
    await proposeEach(groups, leader.id, numbered(100));
    const isWitness = (): boolean => groups.member(3).group.members.witnesses.includes(3);
    await groups.until(isWitness);
    await assert.rejects(groups.member(3).group.read(), { code: "HOLDS_NO_DATA" });
    groups.crash(leader.id === 1 ? 2 : 1);
    await proposeEach(groups, leader.id, ["b"]);
    groups.crash(3);
    await groups.settle(groups.revive(3));
    await proposeEach(groups, leader.id, ["c"]);
    assert.deepEqual(leader.machine.seen, [...numbered(100), "b", "c"]);
  });

  test("a witness may be among the founders, and counts while one with data is away", async () => {
    await using groups = new SimGroups([1, 2, 3], { ...NAMES, group: { witnesses: [3] } });
    await groups.settle(Promise.all([groups.add(1), groups.add(2), groups.add(3, "witness")]));
    const leader = await groups.leader();
    assert.deepEqual(leader.group.members.witnesses, [3]);
    groups.crash(leader.id === 1 ? 2 : 1);
    await proposeEach(groups, leader.id, ["a"]);
    assert.deepEqual(leader.machine.seen, ["a"]);
  });

  test("a change that can not be is refused with what is wrong", async () => {
    await using groups = await start();
    const leader = await groups.leader();
    await assert.rejects(groups.settle(leader.group.addWitness(2)), { code: "CHANGE_REFUSED", message: /witness/ });
  });

  test("leadership does not go to who can not take it", async () => {
    await using groups = await SimGroups.start([1, 2, 3], { ...NAMES, group: { limits: { timeoutTicks: 30 } } });
    const leader = await groups.leader();
    await assert.rejects(groups.settle(leader.group.transferLeadership(9)), { code: "TRANSFER_FAILED" });
  });

  test("do not go where those that stay and are alive would be no quorum, unless the caller insists", async () => {
    await using groups = await start();
    const leader = await groups.leader();
    const [sound, dead] = groups.all.filter(({ id }) => id !== leader.id);
    await groups.settle(leader.group.propose(utf8("a")));
    groups.crash(dead!.id);
    await groups.elapse(3_000);
    for (const { group } of [leader, sound!]) {
      await assert.rejects(groups.settle(group.removeMember(sound!.id)), { code: "CHANGE_UNSAFE" });
    }
    const members = await groups.settle(sound!.group.removeMember(sound!.id, { strict: false }));
    assert.deepEqual(members.voters, [leader.id, dead!.id].sort());
    await groups.settle(groups.revive(dead!.id));
    await groups.settle(leader.group.propose(utf8("b")));
  });
});

describe("a group that lost its quorum for good", () => {
  test("goes on with the member that is left, once somebody has said so, and takes in new ones", async () => {
    await using groups = await start();
    const names = numbered(10);
    await proposeEach(groups, 1, names);
    for (const { group } of groups.all) await groups.settle(group.read());
    for (const id of [1, 2, 3]) groups.crash(id);
    const { computer } = groups.member(1);
    computer.restart();
    const repaired = await groups.settle(
      repairGroup({ id: 1, storage: simStorage(computer), by: "operator", reason: "two rooms burnt down" }),
    );
    assert.deepEqual([repaired.votersBefore, repaired.by], [[1, 2, 3], "operator"]);
    computer.crash();
    const one = await groups.settle(groups.revive(1));
    await proposeEach(groups, 1, ["after"]);
    assert.deepEqual(one.machine.seen, [...names, "after"]);
    await groups.settle(groups.add(4));
    assert.deepEqual((await groups.settle(one.group.addMember(4))).voters, [1, 4]);
  });

  test("is not repaired from a storage that knows nothing", async () => {
    const parts = { id: 1, storage: memoryStorage({ commandBytesMax: 1024 }), by: "operator", reason: "none" };
    await assert.rejects(repairGroup(parts), { code: "CHANGE_REFUSED" });
  });
});

describe("options", () => {
  const good = { id: 1, peers: [1], storage: memoryStorage(), stateMachine: memoryMachine(new Names()) };
  const bad: Record<string, object> = {
    "an id of 0": { id: 0 },
    "an id that is no number": { id: "one" },
    "no founders": { peers: [] },
    "a founder twice": { peers: [1, 1] },
    "several members without a transport": { peers: [1, 2] },
    "a founder that is a witness for itself alone": { stateMachine: "witness" },
    "a witness that is no founder": { witnesses: [2] },
    "a limit of 0": { limits: { tickMillis: 0 } },
    "a limit that there is not": { limits: { ticksMillis: 10 } },
    "a limit of sessions that there is not": { sessions: { limits: { window: 10 } } },
    "sessions around a machine on disk": {
      sessions: true,
      stateMachine: { ...memoryMachine(new Names()), appliedIndex: 0, isDurable: true },
    },
  };
  for (const [name, options] of Object.entries(bad)) {
    test(`${name} is refused`, async () => {
      await assert.rejects(RaftGroup.start({ ...good, ...options } as typeof good), { code: "GROUP_OPTION_INVALID" });
    });
  }

  test("a start that fails closes what it was given", async () => {
    const network = new MemoryNetwork();
    const storage = memoryStorage({ commandBytesMax: 1024 });
    const broken = { ...memoryMachine(new Names()), appliedIndex: 50 };
    const options = { ...good, storage, transport: network.join(1), stateMachine: broken as typeof good.stateMachine };
    await assert.rejects(RaftGroup.start(options), { code: "LOG_BEHIND" });
    await (await RaftGroup.start({ ...good, storage, stateMachine: memoryMachine(new Names()) })).close();
  });
});
