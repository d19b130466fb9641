import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../std/bytes.ts";
import { startManyGroups, stopManyGroups } from "./testing/many-groups.ts";
import { SimHosts } from "./testing/sim-hosts.ts";

const COUNT = 48;

describe("48 groups on three nodes", () => {
  test("share one write of the log and one frame a turn, fall silent, and wake when a machine dies", async () => {
    const hosts = new SimHosts([]);
    const nodes = await startManyGroups(hosts, COUNT);
    const first = nodes[0]!;
    await hosts.until(() => first.groups.every((group) => group.lead !== 0));
    for (const node of nodes) {
      for (const [at, group] of node.groups.entries()) {
        const leader = nodes.find(({ groups }) => groups[at]!.isLeader);
        if (node === first && leader !== undefined && leader !== first) group.transferLeadership(first.id);
      }
    }
    await hosts.until(() => first.groups.every((group) => group.isLeader));
    await hosts.elapse(1_000);

    const before = nodes.map(({ log, host }) => ({ ...log.counters, sent: host.counters.framesSent }));
    const calls = first.groups.map((group) => group.propose(utf8("a")));
    await hosts.settle(Promise.all(calls));
    await hosts.elapse(20);
    for (const [at, { log, host }] of nodes.entries()) {
      const batches = log.counters.batches - before[at]!.batches;
      assert.ok(batches <= 2, `48 groups' entries took node ${at + 1} ${batches} writes`);
      assert.ok(host.counters.framesSent - before[at]!.sent <= 12, "groups' messages leave together");
    }

    await hosts.until(() => nodes.every(({ groups }) => groups.every(({ status }) => status.isQuiescent)));
    const silent = nodes.map(({ host }) => host.counters.framesSent);
    await hosts.elapse(2_000);
    const [ofLeader, ...ofFollowers] = nodes.map(({ host }, at) => host.counters.framesSent - silent[at]!);
    assert.ok(ofLeader! >= 2 * 19 && ofLeader! <= 2 * 21, "a frame a tick says that the leaders' node lives");
    assert.deepEqual(ofFollowers, [0, 0]);
    first.machine.crash();
    hosts.network.join(first.id);
    const others = nodes.slice(1);
    await hosts.until(() => first.groups.every((_, at) => others.some(({ groups }) => groups[at]!.isLeader)));
    await hosts.settle(Promise.all(others[0]!.groups.map((group) => group.propose(utf8("b")))));
    await stopManyGroups(hosts, nodes);
  });
});
