import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { TABLES } from "../../store/index.ts";
import { HEADER_BYTES, UNIT_BYTES } from "../format.ts";
import { type BlobOptions, type BlobRef, listVolumeFiles } from "../index.ts";
import { decodeLedger } from "../ledger.ts";
import { type ClusterNode, ClusterWorld } from "../testing/cluster-world.ts";
import { ledgerOwner, volumeOfKey } from "../volume-row.ts";

/** Nothing but reads looks at the copies. */
const NO_SCRUB: Partial<BlobOptions> = { scrubBytesPerSecond: 0 };

describe("damage in one copy", () => {
  const worlds: ClusterWorld[] = [];
  afterEach(async () => {
    for (const world of worlds.splice(0)) await world.close();
  });

  /** A body of one extent, in a sealed volume. */
  async function open(nodes: number, options: Partial<BlobOptions> = NO_SCRUB) {
    const world = await ClusterWorld.open({ seed: 5, nodes, options });
    worlds.push(world);
    await world.run(1000);
    const body = world.bytes(98_304);
    const [ref] = await world.settle(world.put(world.node(1), "key", body));
    await world.settle(world.node(1).blobs!.sealVolumes());
    await world.run(3000);
    return { world, body, ref: ref! };
  }

  async function nameOn({ machine }: ClusterNode, world: ClusterWorld, { volume }: BlobRef): Promise<string> {
    const files = await world.settle(listVolumeFiles(machine.env.disk));
    return files.find((file) => file.volume === volume)!.name;
  }

  async function rot(world: ClusterWorld, node: ClusterNode, ref: BlobRef, within: number): Promise<void> {
    node.machine.disk.rot(await nameOn(node, world, ref), ref.needle * UNIT_BYTES + within);
  }

  async function copyOn(world: ClusterWorld, node: ClusterNode, ref: BlobRef): Promise<Uint8Array> {
    const file = await world.settle(node.machine.env.disk.open(await nameOn(node, world, ref), "read"));
    const bytes = await world.settle(file.read(0, world.volumes().get(ref.volume)!.durable));
    await world.settle(file.close());
    return bytes;
  }

  for (const [what, within] of Object.entries({
    header: 4,
    data: HEADER_BYTES + 70_000,
    footer: HEADER_BYTES + "key".length + 98_304 + 4,
  })) {
    test(`in the ${what} of a needle is made whole before a read of it ends`, async () => {
      const { world, body, ref } = await open(3);
      const node = world.node(2);
      await rot(world, node, ref, within);
      deepEqual(await world.settle(world.read(node, [ref])), body);
      deepEqual(await copyOn(world, node, ref), await copyOn(world, world.node(3), ref));
      deepEqual([node.blobs!.counters.damagedReads, node.blobs!.counters.mendedSlots], [1, 1]);
      equal(node.blobs!.counters.failedOverReads, 0);
    });
  }

  test("that a node without a copy finds is made whole on the node that has it", async () => {
    const { world, body, ref } = await open(5);
    const { members } = world.volumes().get(ref.volume)!;
    const reader = world.nodes.find(({ id }) => !members.includes(String(id)))!;
    // They are asked in this order.
    const [first, second, third] = members.map((member) => world.node(Number(member)));
    for (const node of [first!, second!]) await rot(world, node, ref, 300);
    deepEqual(await world.settle(world.read(reader, [ref])), body);
    await world.run(500);
    for (const node of [first!, second!]) {
      equal(node.blobs!.counters.mendedSlots, 1);
      deepEqual(await copyOn(world, node, ref), await copyOn(world, third!, ref));
    }
  });

  test("that no other copy can make whole is never served, and told as what it is", async () => {
    const { world, ref } = await open(3);
    for (const node of world.nodes) await rot(world, node, ref, 300 + node.id);
    for (const node of world.nodes) {
      await rejects(world.settle(world.read(node, [ref])), (error) => hasCode(error, "BLOB_DAMAGED"));
    }
  });

  test("that nobody reads is found by the scrub and made whole, and each copy has its own ledger", async () => {
    const { world, ref } = await open(3, {});
    await world.run(30_000);
    const node = world.node(3);
    await rot(world, node, ref, 500);
    const rottenMillis = node.machine.env.clock.now();
    await world.run(60_000);
    equal(node.blobs!.counters.reads, 0);
    ok(node.events.some((event) => event.kind === "damage" && event.found === "scrub" && event.needle === ref.needle));
    ok(node.events.some((event) => event.kind === "copy-mended"));
    deepEqual(await copyOn(world, node, ref), await copyOn(world, world.node(1), ref));
    const rows = world.rows.rowsOf(TABLES.scrub).filter(({ key }) => volumeOfKey(key) === ref.volume);
    deepEqual(rows.map(({ suffix }) => ledgerOwner(suffix)).sort(), ["1", "2", "3"]);
    for (const { value } of rows) {
      const { verifiedMillis, damage } = decodeLedger(value);
      ok(verifiedMillis > rottenMillis);
      equal(damage.count, 0);
    }
  });
});
