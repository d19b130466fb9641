import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { ChangeType, change, LEAVE_JOINT } from "./conf-change.ts";
import { type Entry, EntryType, type HardState, type Message, MessageType, newMessage } from "./messages.ts";
import { Group } from "./testing/group.ts";

// D. Ongaro and J. Ousterhout, "In Search of an Understandable Consensus Algorithm", extended version. A test a claim, by section.

const THREE = [1, 2, 3] as const;
const ELECTION_TICKS = 10;

function from(type: MessageType, sender: number, to: number, fields: Partial<Message> = {}): Message {
  return Object.assign(newMessage(type, to), { from: sender, ...fields });
}

function hardState(term: number, commit = 0, vote = 0): HardState {
  return { term, vote, commit, incarnation: 0, isLost: false };
}

function entry(term: number, index: number): Entry {
  return { term, index, type: EntryType.normal, data: utf8(`${term}.${index}`) };
}

describe("5.1 terms", () => {
  for (const [role, prepare] of [
    ["follower", () => {}],
    ["candidate", (group: Group) => group.node(1).campaign()],
    ["leader", (group: Group) => group.campaign(1)],
  ] as const) {
    test(`a ${role} that hears of a larger term takes it and follows`, () => {
      const group = new Group(THREE);
      prepare(group);
      assert.equal(group.node(1).status.role, role);
      group.node(1).step(from(MessageType.append, 2, 1, { term: 9 }));
      const { term, role: now, lead } = group.node(1).status;
      assert.deepEqual([term, now, lead], [9, "follower", 2]);
    });
  }

  test("a request with an old term is refused", () => {
    const group = new Group(THREE);
    group.add(1, [5], hardState(5));
    group.node(1).step(from(MessageType.append, 2, 1, { term: 4, index: 1, logTerm: 5, entries: [entry(4, 2)] }));
    assert.equal(group.node(1).status.lastIndex, 1);
    group.node(1).step(from(MessageType.vote, 2, 1, { term: 4, index: 9, logTerm: 4 }));
    assert.equal(group.node(1).status.vote, 0);
  });
});

describe("5.2 leader election", () => {
  test("a server starts as a follower", () => {
    assert.equal(new Group(THREE).node(1).status.role, "follower");
  });

  test("a leader sends heartbeats to all, and they keep a follower one", () => {
    const group = new Group(THREE).campaign(1);
    const before = group.count(MessageType.heartbeat);
    for (let round = 0; round < 5 * ELECTION_TICKS; round++) group.tick(1).tick(2).tick(3).settle();
    assert.equal(group.count(MessageType.heartbeat) - before, 5 * ELECTION_TICKS * 2);
    assert.deepEqual([group.leader, group.node(1).status.term], [1, 1]);
  });

  test("a follower that hears nothing raises its term, votes for itself and asks all others", () => {
    const group = new Group(THREE).tick(1, 2 * ELECTION_TICKS);
    const { role, term, vote } = group.node(1).status;
    assert.deepEqual([role, term, vote], ["candidate", 1, 1]);
    const requests = group.work(1).filter(({ type }) => type === MessageType.vote);
    assert.deepEqual(
      requests.map(({ to, term: asked }) => [to, asked]),
      [
        [2, 1],
        [3, 1],
      ],
    );
  });

  for (const [size, votes, isElected] of [
    [1, 0, true],
    [3, 0, false],
    [3, 1, true],
    [5, 1, false],
    [5, 2, true],
  ] as const) {
    test(`of ${size} servers ${votes + 1} votes ${isElected ? "elect" : "do not elect"}`, () => {
      const group = new Group(Array.from({ length: size }, (_, at) => at + 1));
      group.isolate(...Array.from({ length: size - 1 - votes }, (_, at) => size - at));
      assert.equal(group.campaign(1).leader === 1, isElected);
    });
  }

  test("a candidate of an older term is refused and told the term, so that it can stand in a newer one", () => {
    for (const preVote of [false, true]) {
      const group = new Group(THREE, { preVote });
      group.node(1).step(from(MessageType.heartbeat, 2, 1, { term: 7 }));
      group.node(1).step(from(preVote ? MessageType.preVote : MessageType.vote, 3, 1, { term: 5 }));
      const answer = group.work(1).find(({ to }) => to === 3)!;
      const type = preVote ? MessageType.preVoteResponse : MessageType.voteResponse;
      assert.deepEqual([answer.type, answer.term, answer.reject], [type, 7, true]);
      group.node(3).step(answer);
      assert.equal(group.node(3).status.term, 7);
    }
  });

  test("a server votes for one candidate a term, the first that asks", () => {
    const group = new Group(THREE);
    const answer = (candidate: number): boolean => {
      group.node(1).step(from(MessageType.vote, candidate, 1, { term: 1 }));
      return group
        .work(1)
        .some(({ type, reject, to }) => type === MessageType.voteResponse && to === candidate && !reject);
    };
    assert.deepEqual([answer(2), answer(3), answer(2)], [true, false, true]);
  });

  test("a vote is on disk before the candidate hears of it", () => {
    const group = new Group(THREE);
    group.node(1).step(from(MessageType.vote, 2, 1, { term: 1 }));
    const ready = group.node(1).ready();
    assert.equal(ready.mustSync, true);
    assert.equal(ready.hardState?.vote, 2);
    assert.deepEqual(
      ready.messages.map(({ type }) => type),
      [MessageType.voteResponse],
    );
  });

  for (const term of [1, 2]) {
    test(`a candidate of term 1 gives way to a leader of term ${term}`, () => {
      const group = new Group(THREE);
      group.node(1).campaign();
      group.node(1).step(from(MessageType.append, 2, 1, { term }));
      assert.deepEqual([group.node(1).status.role, group.node(1).status.lead], ["follower", 2]);
    });
  }

  test("an election without a winner times out, and the next one raises the term", () => {
    const group = new Group(THREE);
    group.isolate(2, 3);
    group.campaign(1).tick(1, 2 * ELECTION_TICKS);
    assert.deepEqual([group.node(1).status.role, group.node(1).status.term], ["candidate", 2]);
  });

  test("election timeouts are spread over a range", () => {
    const group = new Group(Array.from({ length: 40 }, (_, at) => at + 1));
    const waits = [...group.members.keys()].map((id) => {
      let ticks = 0;
      while (group.node(id).status.role === "follower") {
        group.tick(id);
        ticks++;
      }
      return ticks;
    });
    assert(Math.min(...waits) >= ELECTION_TICKS && Math.max(...waits) < 2 * ELECTION_TICKS);
    assert(new Set(waits).size > ELECTION_TICKS / 2);
  });
});

describe("5.3 log replication", () => {
  test("a leader appends first, then sends to all at once", () => {
    const group = new Group(THREE).campaign(1);
    group.node(1).propose(utf8("x"));
    const ready = group.node(1).ready();
    assert.deepEqual(
      ready.entries.map(({ index, term }) => [index, term]),
      [[2, 1]],
    );
    assert.deepEqual(
      ready.messages.map(({ to, entries }) => [to, entries.length]),
      [
        [2, 1],
        [3, 1],
      ],
    );
    assert.deepEqual(ready.committedEntries, []);
  });

  for (const [size, acknowledgements, isCommitted] of [
    [3, 0, false],
    [3, 1, true],
    [5, 1, false],
    [5, 2, true],
  ] as const) {
    test(`of ${size} servers the leader and ${acknowledgements} others ${isCommitted ? "commit" : "do not commit"}`, () => {
      const group = new Group(Array.from({ length: size }, (_, at) => at + 1)).campaign(1);
      group.isolate(...Array.from({ length: size - 1 - acknowledgements }, (_, at) => size - at));
      group.propose(1, "x");
      assert.equal(group.member(1).applied.includes("x"), isCommitted);
    });
  }

  test("followers learn what is committed and apply it in the log's order", () => {
    const group = new Group(THREE).campaign(1);
    for (const data of ["a", "b", "c"]) group.propose(1, data);
    for (const id of THREE) assert.deepEqual(group.member(id).applied, ["", "a", "b", "c"]);
  });

  test("to commit an entry commits those before it, of earlier leaders too", () => {
    const group = new Group(THREE);
    group.add(1, [1, 1], hardState(1));
    group.add(2, [1, 1], hardState(1));
    group.campaign(1);
    assert.deepEqual(group.member(1).applied, ["1.1", "1.2", ""]);
    assert.deepEqual(group.member(3).applied, ["1.1", "1.2", ""]);
  });

  test("a follower refuses entries whose predecessor it lacks", () => {
    const group = new Group(THREE);
    group.node(1).step(from(MessageType.append, 2, 1, { term: 1, index: 5, logTerm: 1, entries: [entry(1, 6)] }));
    const [response] = group.work(1);
    assert.equal(response?.reject, true);
    assert.equal(group.node(1).status.lastIndex, 0);
  });

  // Figure 7: the leader of term 8 and what its followers' logs may look like.
  const LEADER = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
  for (const [name, terms] of Object.entries({
    a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
    b: [1, 1, 1, 4],
    c: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    e: [1, 1, 1, 4, 4, 4, 4],
    f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  })) {
    test(`figure 7 (${name}): the follower's log becomes the leader's`, () => {
      const group = new Group(THREE);
      group.add(1, LEADER, hardState(7));
      group.add(2, terms, hardState(7));
      // Without votes of its own follower the leader needs the third, whose log is empty.
      group.campaign(1).propose(1, "x");
      assert.deepEqual(group.terms(2), [...LEADER, 8, 8]);
      assert.deepEqual(group.terms(3), [...LEADER, 8, 8]);
    });
  }

  test("a rejection skips a whole term, not one entry", () => {
    const group = new Group(THREE);
    group.add(1, [1, ...Array.from({ length: 30 }, () => 3)], hardState(3));
    group.add(2, [1, ...Array.from({ length: 30 }, () => 2)], hardState(3));
    group.campaign(1);
    const refusals = group.log.filter(
      ({ type, reject, from: sender }) => type === MessageType.appendResponse && reject && sender === 2,
    );
    assert(refusals.length <= 2);
    assert.deepEqual(group.terms(2), group.terms(1));
  });
});

describe("5.4.1 election restriction", () => {
  for (const [own, lastTerm, lastIndex, isGranted] of [
    [[1], 1, 1, true],
    [[1], 1, 2, true],
    [[1, 1], 1, 1, false],
    [[1], 2, 1, true],
    [[1, 1], 2, 1, true],
    [[2], 1, 2, false],
    [[2, 2], 1, 1, false],
  ] as const) {
    test(`a voter with terms ${own.join(" ")} ${isGranted ? "votes" : "does not vote"} for a last entry ${lastIndex} of term ${lastTerm}`, () => {
      const group = new Group(THREE);
      group.add(1, own, hardState(2));
      group.node(1).step(from(MessageType.vote, 2, 1, { term: 3, index: lastIndex, logTerm: lastTerm }));
      assert.equal(group.node(1).status.vote === 2, isGranted);
    });
  }
});

describe("5.4.2 committing entries from previous terms", () => {
  test("figure 8: an old entry on a majority is not committed before one of the leader's own term", () => {
    const group = new Group([1, 2, 3, 4, 5]);
    group.add(1, [1, 2], hardState(3));
    group.add(2, [1, 2], hardState(3));
    for (const id of [3, 4]) group.add(id, [1], hardState(3));
    group.add(5, [1, 3], hardState(3));
    // The leader of term 4 copies the entry of term 2 to a majority, and its own to nobody.
    group.drop(({ type, to, entries, index }) => {
      if (to === 5) return type === MessageType.append;
      return type === MessageType.append && entries.length > 0 && index + entries.length > 2;
    });
    group.node(1).campaign();
    group.settle();
    assert.equal(group.leader, 1);
    for (const id of [3, 4])
      group.node(id).step(from(MessageType.append, 1, id, { term: 4, index: 1, logTerm: 1, entries: [entry(2, 2)] }));
    group.settle();
    assert.deepEqual(group.terms(3), [1, 2]);
    assert.equal(group.node(1).status.commit, 0);
    // Its own entry there commits all before it.
    group.heal();
    group.propose(1, "x");
    assert.equal(group.node(1).status.commit, group.node(1).status.lastIndex);
  });
});

describe("5.5 follower and candidate crashes", () => {
  test("an append that arrives twice changes nothing", () => {
    const group = new Group(THREE);
    const append = from(MessageType.append, 2, 1, { term: 1, entries: [entry(1, 1), entry(1, 2)] });
    group.node(1).step(append);
    group.work(1);
    group.node(1).step({ ...append, entries: [entry(1, 1)] });
    assert.deepEqual(group.terms(1), [1, 1]);
  });
});

describe("6 cluster membership changes", () => {
  const joint = (): Group => {
    const group = new Group([1, 2, 3]).campaign(1);
    for (const id of [4, 5]) group.add(id);
    group.change(
      1,
      "explicit",
      change(ChangeType.addVoter, 4),
      change(ChangeType.addVoter, 5),
      change(ChangeType.removeNode, 2),
      change(ChangeType.removeNode, 3),
    );
    assert.deepEqual(group.node(1).status.configuration.voters, [1, 4, 5]);
    return group;
  };

  for (const [away, isCommitted] of [
    [[2], true],
    [[4], true],
    [[2, 3], false],
    [[4, 5], false],
    [[3, 5], true],
  ] as const) {
    test(`while joint, without servers ${away.join(" and ")} ${isCommitted ? "all goes on" : "nothing is committed"}`, () => {
      const group = joint();
      group.isolate(...away);
      group.propose(1, "x");
      assert.equal(group.member(1).applied.includes("x"), isCommitted);
    });
  }

  test("an election needs both majorities as well", () => {
    const group = joint();
    group.isolate(2, 3);
    assert.notEqual(group.campaign(4).leader, 4);
    group.heal();
    group.isolate(3, 5);
    assert.equal(group.campaign(4).leader, 4);
  });

  test("once the new configuration is left alone the old one has no say", () => {
    const group = joint();
    group.node(1).proposeConfChange(LEAVE_JOINT);
    group.settle().isolate(2, 3);
    group.propose(1, "x");
    assert(group.member(4).applied.includes("x"));
  });

  test("new servers join without a vote until they have caught up", () => {
    const group = new Group(THREE).campaign(1);
    group.add(4);
    group.change(1, "auto", change(ChangeType.addLearner, 4));
    group.isolate(2, 3);
    group.propose(1, "x");
    assert.equal(group.member(1).applied.includes("x"), false);
  });

  test("a leader that is not in the new configuration steps down once that is committed, and does not count itself", () => {
    const group = new Group(THREE).campaign(1);
    group.change(1, "auto", change(ChangeType.removeNode, 1));
    assert.equal(group.node(1).status.role, "follower");
    assert.equal(group.campaign(2).leader, 2);
    assert.deepEqual(group.node(2).status.configuration.voters, [2, 3]);
  });

  test("a server does not vote while it hears of a leader, so that removed ones can not disrupt", () => {
    const group = new Group(THREE, { checkQuorum: true }).campaign(1);
    group.tick(1).settle();
    group.node(2).step(from(MessageType.vote, 3, 2, { term: 9, index: 99, logTerm: 9 }));
    assert.deepEqual([group.node(2).status.term, group.node(2).status.lead], [1, 1]);
  });
});

describe("7 log compaction", () => {
  const compacted = (): Group => {
    const group = new Group(THREE).campaign(1);
    group.isolate(3);
    for (const data of ["a", "b", "c"]) group.propose(1, data);
    const { storage, node } = group.member(1);
    storage.createSnapshot(4, node.status.configuration, utf8("state"));
    storage.compact(4);
    return group;
  };

  test("a follower that needs discarded entries gets the snapshot, then the entries after it", () => {
    const group = compacted();
    group.propose(1, "d").heal();
    group.tick(1).settle();
    group.tick(1).settle();
    assert.equal(group.count(MessageType.snapshot), 1);
    assert.equal(group.member(3).storage.snapshot()?.index, 4);
    assert.deepEqual(group.member(3).applied, ["", "d"]);
  });

  test("a snapshot of what the log holds already leaves the entries after it", () => {
    const group = compacted();
    const { node } = group.member(2);
    const snapshot = { index: 3, term: 1, configuration: node.status.configuration, data: utf8("") };
    node.step(from(MessageType.snapshot, 1, 2, { term: 1, snapshot }));
    group.work(2);
    assert.equal(node.status.lastIndex, 4);
    assert.equal(group.member(2).storage.snapshot()?.index, 0);
  });

  test("a snapshot of more than the log holds replaces it", () => {
    const group = compacted();
    const { node, storage } = group.member(3);
    const snapshot = { index: 9, term: 1, configuration: node.status.configuration, data: utf8("") };
    node.step(from(MessageType.snapshot, 1, 3, { term: 1, snapshot }));
    group.work(3);
    assert.deepEqual([node.status.firstIndex, node.status.lastIndex, node.status.commit], [10, 9, 9]);
    assert.equal(storage.lastIndex, 9);
  });
});

describe("8 client interaction", () => {
  test("a leader begins its term with an entry that does nothing, to learn what is committed", () => {
    const group = new Group(THREE).campaign(1);
    assert.deepEqual(group.member(1).applied, [""]);
  });

  test("a follower passes a request on to the leader", () => {
    const group = new Group(THREE).campaign(1).propose(3, "x");
    assert(group.member(3).applied.includes("x"));
  });

  test("a read waits for a round of heartbeats with a majority", () => {
    const group = new Group(THREE).campaign(1);
    group.isolate(2, 3);
    group.node(1).readIndex(utf8("r"));
    group.settle();
    assert.deepEqual(group.member(1).reads, []);
    group.heal();
    group.tick(1).settle();
    assert.deepEqual(
      group.member(1).reads.map(({ index }) => index),
      [1],
    );
  });

  test("a deposed leader answers no read", () => {
    const group = new Group(THREE).campaign(1);
    group.isolate(1);
    group.campaign(2).propose(2, "x");
    group.node(1).readIndex(utf8("r"));
    group.settle().heal();
    group.tick(1).settle();
    assert.deepEqual(group.member(1).reads, []);
  });
});
