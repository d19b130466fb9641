import { deepEqual, equal, ok } from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import type { BlobOptions } from "../index.ts";
import { ClusterWorld } from "../testing/cluster-world.ts";
import { CAPACITY_MILLIS } from "./capacities.ts";

const MIB = 1_048_576;

describe("where new volumes go", () => {
  const worlds: ClusterWorld[] = [];
  afterEach(async () => {
    for (const world of worlds.splice(0)) await world.close();
  });

  /** After each node has heard of the others. */
  async function open(diskBytes: readonly number[], options: Partial<BlobOptions>): Promise<ClusterWorld> {
    const world = await ClusterWorld.open({ seed: 3, nodes: diskBytes.length, diskBytes, options });
    worlds.push(world);
    await world.run(2 * CAPACITY_MILLIS);
    return world;
  }

  /** The first node's new volumes, one after the other. */
  async function openVolumes(world: ClusterWorld, count: number): Promise<readonly (readonly string[])[]> {
    const before = world.volumes().size;
    for (let at = 0; at < count; at++) {
      await world.settle(world.put(world.node(1), `key ${before + at}`, world.bytes(5000)));
      await world.settle(world.node(1).blobs!.sealVolumes());
    }
    return [...world.volumes().values()].slice(before).map(({ members }) => members);
  }

  test("a node with more room takes more of them", async () => {
    const world = await open([128 * MIB, 192 * MIB, 64 * MIB, 64 * MIB], { copies: 2, scrubBytesPerSecond: 0 });
    const placed = await openVolumes(world, 120);
    const onNode = (id: number): number => placed.filter((members) => members.includes(String(id))).length;
    ok(onNode(2) > 54 && onNode(2) < 90, `${onNode(2)} of 120 are on the node that has 3 parts in 5 of the room`);
    ok(onNode(3) > 12 && onNode(4) > 12, "the others take the rest");
  });

  test("a node below its reserve takes none, until it has room again", async () => {
    const world = await open([64 * MIB, 64 * MIB, 64 * MIB], { spaceReserveBytes: 2 * MIB });
    const { disk } = world.node(3).machine.env;
    const ballast = await world.settle(disk.open("ballast", "create"));
    await world.settle(ballast.write(0, [new Uint8Array(63 * MIB).fill(1)]));
    await world.run(2 * CAPACITY_MILLIS);
    for (const members of await openVolumes(world, 5)) deepEqual([...members].sort(), ["1", "2"]);
    equal(world.node(1).blobs!.counters.membersDropped, 0);
    await world.settle(disk.remove("ballast"));
    await world.settle(ballast.close());
    await world.run(2 * CAPACITY_MILLIS);
    for (const members of (await openVolumes(world, 5)).slice(1)) deepEqual([...members].sort(), ["1", "2", "3"]);
  });

  test("a volume is not given up because a node without room has no copy of it", async () => {
    const world = await open([64 * MIB, 64 * MIB, 8 * MIB], { spaceReserveBytes: 16 * MIB });
    for (let at = 0; at < 5; at++) {
      await world.settle(world.put(world.node(1), `key ${at}`, world.bytes(5000)));
      await world.run(2000);
    }
    equal(world.volumes().size, 1);
  });
});
