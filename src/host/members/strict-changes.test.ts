import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Change, ChangeType, type Configuration, change } from "../../core/raft/index.ts";
import type { MemberChangeOptions } from "../hosted-group.ts";
import { SimHosts, type SimNode } from "../testing/sim-hosts.ts";

const remove = (id: number): Change => change(ChangeType.removeNode, id);
const AFTER_A_CHECK_MILLIS = 3_000;

function make(node: SimNode, one: Change, options?: MemberChangeOptions): Promise<Configuration> {
  return node.group.changeMembers({ transition: "auto", changes: [one] }, options);
}

async function oneSilent(
  hosts: SimHosts,
): Promise<{ readonly leader: SimNode; readonly sound: SimNode; readonly silent: SimNode }> {
  const leader = await hosts.leader();
  const [sound, silent] = [...hosts.nodes.values()].filter(({ id }) => id !== leader.id) as [SimNode, SimNode];
  hosts.crash(silent.id);
  await hosts.elapse(AFTER_A_CHECK_MILLIS);
  return { leader, sound, silent };
}

describe("a change that would leave no quorum of members that are alive", () => {
  test("is refused by the leader, with the reason, and nothing was changed", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const { leader, sound, silent } = await oneSilent(hosts);
    const message = new RegExp(`does not hear ${silent.id}`);
    await assert.rejects(hosts.settle(make(leader, remove(sound.id))), { code: "CHANGE_UNSAFE", message });
    assert.deepEqual(leader.group.status.configuration.voters, [1, 2, 3]);
    const now = await hosts.settle(make(leader, remove(silent.id)));
    assert.equal(now.voters.length, 2);
  });

  test("is refused at once where a follower passed it on, with the leader's reason", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const { sound, silent } = await oneSilent(hosts);
    const message = new RegExp(`does not hear ${silent.id}`);
    const before = hosts.scheduler.nowMillis;
    await assert.rejects(hosts.settle(make(sound, remove(sound.id))), { code: "CHANGE_UNSAFE", message });
    assert.ok(hosts.scheduler.nowMillis - before < 1_000);
    await hosts.settle(make(sound, remove(silent.id)));
  });

  test("is made where the caller insists, on any member", async () => {
    await using hosts = await SimHosts.start([1, 2, 3]);
    const { leader, sound, silent } = await oneSilent(hosts);
    const now = await hosts.settle(make(sound, remove(sound.id), { strict: false }));
    assert.deepEqual(now.voters, [leader.id, silent.id].sort());
    await hosts.settle(hosts.revive(silent.id));
    await hosts.until(() => hosts.node(silent.id).group.lead !== 0);
  });

  test("is refused, too, where the group had fallen silent before its member died", async () => {
    await using hosts = await SimHosts.start([1, 2, 3], { core: { quiesceTicks: 5 } });
    const leader = await hosts.leader();
    await hosts.until(() => leader.group.status.isQuiescent);
    const { sound, silent } = await oneSilent(hosts);
    const message = new RegExp(`does not hear ${silent.id}`);
    await assert.rejects(hosts.settle(make(leader, remove(sound.id))), { code: "CHANGE_UNSAFE", message });
  });
});
