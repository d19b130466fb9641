import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EMPTY, text, utf8 } from "../../std/bytes.ts";
import { collect, sourceOf } from "../../std/source.ts";
import { hostFailure } from "../errors.ts";
import { memoryMachine } from "../memory-machine.ts";
import { NAMES, Names, SimGroups } from "../testing/sim-groups.ts";
import { ClientSession } from "./client.ts";
import { encodeBegin, encodeEnd, encodePlain, encodeRequest } from "./command.ts";
import { SessionMachine, type SessionOutcome } from "./machine.ts";
import { PLAIN_RESULTS } from "./result-codec.ts";

/** A machine that is fed by hand, one entry after the other. */
class Fed {
  readonly names = new Names();
  readonly machine = new SessionMachine<number>(memoryMachine(this.names));

  entry(...commands: Uint8Array[]): readonly SessionOutcome<number>[] {
    return this.machine.apply([{ index: this.machine.appliedIndex + 1, term: 1, commands }])[0]!;
  }

  begin(sessionsMax = 10, windowMax = 4): number {
    const [outcome] = this.entry(encodeBegin(sessionsMax, windowMax));
    assert.equal(outcome?.kind, "begun");
    return outcome.session;
  }

  async copy(): Promise<Fed> {
    const capture = this.machine.capture();
    const bytes = (await collect(capture.read(), 1_000_000))!;
    capture.close();
    const copied = new Fed();
    // In small chunks: they end wherever they like.
    const chunks = Array.from({ length: Math.ceil(bytes.length / 3) }, (_, at) => bytes.subarray(at * 3, at * 3 + 3));
    await copied.machine.restore(sourceOf(...chunks), this.machine.appliedIndex);
    return copied;
  }
}

const request = (session: number, sequence: number, name: string, acknowledged = 0): Uint8Array =>
  encodeRequest({ session, sequence, acknowledged }, utf8(name));
const result = (value: number) => ({ kind: "result", result: value });
const refused = (code: string) => ({ kind: "refused", code });

describe("the table of sessions (dissertation of Raft, 6.3)", () => {
  test("a command is applied once, and answered again as it was", () => {
    const fed = new Fed();
    const session = fed.begin();
    assert.deepEqual(fed.entry(request(session, 1, "a")), [result(0)]);
    assert.deepEqual(fed.entry(request(session, 2, "b"), request(session, 1, "a")), [result(1), result(0)]);
    assert.deepEqual(fed.names.seen, ["a", "b"]);
  });

  test("twice in one entry, it is applied once", () => {
    const fed = new Fed();
    const session = fed.begin();
    const once = request(session, 1, "a");
    assert.deepEqual(fed.entry(once, encodePlain(utf8("x")), once), [result(0), result(1), result(0)]);
    assert.deepEqual(fed.names.seen, ["a", "x"]);
  });

  test("a command without a session is applied as often as it comes", () => {
    const fed = new Fed();
    const plain = encodePlain(utf8("a"));
    assert.deepEqual(fed.entry(plain, plain), [result(0), result(1)]);
  });

  test("what the session has acknowledged is refused, and its result is gone", () => {
    const fed = new Fed();
    const session = fed.begin();
    fed.entry(request(session, 1, "a"), request(session, 2, "b"));
    fed.entry(request(session, 3, "c", 2));
    assert.deepEqual(fed.entry(request(session, 1, "a"), request(session, 2, "b")), [
      refused("SESSION_WINDOW"),
      refused("SESSION_WINDOW"),
    ]);
    assert.deepEqual(fed.entry(request(session, 3, "c")), [result(2)]);
    assert.deepEqual(fed.names.seen, ["a", "b", "c"]);
  });

  test("what is too far ahead is refused: the window bounds what is kept", () => {
    const fed = new Fed();
    const session = fed.begin(10, 4);
    assert.deepEqual(fed.entry(request(session, 5, "e")), [refused("SESSION_WINDOW")]);
    assert.deepEqual(fed.entry(request(session, 4, "d")), [result(0)]);
    assert.deepEqual(fed.entry(request(session, 5, "e", 1)), [result(1)]);
  });

  test("a session that nobody began, or that was ended, is refused and nothing is applied", () => {
    const fed = new Fed();
    assert.deepEqual(fed.entry(request(7, 1, "a")), [refused("SESSION_UNKNOWN")]);
    const session = fed.begin();
    fed.entry(encodeEnd(session));
    assert.deepEqual(fed.entry(request(session, 1, "a")), [refused("SESSION_UNKNOWN")]);
    assert.deepEqual(fed.names.seen, []);
  });

  test("of too many sessions the one that was not used for longest goes", () => {
    const fed = new Fed();
    const [one, two, three] = [fed.begin(3), fed.begin(3), fed.begin(3)];
    fed.entry(request(one, 1, "a"));
    const four = fed.begin(3);
    assert.equal(fed.machine.sessions, 3);
    assert.deepEqual(fed.entry(request(two, 1, "b")), [refused("SESSION_UNKNOWN")]);
    for (const session of [one, three, four]) assert.equal(fed.entry(request(session, 2, "c"))[0]?.kind, "result");
    fed.begin(1);
    assert.equal(fed.machine.sessions, 1);
  });

  test("a snapshot has the table, its order, and the machine behind it", async () => {
    const fed = new Fed();
    const [one, two] = [fed.begin(), fed.begin()];
    fed.entry(request(one, 1, "a"), request(two, 1, "b"), request(two, 2, "c", 1), request(one, 3, "d"));
    const copied = await fed.copy();
    for (const each of [fed, copied]) {
      assert.deepEqual(each.entry(request(one, 1, "a"), request(one, 3, "d")), [result(0), result(3)]);
      assert.deepEqual(each.entry(request(two, 1, "b"), request(two, 2, "c")), [refused("SESSION_WINDOW"), result(2)]);
      assert.deepEqual(each.entry(request(one, 2, "e")), [result(4)]);
      assert.equal(each.begin(2), 3);
      assert.deepEqual(each.entry(request(two, 3, "f")), [refused("SESSION_UNKNOWN")]);
      assert.deepEqual(each.entry(request(one, 4, "f")), [result(5)]);
      assert.deepEqual(each.names.seen, ["a", "b", "c", "d", "e", "f"]);
    }
    assert.deepEqual(await bytesOf(fed), await bytesOf(copied));
  });

  test("an empty state has a snapshot, too", async () => {
    const copied = await new Fed().copy();
    assert.equal(copied.begin(), 1);
  });

  test("a snapshot or a command of a group without sessions is refused by name", async () => {
    const fed = new Fed();
    const none = sourceOf(utf8("[]"));
    await assert.rejects(fed.machine.restore(none, 5), { code: "SNAPSHOT_DAMAGED", message: /sessions/ });
    const other = sourceOf(new Uint8Array(8), utf8("[]"));
    await assert.rejects(fed.machine.restore(other, 5), { code: "SNAPSHOT_DAMAGED" });
    for (const command of [EMPTY, utf8("a"), Uint8Array.of(3, 1)]) {
      assert.throws(() => fed.entry(command), { code: "ENTRY_MALFORMED" });
    }
  });

  test("results are kept as they were when they were given", () => {
    const list: number[] = [];
    const grow = (): number[] => {
      list.push(list.length);
      return list;
    };
    const machine = new SessionMachine<number[]>(memoryMachine({ apply: grow, snapshot: () => EMPTY, restore() {} }));
    const apply = (...commands: Uint8Array[]) =>
      machine.apply([{ index: machine.appliedIndex + 1, term: 1, commands }])[0]!;
    apply(encodeBegin(4, 4));
    apply(request(1, 1, "a"));
    apply(request(1, 2, "b"));
    assert.deepEqual(apply(request(1, 1, "a")), [{ kind: "result", result: [0] }]);
  });

  test("bytes, nothing at all, and what JSON can say come back from where results are kept", () => {
    for (const value of [undefined, null, 0, "", "text", [1, { a: null }], Uint8Array.of(), Uint8Array.of(1, 2)]) {
      assert.deepEqual(PLAIN_RESULTS.decode(PLAIN_RESULTS.encode(value)), value);
    }
  });
});

describe("a session", () => {
  const options = { ...NAMES, group: { sessions: true, limits: { timeoutTicks: 20 } } };

  test("has its commands applied once although answers are lost", async () => {
    await using groups = await SimGroups.start([1, 2, 3], options);
    const leader = await groups.leader();
    let tries = 0;
    const session = await groups.settle(
      ClientSession.begin<number>({
        timers: leader.computer.env.timers,
        propose: async (command, call) => {
          const outcome = await leader.group.proposeForSession(command, call);
          // The first two answers of three get lost on their way.
          if (++tries % 3 !== 0) throw hostFailure("OUTCOME_UNKNOWN");
          return outcome;
        },
      }),
    );
    for (let at = 0; at < 10; at++) assert.equal(await groups.settle(session.propose(utf8(`c${at}`))), at);
    assert.equal(tries, 33);
    assert.equal(leader.machine.seen.length, 10);
    await groups.settle(session.end());
    await assert.rejects(session.propose(utf8("late")), { code: "SESSION_UNKNOWN" });
  });

  test("goes on over a change of leaders, from a member that stays", async () => {
    await using groups = await SimGroups.start([1, 2, 3], options);
    const leader = await groups.leader();
    const other = groups.all.find(({ id }) => id !== leader.id)!;
    const session = await groups.settle(other.group.session());
    assert.equal(await groups.settle(session.propose(utf8("a"))), 0);
    const open = Array.from({ length: 20 }, (_, at) => session.propose(utf8(`b${at}`)));
    await groups.elapse(0.5);
    groups.crash(leader.id);
    const results = await groups.settle(Promise.all(open));
    assert.deepEqual(
      [...results].sort((left, right) => left - right),
      Array.from({ length: 20 }, (_, at) => at + 1),
    );
    assert.equal(new Set(other.machine.seen).size, 21);
    assert.equal(other.machine.seen.length, 21);
  });

  test("tries until its time is over, then says whether the command may have been applied", async () => {
    await using groups = await SimGroups.start([1, 2, 3], options);
    const leader = await groups.leader();
    const session = await groups.settle(leader.group.session({ limits: { timeoutMillis: 9000 } }));
    groups.network.isolate(leader.id);
    const sent = assert.rejects(session.propose(utf8("a")), { code: "OUTCOME_UNKNOWN" });
    await groups.elapse(5000);
    const unsent = assert.rejects(session.propose(utf8("b")), { code: "NO_LEADER" });
    const giveUp = new AbortController();
    const given = assert.rejects(session.propose(utf8("c"), { signal: giveUp.signal }), { message: "enough" });
    await groups.elapse(100);
    giveUp.abort(new Error("enough"));
    await given;
    await groups.elapse(10_000);
    await Promise.all([sent, unsent]);
    groups.network.heal();
    await groups.settle(session.propose(utf8("d")));
    assert.ok(!leader.machine.seen.includes("b") && !leader.machine.seen.includes("c"));
  });

  test("that the group gave up is told so, and its command is not applied", async () => {
    await using groups = await SimGroups.start([1], options);
    const { group, machine } = groups.member(1);
    const old = await groups.settle(group.session({ limits: { sessionsMax: 2 } }));
    for (let more = 0; more < 2; more++) await groups.settle(group.session({ limits: { sessionsMax: 2 } }));
    await assert.rejects(groups.settle(old.propose(utf8("a"))), { code: "SESSION_UNKNOWN" });
    assert.deepEqual(machine.seen, []);
  });

  test("does not take more than its window at once", async () => {
    await using groups = await SimGroups.start([1], options);
    const session = await groups.settle(groups.member(1).group.session({ limits: { windowMax: 3 } }));
    const open = ["a", "b", "c"].map((name) => session.propose(utf8(name)));
    await assert.rejects(session.propose(utf8("d")), { code: "OVERLOADED" });
    await groups.settle(Promise.all(open));
    assert.equal(await groups.settle(session.propose(utf8("e"))), 3);
  });

  test("a group that was started without sessions says so", async () => {
    await using groups = await SimGroups.start([1], NAMES);
    await assert.rejects(groups.settle(groups.member(1).group.session()), { code: "GROUP_OPTION_INVALID" });
  });

  test("finds its answers after a restart from snapshots", async () => {
    const group = { ...options.group, limits: { ...options.group.limits, snapshotLogBytesMin: 1000 } };
    await using groups = await SimGroups.start([1], { ...options, group });
    const propose = (command: Uint8Array) => groups.settle(groups.member(1).group.proposeForSession(command, {}));
    await propose(encodeBegin(10, 1000));
    for (let at = 1; at <= 80; at++) await propose(request(1, at, `c${at}`));
    groups.crash(1);
    const { machine } = await groups.settle(groups.revive(1));
    await groups.settle(groups.member(1).group.read());
    assert.ok(machine.restores > 0);
    for (const at of [1, 40, 80]) assert.deepEqual(await propose(request(1, at, "again")), result(at - 1));
    assert.equal(machine.seen.length, 80);
  });
});

async function bytesOf({ machine }: Fed): Promise<string> {
  return text((await collect(machine.capture().read(), 1_000_000))!);
}
