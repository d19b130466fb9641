import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { Recorder } from "../testing/recorder.ts";
import { GROUP, SimHosts, type SimNode } from "../testing/sim-hosts.ts";

const LIMITS = { snapshotLogBytesMin: 2000 };

async function proposeMany(hosts: SimHosts, node: SimNode, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at++) await hosts.settle(node.group.propose(utf8(`c${at}`.padEnd(400))));
}

/** Enough for two snapshots and a log that begins behind them; then power fails and the files are gone, or rotten. */
async function loseState(hosts: SimHosts, node: SimNode, how: "gone" | "rotten"): Promise<void> {
  await hosts.until(() => node.log.group(GROUP).compaction.index > 2);
  const { disk } = node.machine.env;
  const folder = `raft/${GROUP}`;
  for (const name of await hosts.settle(disk.list(folder))) {
    if (how === "gone") await hosts.settle(disk.remove(`${folder}/${name}`));
  }
  await hosts.settle(disk.syncDirectory(folder));
  const files = await hosts.settle(disk.list(folder));
  hosts.crash(node.id);
  for (const name of files) node.machine.disk.rot(`${folder}/${name}`, 100);
}

describe("a member whose snapshots are gone or rotten at its start", () => {
  for (const how of ["gone", "rotten"] as const) {
    test(`comes back by itself where others are a quorum (${how}): it learns, catches up, and votes again`, async () => {
      await using hosts = await SimHosts.start([1, 2, 3], { limits: LIMITS, onStateLost: "rejoin" });
      const leader = await hosts.leader();
      await proposeMany(hosts, leader, 0, 24);
      const other = [...hosts.nodes.values()].find(({ id }) => id !== leader.id)!;
      await loseState(hosts, other, how);
      const back = await hosts.settle(hosts.revive(other.id));
      assert.equal(hosts.events.filter(({ kind }) => kind === "damage-forgotten").length, 1);
      await hosts.until(() => back.group.status.configuration.voters.includes(other.id));
      await hosts.until(() => back.recorder.commands.length === 24);
      assert.deepEqual(back.recorder.commands, leader.recorder.commands);
      assert.equal(back.failure, undefined);
    });
  }

  test("is still one that lost its disk where power fails before anybody brought it up to date", async () => {
    await using hosts = await SimHosts.start([1, 2, 3], { limits: LIMITS, onStateLost: "rejoin" });
    const leader = await hosts.leader();
    await proposeMany(hosts, leader, 0, 24);
    const other = [...hosts.nodes.values()].find(({ id }) => id !== leader.id)!;
    await loseState(hosts, other, "gone");
    for (const { id } of hosts.nodes.values()) {
      if (id === other.id) continue;
      hosts.network.cut(id, other.id);
      hosts.network.cut(other.id, id);
    }
    await hosts.settle(hosts.revive(other.id));
    const again = await hosts.settle(hosts.restart(other.id));
    assert.match(again.group.explain().leader, /lost its disk/);
    hosts.network.heal();
    await hosts.until(() => again.recorder.commands.length === 24);
  });

  test("refuses to start alone, and keeps its log", async () => {
    await using hosts = await SimHosts.start([1], { limits: LIMITS, onStateLost: "rejoin" });
    const node = await hosts.leader();
    await proposeMany(hosts, node, 0, 24);
    await loseState(hosts, node, "rotten");
    await assert.rejects(hosts.settle(hosts.revive(1)), {
      code: "SNAPSHOT_DAMAGED",
      message: /no quorum without this one/,
    });
    assert.ok(hosts.node(1).log.group(GROUP).lastIndex > 24);
    hosts.crash(1);
  });

  test("of two refuses, too: the other one alone could not take it back", async () => {
    await using hosts = await SimHosts.start([1, 2], { limits: LIMITS, onStateLost: "rejoin" });
    const leader = await hosts.leader();
    await proposeMany(hosts, leader, 0, 24);
    const other = [...hosts.nodes.values()].find(({ id }) => id !== leader.id)!;
    await loseState(hosts, other, "gone");
    await assert.rejects(hosts.settle(hosts.revive(other.id)), { code: "COMPACTED", message: /no quorum without/ });
    hosts.crash(other.id);
  });

  test("refuses where its owner may have the state from elsewhere, and goes on when it brings it", async () => {
    await using hosts = await SimHosts.start([1, 2, 3], { limits: LIMITS });
    const leader = await hosts.leader();
    await proposeMany(hosts, leader, 0, 24);
    const other = [...hosts.nodes.values()].find(({ id }) => id !== leader.id)!;
    const { commands, appliedIndex } = other.recorder;
    await loseState(hosts, other, "gone");
    await assert.rejects(hosts.settle(hosts.revive(other.id)), { code: "COMPACTED" });
    const machine = new Recorder();
    machine.commands = [...commands];
    machine.appliedIndex = appliedIndex;
    await hosts.settle(hosts.restart(other.id, { machine }));
    await proposeMany(hosts, leader, 24, 30);
    await hosts.until(() => machine.commands.length === 30);
  });
});
