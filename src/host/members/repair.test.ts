import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { SimHosts, type SimNode } from "../testing/sim-hosts.ts";

async function proposeMany(hosts: SimHosts, node: SimNode, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at++) await hosts.settle(node.group.propose(utf8(`c${at}`)));
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, at) => `c${at}`);

async function written(founders: readonly number[]): Promise<SimHosts> {
  const hosts = await SimHosts.start(founders);
  await proposeMany(hosts, await hosts.leader(), 0, 10);
  await hosts.elapse(500);
  for (const id of founders) hosts.crash(id);
  return hosts;
}

describe("the repair of a lost quorum that names the lost members", () => {
  test("has the survivor go on alone, and the others vote again with empty disks under their ids", async () => {
    await using hosts = await written([1, 2, 3]);
    const { votersBefore, lost } = await hosts.settle(hosts.repair(3, [1, 2]));
    assert.deepEqual(
      [votersBefore, lost],
      [
        [1, 2, 3],
        [1, 2],
      ],
    );
    const survivor = await hosts.settle(hosts.revive(3));
    await proposeMany(hosts, survivor, 10, 12);
    const [one, two] = await hosts.settle(Promise.all([hosts.add(1), hosts.add(2)]));
    await hosts.until(() => survivor.group.status.configuration.voters.length === 3);
    hosts.crash(3);
    await proposeMany(hosts, one!, 12, 14);
    await hosts.settle(two!.group.readBarrier());
    assert.deepEqual(two!.recorder.commands, numbered(14));
  });

  test("takes other survivors in with the disks that they have", async () => {
    await using hosts = await written([1, 2, 3, 4, 5]);
    await hosts.settle(hosts.repair(1, [3, 4, 5]));
    const one = await hosts.settle(hosts.revive(1));
    const two = await hosts.settle(hosts.revive(2));
    await hosts.until(() => one.group.status.configuration.voters.length === 2);
    await proposeMany(hosts, two, 10, 12);
    assert.deepEqual(two.recorder.commands, numbered(12));
    assert.equal(two.recorder.restores, 0);
  });

  test("is refused where the others are a quorum, and where the names do not fit", async () => {
    await using hosts = await written([1, 2, 3]);
    await assert.rejects(hosts.settle(hosts.repair(1, [3])), { code: "CHANGE_REFUSED", message: /are a quorum/ });
    hosts.crash(1);
    await assert.rejects(hosts.settle(hosts.repair(1, [1, 2])), { code: "CHANGE_REFUSED", message: /called lost/ });
    hosts.crash(1);
    await assert.rejects(hosts.settle(hosts.repair(1, [2, 4])), { code: "CHANGE_REFUSED", message: /no member/ });
    hosts.crash(1);
    const again = await hosts.settle(Promise.all([1, 2, 3].map((id) => hosts.revive(id))));
    await hosts.settle(again[0]!.group.readBarrier());
    assert.deepEqual(again[0]!.recorder.commands, numbered(10));
  });
});
