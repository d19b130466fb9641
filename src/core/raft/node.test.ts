import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EMPTY, utf8 } from "../../std/bytes.ts";
import { ChangeType, change, LEAVE_JOINT } from "./conf-change.ts";
import { configurationOf, EntryType, MemoryStorage, type Message, MessageType, newMessage, RaftNode } from "./index.ts";
import type { RaftOptions } from "./options.ts";
import { Group } from "./testing/group.ts";

const THREE = [1, 2, 3] as const;

function storageOf(voters: readonly number[]): MemoryStorage {
  const storage = new MemoryStorage();
  storage.applySnapshot({ index: 2, term: 1, configuration: configurationOf({ voters }), data: EMPTY });
  return storage;
}

function nodeOf(options: Partial<RaftOptions> = {}): RaftNode {
  return new RaftNode({ id: 1, storage: storageOf(THREE), random: () => 0, ...options });
}

describe("options", () => {
  for (const [name, options] of Object.entries<Partial<RaftOptions>>({
    "an id of 0": { id: 0 },
    "an id of a storage thread": { id: Number.MAX_SAFE_INTEGER },
    "no heartbeats": { heartbeatTicks: 0 },
    "elections before heartbeats": { electionTicks: 1, heartbeatTicks: 1 },
    "lease reads without a check of the quorum": { reads: "lease-assuming-bounded-clock-drift", checkQuorum: false },
    "a window below one message": { inflightBytesMax: 10, messageBytesMax: 11 },
    "no window": { inflightMessagesMax: 0 },
    "silence before the first heartbeat": { quiesceTicks: 1 },
  })) {
    test(`${name} is refused`, () => {
      assert.throws(() => nodeOf(options), { code: "OPTIONS_INVALID" });
    });
  }
});

describe("what is refused", () => {
  test("a local message from the network", () => {
    const message = Object.assign(newMessage(MessageType.hup, 1), { from: 2 });
    assert.throws(() => nodeOf().step(message), { code: "MESSAGE_LOCAL" });
  });

  test("a response from a stranger", () => {
    const message = Object.assign(newMessage(MessageType.appendResponse, 1), { from: 9, term: 0 });
    assert.throws(() => nodeOf().step(message), { code: "PEER_UNKNOWN" });
  });

  test("a proposal without a leader, with the reason", () => {
    assert.throws(() => nodeOf().propose(utf8("x")), { code: "PROPOSAL_DROPPED", data: { reason: "no-leader" } });
  });

  test("a proposal on a follower that does not forward", () => {
    const group = new Group(THREE, { forwardProposals: false }).campaign(1);
    const isRefused = { code: "PROPOSAL_DROPPED", data: { reason: "not-forwarded" } };
    assert.throws(() => group.node(2).propose(utf8("x")), isRefused);
  });

  test("proposals beyond the limit of what is not committed; a single one of any size is taken", () => {
    const group = new Group(THREE, { uncommittedBytesMax: 10 }).campaign(1);
    group.isolate(2, 3);
    group.propose(1, "a single one that is too long");
    const isRefused = { code: "PROPOSAL_DROPPED", data: { reason: "too-much-uncommitted" } };
    assert.throws(() => group.node(1).propose(utf8("x")), isRefused);
    group.heal();
    group.tick(1).settle().propose(1, "x");
    assert(group.member(2).applied.includes("x"));
  });

  test("a change that can not be made, at the one who proposes it", () => {
    const group = new Group([1]).campaign(1);
    const conf = { transition: "auto" as const, changes: [change(ChangeType.removeNode, 1)], context: EMPTY };
    assert.throws(() => group.node(1).proposeConfChange(conf), { code: "CHANGE_INVALID" });
  });

  test("a forwarded change that is no change, before anything of it is in the log", () => {
    const group = new Group(THREE).campaign(1);
    const { lastIndex } = group.node(1).status;
    const message = Object.assign(newMessage(MessageType.propose, 1), { from: 2 });
    message.entries = [{ term: 0, index: 0, type: EntryType.confChangeV2, data: utf8("nonsense") }];
    assert.throws(() => group.node(1).step(message), { code: "MALFORMED" });
    assert.equal(group.node(1).status.lastIndex, lastIndex);
  });
});

describe("a batch of proposals", () => {
  test("is one append and one message to each follower", () => {
    const group = new Group(THREE).campaign(1);
    group.node(1).proposeAll(["a", "b", "c"].map((data) => utf8(data)));
    const sent = group.work(1);
    assert.deepEqual(
      sent.map(({ to, entries }) => [to, entries.length]),
      [
        [2, 3],
        [3, 3],
      ],
    );
    group.settle();
    assert.deepEqual(group.member(3).applied.slice(-3), ["a", "b", "c"]);
  });

  test("is taken or dropped as a whole", () => {
    const group = new Group(THREE, { uncommittedBytesMax: 4 }).campaign(1);
    group.node(1).propose(utf8("abc"));
    assert.throws(() => group.node(1).proposeAll([utf8("d"), utf8("e")]), { code: "PROPOSAL_DROPPED" });
    assert.equal(group.node(1).status.lastIndex, 2);
  });
});

describe("flow control", () => {
  test("appends are cut by their bytes, and the window by messages and by bytes", () => {
    for (const [options, inFlight] of [
      [{ inflightMessagesMax: 3 }, 3],
      [{ inflightBytesMax: 40 }, 2],
    ] as const) {
      const group = new Group(THREE, { messageBytesMax: 32, ...options }).campaign(1);
      for (let proposal = 0; proposal < 10; proposal++) group.node(1).propose(utf8("twenty bytes of data"));
      const toSecond = group.work(1).filter(({ to }) => to === 2);
      assert.equal(toSecond.length, inFlight);
      for (const { entries } of toSecond) assert.equal(entries.length, 1);
      group.settle();
      assert.equal(group.node(2).status.commit, 11);
    }
  });

  test("no more is handed to the state machine than it may hold", () => {
    const group = new Group([1], { applyingBytesMax: 30, asyncStorageWrites: true });
    const { node, storage } = group.member(1);
    const applying: Message[] = [];
    const write = (): void => {
      while (node.hasReady) {
        for (const message of node.ready().messages) {
          if (message.type === MessageType.storageApply) applying.push(message);
          if (message.type !== MessageType.storageAppend) continue;
          if (message.hardState !== undefined) storage.setHardState(message.hardState);
          storage.append(message.entries);
          for (const response of message.responses) node.step(response);
        }
      }
    };
    node.campaign();
    write();
    for (let proposal = 0; proposal < 6; proposal++) node.propose(utf8("ten bytes."));
    write();
    let applied = 0;
    while (applying.length > 0) {
      const held = applying.flatMap(({ entries }) => entries).reduce((sum, { data }) => sum + data.length + 12, 0);
      assert(held <= 30 + 22);
      const message = applying.shift()!;
      applied += message.entries.length;
      for (const response of message.responses) node.step(response);
      write();
    }
    assert.equal(applied, 7);
  });
});

describe("storage", () => {
  /** Its entries come from afar. */
  class SlowStorage extends MemoryStorage {
    isLoaded = true;

    override entries(...range: Parameters<MemoryStorage["entries"]>): ReturnType<MemoryStorage["entries"]> {
      return this.isLoaded ? super.entries(...range) : "pending";
    }
  }

  test("entries that are being fetched hold up neither the node nor the group, and go out when they are there", () => {
    const storage = new SlowStorage();
    storage.applySnapshot({ index: 2, term: 1, configuration: configurationOf({ voters: THREE }), data: EMPTY });
    storage.append([3, 4].map((index) => ({ term: 1, index, type: EntryType.normal, data: utf8(`${index}`) })));
    storage.setHardState({ term: 1, vote: 0, commit: 2, incarnation: 0, isLost: false });
    const node = nodeOf({ storage, preVote: false });
    const sent: Message[] = [];
    const applied: number[] = [];
    const work = (): void => {
      while (node.hasReady) {
        const ready = node.ready();
        if (ready.hardState !== undefined) storage.setHardState(ready.hardState);
        storage.append(ready.entries);
        sent.push(...ready.messages);
        applied.push(...ready.committedEntries.map(({ index }) => index));
        node.advance();
      }
    };
    const hear = (type: MessageType, fields: Partial<Message>): void => {
      node.step(Object.assign(newMessage(type, 1), { from: 2, term: 2, ...fields }));
      work();
    };
    storage.isLoaded = false;
    node.campaign();
    work();
    hear(MessageType.voteResponse, {});
    hear(MessageType.appendResponse, { index: 4, reject: true, rejectHint: 2, logTerm: 1 });
    assert.equal(
      sent.some(({ to, entries }) => to === 2 && entries.length > 1),
      false,
    );
    storage.isLoaded = true;
    node.entriesLoaded();
    work();
    assert.deepEqual(
      sent.at(-1)!.entries.map(({ index }) => index),
      [3, 4, 5],
    );
    storage.isLoaded = false;
    hear(MessageType.appendResponse, { index: 5 });
    assert.deepEqual([node.status.commit, applied], [5, []]);
    assert.equal(node.hasReady, false);
    storage.isLoaded = true;
    node.entriesLoaded();
    work();
    assert.deepEqual(applied, [3, 4, 5]);
  });

  test("a new member gets no snapshot from before it was one, as it would refuse it", () => {
    const group = new Group([1]).campaign(1).propose(1, "x");
    const { node, storage } = group.member(1);
    storage.createSnapshot(2, node.status.configuration, EMPTY);
    storage.compact(2);
    group.add(2);
    group.change(1, "auto", change(ChangeType.addLearner, 2));
    group.tick(1).settle();
    assert.equal(group.count(MessageType.snapshot), 0);
    storage.createSnapshot(3, node.status.configuration, EMPTY);
    group.tick(1).settle();
    assert.equal(group.node(2).status.commit, 3);
  });

  test("a state machine that is ahead of the stored commit index says what is committed", () => {
    const storage = storageOf(THREE);
    storage.append([{ term: 1, index: 3, type: EntryType.normal, data: EMPTY }]);
    storage.setHardState({ term: 1, vote: 0, commit: 2, incarnation: 0, isLost: false });
    assert.equal(nodeOf({ storage, applied: 3 }).status.commit, 3);
  });
});

describe("a restarted node under lease reads", () => {
  test("refuses its vote for an election timeout, as its last word may still hold up a lease", () => {
    const storage = storageOf(THREE);
    storage.setHardState({ term: 4, vote: 2, commit: 2, incarnation: 0, isLost: false });
    const node = nodeOf({ storage, reads: "lease-assuming-bounded-clock-drift" });
    const ask = (): number => {
      node.step(Object.assign(newMessage(MessageType.vote, 1), { from: 3, term: 5, index: 9, logTerm: 4 }));
      return node.status.vote;
    };
    assert.equal(ask(), 2);
    for (let tick = 0; tick < 10; tick++) node.tick();
    assert.equal(ask(), 3);
  });
});

describe("explain", () => {
  const leaderOf = (group: Group, id: number): string => group.node(id).explain().leader;

  test("says why there is no leader", () => {
    const group = new Group(THREE, { preVote: true }, { learners: [4] });
    assert.match(leaderOf(group, 1), /^This node knows no leader in term 0 and stands for election in \d+ ticks\.$/);
    assert.match(leaderOf(group, 4), /learner, knows no leader in term 0/);
    group.isolate(2, 3);
    group.campaign(1);
    assert.equal(
      leaderOf(group, 1),
      "This node asks whether it could win term 1 and has 1 of the 2 votes that it needs of nodes 1, 2 and 3; nodes 2 and 3 did not answer.",
    );
  });

  test("of a joint configuration names the half that lacks votes", () => {
    const group = new Group(THREE).campaign(1);
    group.change(1, "explicit", change(ChangeType.removeNode, 3));
    group.isolate(1, 3);
    group.campaign(2);
    assert.match(leaderOf(group, 2), /has 1 of the 2 votes that it needs of nodes 1 and 2; node 1 did not answer\.$/);
  });

  test("says why a follower lags", () => {
    const group = new Group(THREE).campaign(1);
    assert.deepEqual(group.node(1).explain(), { leader: "This node leads in term 1.", lagging: [], change: undefined });
    group.isolate(3);
    group.propose(1, "x");
    const why = (): string | undefined => group.node(1).explain().lagging[0]?.why;
    assert.equal(why(), "Node 3 lacks 1 entry: an append is on its way.");
    group.node(1).reportUnreachable(3);
    assert.equal(why(), "Node 3 lacks 1 entry: where its log meets the leader's is being looked for at index 1.");
  });

  test("says why a change waits", () => {
    const group = new Group(THREE).campaign(1);
    const why = (): string | undefined => group.node(1).explain().change;
    group.isolate(2, 3);
    group.change(1, "explicit", change(ChangeType.removeNode, 3));
    assert.equal(why(), "A change of membership may lie up to index 2, and only 1 is committed.");
    group.heal();
    group.tick(1).settle();
    assert.equal(
      why(),
      "The configuration is joint, of nodes 1 and 2 and nodes 1, 2 and 3: somebody must propose to leave it.",
    );
    group.node(1).proposeConfChange(LEAVE_JOINT);
    group.settle();
    assert.equal(why(), undefined);
  });
});
