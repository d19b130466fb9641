import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { ChangeType, change } from "./conf-change.ts";
import { APPEND_THREAD, type Message, MessageType, newMessage } from "./messages.ts";
import { Group } from "./testing/group.ts";

// D. Ongaro, "Consensus: Bridging Theory and Practice", Stanford 2014. A test a claim, by section: leadership transfer, membership,
// compaction, clients, pre-vote.

const THREE = [1, 2, 3] as const;
const ELECTION_TICKS = 10;
const LEASE = { checkQuorum: true, reads: "lease-assuming-bounded-clock-drift" } as const;

function ticks(group: Group, count: number, ...ids: readonly number[]): void {
  for (let round = 0; round < count; round++) {
    for (const id of ids) group.tick(id);
    group.settle();
  }
}

describe("3.10 leadership transfer", () => {
  test("the target is brought up to date first, then told to stand for election", () => {
    const group = new Group(THREE).campaign(1);
    group.isolate(3);
    group.propose(1, "x").heal();
    group.node(1).transferLeadership(3);
    group.settle();
    assert.equal(group.leader, 3);
    assert(group.member(3).applied.includes("x"));
  });

  test("meanwhile no proposal is taken", () => {
    const group = new Group(THREE).campaign(1);
    group.isolate(3);
    group.propose(1, "x");
    group.node(1).transferLeadership(3);
    assert.throws(() => group.node(1).propose(utf8("y")), { code: "PROPOSAL_DROPPED" });
  });

  test("after an election timeout without success the leader goes on", () => {
    const group = new Group(THREE).campaign(1);
    group.isolate(3);
    group.node(1).transferLeadership(3);
    ticks(group, ELECTION_TICKS, 1);
    group.propose(1, "x");
    assert(group.member(1).applied.includes("x"));
  });

  test("the target is voted for although the others hear of the leader", () => {
    const group = new Group(THREE, { checkQuorum: true, preVote: true }).campaign(1);
    ticks(group, 1, 1);
    group.node(1).transferLeadership(2);
    assert.equal(group.settle().leader, 2);
  });
});

describe("4.1 safety of single-server changes", () => {
  test("a change takes effect on each server when it applies it", () => {
    const group = new Group(THREE).campaign(1);
    group.add(4);
    group.change(1, "auto", change(ChangeType.addVoter, 4));
    for (const id of [1, 2, 3, 4]) assert.deepEqual(group.node(id).status.configuration.voters, [1, 2, 3, 4]);
  });

  test("no change is begun before the one before is applied: it becomes an entry that does nothing", () => {
    const group = new Group(THREE).campaign(1);
    for (const id of [4, 5]) group.add(id);
    group.isolate(2, 3);
    group.change(1, "auto", change(ChangeType.addVoter, 4));
    group.change(1, "auto", change(ChangeType.addVoter, 5)).heal();
    ticks(group, 2, 1);
    assert.deepEqual(group.node(1).status.configuration.voters, [1, 2, 3, 4]);
  });

  test("a new leader begins no change before all is applied that its log may hold of one", () => {
    const group = new Group(THREE);
    for (const id of THREE) group.add(id, [1, 1], { term: 1, vote: 0, commit: 0, incarnation: 0, isLost: false });
    group.drop(({ type }) => type === MessageType.appendResponse);
    group.campaign(2);
    assert.equal(group.leader, 2);
    assert.equal(group.node(2).explain().change?.startsWith("A change of membership may lie"), true);
    group.change(2, "auto", change(ChangeType.removeNode, 3)).heal();
    ticks(group, 3, 2);
    assert.deepEqual(group.node(2).status.configuration.voters, [1, 2, 3]);
  });

  test("a server with a committed change that it has not applied does not stand for election", () => {
    const group = new Group(THREE).campaign(1);
    group.node(1).proposeConfChange({
      transition: "auto",
      changes: [change(ChangeType.updateNode, 2)],
      context: utf8(""),
    });
    group.work(1);
    group.settle();
    // It starts again on its log, and has applied nothing of it yet.
    const { node } = group.restart(2);
    node.campaign();
    assert.equal(node.status.role, "follower");
    group.settle().campaign(2);
    assert.equal(group.leader, 2);
  });
});

describe("4.2 availability of membership changes", () => {
  test("4.2.1 a joining server is a voter only once it has caught up", () => {
    const group = new Group(THREE, { promotionLagMax: 1 }).campaign(1);
    for (const data of ["a", "b", "c"]) group.propose(1, data);
    group.add(4);
    group.isolate(4);
    group.change(1, "auto", change(ChangeType.addJoining, 4));
    ticks(group, 3, 1);
    assert.deepEqual(group.node(1).status.configuration.voters, [1, 2, 3]);
    group.heal();
    ticks(group, 4, 1);
    assert.deepEqual(group.node(1).status.configuration.voters, [1, 2, 3, 4]);
  });

  test("4.2.2 a leader that removes itself commits that without counting itself", () => {
    const group = new Group(THREE, { stepDownOnRemoval: false }).campaign(1);
    group.change(1, "auto", change(ChangeType.removeNode, 1));
    group.isolate(3);
    group.campaign(2);
    assert.equal(group.node(2).status.role, "candidate");
    group.heal();
    assert.equal(group.campaign(2).leader, 2);
  });

  test("4.2.2 the last voter learns from those that were removed, and refuse it, that it is the last one", () => {
    const group = new Group([1, 2]).campaign(2);
    // Node 1 gets the change, but not that it is committed; node 2 has one entry more, and is a member no longer.
    group.drop(({ type, to, index, commit }) => type === MessageType.append && to === 1 && (commit > 1 || index > 1));
    group.node(2).proposeConfChange({
      transition: "auto",
      changes: [change(ChangeType.removeNode, 2)],
      context: utf8(""),
    });
    group.node(2).propose(utf8("x"));
    group.settle().heal();
    assert.deepEqual([group.node(1).status.commit, group.node(1).status.lastIndex], [1, 2]);
    assert.deepEqual([group.node(2).status.commit, group.node(2).status.lastIndex], [2, 3]);
    assert.notEqual(group.campaign(1).leader, 1);
    assert.equal(group.campaign(1).leader, 1);
  });

  test("4.2.3 a removed server that stands for election raises nobody's term", () => {
    const group = new Group(THREE, { checkQuorum: true, preVote: true }).campaign(1);
    group.isolate(3);
    group.change(1, "auto", change(ChangeType.removeNode, 3));
    group.heal();
    ticks(group, 1, 1);
    ticks(group, 5 * ELECTION_TICKS, 1, 2, 3);
    assert.deepEqual([group.leader, group.node(1).status.term], [1, 1]);
  });
});

describe("5 log compaction", () => {
  test("a slow follower gets the snapshot once, and nothing else until it has it", () => {
    const group = new Group(THREE).campaign(1);
    group.isolate(3);
    for (const data of ["a", "b"]) group.propose(1, data);
    const { node, storage } = group.member(1);
    storage.createSnapshot(3, node.status.configuration, utf8("state"));
    storage.compact(3);
    group.heal();
    group.drop(({ type }) => type === MessageType.snapshot);
    ticks(group, 3, 1);
    const progress = (): string | undefined => node.status.progress.find(({ id }) => id === 3)?.state;
    assert.equal(progress(), "snapshot");
    const appends = group.log.filter(({ type, to }) => type === MessageType.append && to === 3).length;
    ticks(group, 5, 1);
    assert.equal(group.log.filter(({ type, to }) => type === MessageType.append && to === 3).length, appends);
    // Its transport says that it was lost.
    group.heal();
    node.reportSnapshot(3, false);
    ticks(group, 3, 1);
    assert.equal(progress(), "replicate");
  });
});

describe("6.4 processing read-only queries", () => {
  test("a leader that has committed nothing in its term keeps reads waiting", () => {
    const group = new Group(THREE).campaign(1);
    group.isolate(1);
    group.drop(({ type }) => type === MessageType.append);
    group.campaign(2);
    group.node(2).readIndex(utf8("r"));
    group.settle();
    assert.deepEqual(group.member(2).reads, []);
    group.heal();
    ticks(group, 2, 2);
    assert.deepEqual(
      group.member(2).reads.map(({ index }) => index),
      [2],
    );
  });

  test("one round of heartbeats serves any number of reads", () => {
    const group = new Group(THREE).campaign(1);
    group.isolate(2, 3);
    for (let read = 0; read < 100; read++) group.node(1).readIndex(utf8(`r${read}`));
    group.work(1);
    group.forget();
    group.heal();
    const before = group.count(MessageType.heartbeat);
    group.tick(1).settle();
    assert.equal(group.member(1).reads.length, 100);
    assert.equal(group.count(MessageType.heartbeat) - before, 2);
  });

  test("a follower reads by the leader's index", () => {
    const group = new Group(THREE).campaign(1).propose(1, "x");
    group.node(3).readIndex(utf8("r"));
    group.settle();
    assert.deepEqual(
      group.member(3).reads.map(({ index }) => index),
      [2],
    );
  });

  test("6.4.1 with a lease a leader reads without messages, and without one it asks", () => {
    const group = new Group(THREE, LEASE).campaign(1);
    ticks(group, 1, 1, 2, 3);
    const before = group.log.length;
    group.node(1).readIndex(utf8("a"));
    group.settle();
    assert.equal(group.member(1).reads.length, 1);
    assert.equal(group.log.length, before);
    group.isolate(2, 3);
    ticks(group, ELECTION_TICKS - 1, 1);
    group.node(1).readIndex(utf8("b"));
    group.settle();
    assert.equal(group.member(1).reads.length, 1);
  });

  test("6.4.1 a lease ends before anybody else can be elected", () => {
    const group = new Group(THREE, LEASE).campaign(1);
    ticks(group, 1, 1, 2, 3);
    group.isolate(1);
    // The leader's clock may be a quarter slower than the others'.
    for (let tick = 1; group.leader === 1 && tick < 100; tick++) {
      if (tick % 4 !== 0) group.tick(1);
      ticks(group, 1, 2, 3);
    }
    assert.notEqual(group.leader, 1);
    group.node(1).readIndex(utf8("r"));
    group.settle();
    assert.deepEqual(group.member(1).reads, []);
  });

  test("6.4.1 a transfer ends the lease at once", () => {
    const group = new Group(THREE, LEASE).campaign(1);
    ticks(group, 1, 1, 2, 3);
    group.node(1).transferLeadership(2);
    group.node(1).readIndex(utf8("r"));
    group.work(1);
    assert.deepEqual(group.member(1).reads, []);
  });
});

describe("6.2 finding the leader", () => {
  test("a leader without a quorum steps down within two election timeouts", () => {
    const group = new Group(THREE, { checkQuorum: true }).campaign(1);
    group.isolate(2, 3);
    ticks(group, 2 * ELECTION_TICKS, 1);
    assert.equal(group.node(1).status.role, "follower");
  });
});

describe("9.6 preventing disruptions when a server rejoins", () => {
  test("a server that was cut off has not raised its term, and comes back as a follower", () => {
    const group = new Group(THREE, { preVote: true, checkQuorum: true }).campaign(1);
    group.isolate(3);
    ticks(group, 5 * ELECTION_TICKS, 3, 1);
    assert.equal(group.node(3).status.role, "pre-candidate");
    assert.equal(group.node(3).status.term, 1);
    group.heal();
    ticks(group, 2, 1);
    assert.deepEqual([group.leader, group.node(3).status.role, group.node(3).status.term], [1, "follower", 1]);
  });

  test("a server that lacks entries is refused before it asks for votes", () => {
    const group = new Group(THREE, { preVote: true }).campaign(1);
    group.isolate(3);
    group.propose(1, "x").heal();
    group.drop(({ type }) => type === MessageType.append || type === MessageType.heartbeat);
    group.campaign(3);
    assert.equal(group.node(3).status.term, 1);
    assert.equal(group.log.filter(({ type, from }) => type === MessageType.vote && from === 3).length, 0);
  });
});

describe("10.2.1 writing to the leader's disk in parallel", () => {
  test("appends leave before the leader's own write is done, and its own acknowledgement after", () => {
    const group = new Group(THREE, { asyncStorageWrites: true });
    const { node } = group.member(1);
    // By hand, as the group writes at once.
    node.campaign();
    const vote = node.ready();
    const [write] = vote.messages.filter(({ to }) => to === APPEND_THREAD);
    for (const response of write!.responses) node.step(response);
    const granted: Message = Object.assign(newMessage(MessageType.voteResponse, 1), { from: 2, term: 1 });
    node.step(granted);
    const { messages } = node.ready();
    assert.deepEqual(
      messages.map(({ type }) => type),
      [MessageType.append, MessageType.append, MessageType.storageAppend],
    );
    assert.equal(
      messages.at(-1)!.responses.some(({ type, to }) => type === MessageType.appendResponse && to === 1),
      true,
    );
    // One follower alone does not commit while the leader's write is under way; two do.
    const acknowledge = (from: number): void => {
      node.step(Object.assign(newMessage(MessageType.appendResponse, 1), { from, term: 1, index: 1 }));
    };
    acknowledge(2);
    assert.equal(node.status.commit, 0);
    acknowledge(3);
    assert.equal(node.status.commit, 1);
  });
});
