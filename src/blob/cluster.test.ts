import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode } from "../std/errors.ts";
import { ClusterWorld } from "./testing/cluster-world.ts";

const LENGTHS = [1, 5000, 16_384, 16_385, 98_304, 98_305, 300_001];

const open = (nodes: number, seed = 1, zones: readonly string[] = []): Promise<ClusterWorld> => {
  return ClusterWorld.open({ seed, nodes, zones });
};

describe("blobs of a cluster", () => {
  test("are read through every node, whichever took them", async () => {
    const world = await open(3);
    await world.run(1000);
    for (const [at, length] of LENGTHS.entries()) {
      const writer = world.node(1 + (at % 3));
      const body = world.bytes(length);
      const refs = await world.settle(world.put(writer, `key ${at}`, body));
      for (const node of world.nodes) deepEqual(await world.settle(world.read(node, refs)), body);
    }
    for (const row of world.volumes().values()) equal(row.members.length, 3);
    await world.close();
  });

  test("of five nodes have three copies, and are read through the two nodes that have none", async () => {
    const world = await open(5);
    await world.run(1000);
    const body = world.bytes(98_304);
    const refs = await world.settle(world.put(world.node(1), "key", body));
    const members = world.volumes().get(refs[0]!.volume)!.members;
    equal(members.length, 3);
    for (const node of world.nodes) deepEqual(await world.settle(world.read(node, refs)), body);
    const others = world.nodes.filter(({ id }) => !members.includes(String(id)));
    for (const { blobs } of others) ok(blobs!.counters.remoteReadBytes >= 98_304);
    await world.close();
  });

  test("are acknowledged while any one node is away, and nothing that was acknowledged is lost with another", async () => {
    for (const gone of [1, 2, 3]) {
      const world = await open(3, gone);
      await world.run(1000);
      const before = world.bytes(50_000);
      const refsBefore = await world.settle(world.put(world.node(1), "before", before));
      world.stop(world.node(gone), "crash");
      const writer = world.node(gone === 1 ? 2 : 1);
      const after = world.bytes(50_000);
      const refsAfter = await world.settle(world.put(writer, "after", after));
      await world.run(10_000);
      await world.restart(world.node(gone));
      await world.run(5000);
      for (const node of world.nodes) {
        deepEqual(await world.settle(world.read(node, refsBefore)), before, `node ${node.id}, ${gone} gone`);
        deepEqual(await world.settle(world.read(node, refsAfter)), after);
      }
      await world.close();
    }
  });

  test("give space back on all of their nodes", async () => {
    const world = await open(3);
    await world.run(1000);
    const node = world.node(2);
    const kept = world.bytes(9000);
    const refs = await world.settle(world.put(node, "kept", kept));
    for (let at = 0; at < 5; at++) await world.settle(world.put(node, `gone ${at}`, world.bytes(9000)));
    for (let at = 0; at < 5; at++) await world.settle(world.commitRow(node, `gone ${at}`, undefined));
    await world.settle(node.blobs!.sealVolumes());
    await world.run(8000);
    const row = world.volumes().get(refs[0]!.volume)!;
    deepEqual([row.state, row.generation, row.members.length], ["sealed", 2, 3]);
    for (const one of world.nodes) {
      deepEqual(await world.settle(world.read(one, refs)), kept);
      const names = await world.settle(one.machine.env.disk.list("volumes"));
      deepEqual(names.filter((name) => name.startsWith(String(refs[0]!.volume).padStart(8, "0"))).length, 1);
      equal(one.machine.disk.lengthNow(`volumes/${names.find((name) => name.includes(".g2."))}`), row.durable);
    }
    await world.close();
  });

  test("lie in as many zones as there are", async () => {
    const world = await open(5, 1, ["east", "east", "east", "west", "west"]);
    await world.run(1000);
    for (const node of world.nodes) await world.settle(world.put(node, `key ${node.id}`, world.bytes(9000)));
    for (const { members } of world.volumes().values()) {
      ok(members.some((name) => Number(name) <= 3) && members.some((name) => Number(name) > 3));
    }
    await world.close();
  });

  test("are read from a second node where the first is slow", async () => {
    const world = await open(5);
    await world.run(1000);
    const body = world.bytes(50_000);
    const refs = await world.settle(world.put(world.node(1), "key", body));
    const { members } = world.volumes().get(refs[0]!.volume)!;
    const reader = world.nodes.find(({ id }) => !members.includes(String(id)))!;
    const slow = { delayMillisMin: 500, delayMillisMax: 600 };
    const lowest = members.map(Number).sort((left, right) => left - right)[0]!;
    world.links.setLinkFaults(`n${lowest}`, `n${reader.id}`, slow);
    const before = world.scheduler.nowMillis;
    deepEqual(await world.settle(world.read(reader, refs)), body);
    ok(world.scheduler.nowMillis - before < 500);
    await world.close();
  });

  test("are read from the copy in the reader's own zone", async () => {
    const world = await ClusterWorld.open({
      ...{ seed: 1, nodes: 6, zones: ["east", "east", "east", "west", "west", "west"] },
      options: { copies: 2 },
    });
    await world.run(1000);
    const body = world.bytes(50_000);
    const refs = await world.settle(world.put(world.node(1), "key", body));
    const { members } = world.volumes().get(refs[0]!.volume)!;
    for (const isNear of [(id: number) => id <= 3, (id: number) => id > 3]) {
      const [near, far] = [members.find((id) => isNear(Number(id)))!, members.find((id) => !isNear(Number(id)))!];
      const served = (id: string): number => world.node(Number(id)).blobs!.counters.servedBytes;
      const before = [served(near), served(far)];
      const reader = world.nodes.find(({ id }) => isNear(id) && !members.includes(String(id)))!;
      deepEqual(await world.settle(world.read(reader, refs)), body);
      ok(served(near) > before[0]!);
      equal(served(far), before[1]);
    }
    await world.close();
  });

  test("are read as soon as nodes that have them are back, and refused where they stay away", async () => {
    const world = await ClusterWorld.open({ seed: 1, nodes: 3, options: { copies: 2 } });
    await world.run(1000);
    const body = world.bytes(300_000);
    const refs = await world.settle(world.put(world.node(1), "key", body));
    const { members } = world.volumes().get(refs[0]!.volume)!;
    const holders = world.nodes.filter(({ id }) => members.includes(String(id)));
    const reader = world.nodes.find((node) => !holders.includes(node))!;
    // Asked, and not answered yet.
    const slow = { delayMillisMin: 300, delayMillisMax: 300 };
    for (const { id } of holders) world.links.setLinkFaults(`n${id}`, `n${reader.id}`, slow);
    const read = world.read(reader, refs);
    read.catch(() => {});
    await world.run(200);
    for (const holder of holders) world.stop(holder, "kill");
    await world.run(1000);
    for (const holder of holders) await world.restart(holder);
    deepEqual(await world.settle(read), body);
    for (const holder of holders) world.stop(holder, "kill");
    await rejects(world.settle(world.read(reader, refs)), (error) => hasCode(error, "REPLICAS_UNREACHABLE"));
    await world.close();
  });

  test("of a node that has lost its disk are read from the others, and come to it again", async () => {
    const world = await open(3);
    await world.run(1000);
    const body = world.bytes(150_000);
    const refs = await world.settle(world.put(world.node(3), "key", body));
    world.stop(world.node(3), "crash");
    world.node(3).machine.wipe();
    await world.restart(world.node(3));
    await world.run(10_000);
    for (const node of world.nodes) deepEqual(await world.settle(world.read(node, refs)), body);
    for (const { volume } of refs) deepEqual([...world.volumes().get(volume)!.members].sort(), ["1", "2", "3"]);
    ok(world.node(3).events.some((event) => event.kind === "damage" && event.what === "file-missing"));
    await world.close();
  });

  test("of a removed node have another one that looks after them", async () => {
    const world = await open(3);
    await world.run(1000);
    const body = world.bytes(20_000);
    const refs = await world.settle(world.put(world.node(3), "key", body));
    world.node(3).state = "removed";
    world.stop(world.node(3), "kill");
    await world.run(5000);
    const { state, writer } = world.volumes().get(refs[0]!.volume)!;
    equal(state, "sealed");
    ok(writer !== "3");
    deepEqual(await world.settle(world.read(world.node(1), refs)), body);
    await world.close();
  });

  test("are refused by a node that has not heard yet how many there are, and are never its alone", async () => {
    const world = await open(3);
    const newcomer = world.node(3);
    newcomer.hasHeardOfNobody = true;
    await world.run(1000);
    await rejects(world.settle(world.put(newcomer, "early", world.bytes(5000))), (error: Error) => {
      return hasCode(error, "REPLICAS_TOO_FEW");
    });
    newcomer.hasHeardOfNobody = false;
    const refs = await world.settle(world.put(newcomer, "key", world.bytes(5000)));
    for (const { members } of world.volumes().values()) equal(members.length, 3);
    ok(refs.length > 0);
    await world.close();
  });

  test("are refused where too few nodes can be reached, and taken again when they come back", async () => {
    const world = await open(3);
    await world.run(1000);
    const body = world.bytes(20_000);
    await world.settle(world.put(world.node(1), "first", body));
    world.stop(world.node(2), "kill");
    world.stop(world.node(3), "kill");
    await rejects(world.settle(world.put(world.node(1), "second", body)), (error) =>
      hasCode(error, "REPLICAS_TOO_FEW"),
    );
    await world.restart(world.node(2));
    await world.run(1000);
    const refs = await world.settle(world.put(world.node(1), "third", body));
    deepEqual(await world.settle(world.read(world.node(2), refs)), body);
    await world.close();
  });
});
