import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EntryType, type Message, MessageType, newMessage } from "../../core/raft/index.ts";
import { utf8 } from "../../std/bytes.ts";
import { GROUP, SimHosts, type SimNode } from "../testing/sim-hosts.ts";
import { FrameWriter, readFrame } from "../transport/frame.ts";
import { encodeBatch } from "./entry.ts";

async function pair(hosts: SimHosts): Promise<readonly [leader: SimNode, follower: SimNode]> {
  const leader = await hosts.leader();
  const follower = [...hosts.nodes.values()].find(({ id }) => id !== leader.id)!;
  await hosts.settle(follower.group.propose(utf8("first")));
  return [leader, follower];
}

const CALL_MILLIS = 10_000;

describe("a command that a follower has passed on", () => {
  test("and that its leader lost with its power goes to the next leader, long before its time is over", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const [leader, follower] = await pair(hosts);
    hosts.network.cut(follower.id, leader.id);
    const call = follower.group.propose(utf8("second"));
    await hosts.elapse(20);
    hosts.crash(leader.id);
    const before = hosts.scheduler.nowMillis;
    assert.equal(await hosts.settle(call), 1);
    assert.ok(hosts.scheduler.nowMillis - before < CALL_MILLIS / 2);
    assert.deepEqual(follower.recorder.commands, ["first", "second"]);
  });

  test("and that its leader took alone goes to the next leader, and is applied once", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const [leader, follower] = await pair(hosts);
    // What the leader appends reaches nobody.
    for (const { id } of hosts.nodes.values()) if (id !== leader.id) hosts.network.cut(leader.id, id);
    const call = follower.group.propose(utf8("second"));
    await hosts.until(() => leader.log.group(GROUP).lastIndex > leader.group.status.commit);
    await hosts.settle(call);
    hosts.network.heal();
    await hosts.settle(leader.group.readBarrier());
    assert.deepEqual(leader.recorder.commands, ["first", "second"]);
    assert.deepEqual(follower.recorder.commands, ["first", "second"]);
  });

  test("and that was lost on its way to a leader that leads on ends before its time is over, as not known", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const [leader, follower] = await pair(hosts);
    hosts.network.cut(follower.id, leader.id);
    const call = follower.group.propose(utf8("second"));
    call.catch(() => {});
    await hosts.elapse(20);
    hosts.network.heal();
    const before = hosts.scheduler.nowMillis;
    await assert.rejects(hosts.settle(call), { code: "OUTCOME_UNKNOWN" });
    assert.ok(hosts.scheduler.nowMillis - before < CALL_MILLIS / 2);
    assert.equal(leader.group.isLeader, true);
  });

  test("and that comes when its term is over is sent back, and put into no log", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const [leader] = await pair(hosts);
    const refused: number[] = [];
    const asking = hosts.network.join(9);
    await asking.start({
      receive: (_, frame) =>
        readFrame(frame, () => true, {
          ...{ message() {}, request() {}, piece() {}, founding() {}, unsafe() {} },
          refusal: (_, { sequence }) => refused.push(sequence),
        }),
      unreachable: () => {},
    });
    const { term, lastIndex } = leader.group.status;
    const send = (to: number, sequence: number, logTerm: number): void => {
      const writer = new FrameWriter();
      writer.begin(77, sequence);
      const data = encodeBatch({ life: 77, sequence }, [utf8("late")]);
      const entries = [{ term: 0, index: 0, type: EntryType.normal, data }];
      const message: Message = { ...newMessage(MessageType.propose, to), from: 9, logTerm, entries };
      writer.message(GROUP, message);
      asking.send(to, writer.finish());
    };
    send(leader.id, 1, term - 1);
    const other = [...hosts.nodes.keys()].find((id) => id !== leader.id)!;
    send(other, 2, term);
    await hosts.elapse(500);
    assert.deepEqual(refused.sort(), [1, 2]);
    assert.equal(leader.group.status.lastIndex, lastIndex);
    send(leader.id, 3, term);
    await hosts.elapse(500);
    assert.equal(leader.recorder.commands.at(-1), "late");
  });
});
