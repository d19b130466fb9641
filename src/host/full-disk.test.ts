import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ChangeType, change } from "../core/raft/index.ts";
import { logFailure } from "../log/index.ts";
import { utf8 } from "../std/bytes.ts";
import { GROUP, SimHosts, type SimNode } from "./testing/sim-hosts.ts";

const FILL = "filler";

/** Takes all room that the disk still has. */
async function fill(hosts: SimHosts, { machine }: SimNode): Promise<void> {
  const { disk } = machine.env;
  const file = await hosts.settle(disk.open(FILL, "create"));
  const { bytesFree } = await hosts.settle(disk.space());
  await hosts.settle(file.write(0, [new Uint8Array(bytesFree)]));
  await hosts.settle(file.close());
}

async function refusal(hosts: SimHosts, node: SimNode): Promise<string | undefined> {
  const call = node.group.propose(new Uint8Array(4_000));
  return hosts.settle(
    call.then(
      () => undefined,
      (error) => error.code,
    ),
  );
}

async function proposeUntilRefused(hosts: SimHosts, node: SimNode): Promise<{ taken: number; code: string }> {
  for (let taken = 0; taken < 1_000; taken++) {
    const code = await refusal(hosts, node);
    if (code !== undefined) return { taken, code };
  }
  throw new Error("never refused");
}

describe("a full disk", () => {
  test("refuses commands of a group of one before anything is written, and goes on when there is space again", async () => {
    await using hosts = await SimHosts.start([1], {}, { bytesMax: 1024 * 1024 });
    const node = await hosts.leader();
    await fill(hosts, node);
    const { taken, code } = await proposeUntilRefused(hosts, node);
    assert.equal(code, "NO_SPACE");
    assert.equal(node.recorder.commands.length, taken);
    await hosts.elapse(2_000);
    assert.equal(await refusal(hosts, node), "NO_SPACE");
    assert.equal(node.failure, undefined);
    await hosts.settle(node.machine.env.disk.remove(FILL));
    await hosts.until(() => !node.log.isNearlyFull);
    assert.equal(await refusal(hosts, node), undefined);
    assert.equal(node.recorder.commands.length, taken + 1);
  });

  test("of a follower holds up nobody else, and it catches up when there is space again", async () => {
    await using hosts = await SimHosts.start([1, 2, 3], { limits: { timeoutTicks: 50 } });
    const leader = await hosts.leader();
    const follower = [...hosts.nodes.values()].find(({ id }) => id !== leader.id)!;
    let isFull = true;
    const append = follower.log.append.bind(follower.log);
    follower.log.append = (records, done) => {
      if (isFull) queueMicrotask(() => done(logFailure("LOG_FULL")));
      else append(records, done);
    };
    for (let at = 0; at < 20; at++) await hosts.settle(leader.group.propose(utf8(`c${at}`)));
    await hosts.elapse(1_000);
    assert.equal(follower.failure, undefined);
    assert.ok(follower.recorder.commands.length < 20);
    isFull = false;
    await hosts.until(() => follower.recorder.commands.length === 20);
    assert.deepEqual(follower.recorder.commands, leader.recorder.commands);
  });

  test("in the middle of a change of membership holds the change up and ends nothing", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const leader = await hosts.leader();
    let isFull = false;
    const append = leader.log.append.bind(leader.log);
    leader.log.append = (records, done) => {
      const isMark = records.some(({ kind }) => kind === "configuration");
      if (isFull && isMark) queueMicrotask(() => done(logFailure("LOG_FULL")));
      else append(records, done);
    };
    isFull = true;
    const removed = [1, 2, 3].find((id) => id !== leader.id)!;
    const changes = [change(ChangeType.removeNode, removed)];
    const changing = leader.group.changeMembers({ transition: "auto", changes });
    await hosts.elapse(1_000);
    assert.equal(leader.failure, undefined);
    isFull = false;
    const now = await hosts.settle(changing);
    assert.ok(!now.voters.includes(removed));
    assert.equal(leader.log.group(GROUP).damage, undefined);
  });
});
