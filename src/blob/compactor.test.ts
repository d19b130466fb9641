import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode } from "../std/errors.ts";
import { TABLES } from "../store/index.ts";
import { World } from "./testing/world.ts";

const fileOf = (volume: number, generation: number): string =>
  `${String(volume).padStart(8, "0")}.g${generation}.volume`;

/** One sealed volume of twelve needles, of which every third is garbage. */
async function worldWithGarbage(
  options = {},
): Promise<{ world: World; volume: number; bodies: Map<string, Uint8Array> }> {
  const world = await World.open({
    options: { compactGarbagePercent: 100, ...options },
    disk: { bytesMax: 8_388_608 },
  });
  const bodies = new Map<string, Uint8Array>();
  let volume = 0;
  for (let at = 0; at < 12; at++) {
    const body = world.bytes(5000 + at * 500);
    const [ref] = await world.settle(world.put(`key ${at}`, body));
    volume = ref!.volume;
    if (at % 3 !== 0) bodies.set(`key ${at}`, body);
  }
  for (let at = 0; at < 12; at += 3) await world.settle(world.commitRow(`key ${at}`, "", undefined));
  await world.run(3000);
  await world.settle(world.blobs.sealVolumes());
  return { world, volume, bodies };
}

async function expectBodies(world: World, bodies: Map<string, Uint8Array>): Promise<void> {
  for (const [key, body] of bodies) deepEqual(await world.settle(world.get(key)), body);
}

const statusOf = (world: World, volume: number) => world.blobs.status().volumes.find((one) => one.volume === volume);

describe("compaction", () => {
  test("keeps every live needle under its name and gives back the rest", async () => {
    const { world, volume, bodies } = await worldWithGarbage();
    const before = statusOf(world, volume)!;
    await world.settle(world.blobs.compactVolume(volume));
    const after = statusOf(world, volume)!;
    deepEqual([after.generation, after.garbageBytes], [2, 0]);
    ok(after.bytes < before.bytes);
    await expectBodies(world, bodies);
    await world.run(2000);
    deepEqual(
      (await world.settle(world.machine.env.disk.list("volumes"))).filter((name) => name.startsWith("00000001")),
      [fileOf(volume, 2)],
    );
    await world.crash();
    await expectBodies(world, bodies);
    // And once more, from a compacted file.
    await world.settle(world.commitRow("key 1", "", undefined));
    bodies.delete("key 1");
    await world.run(3000);
    await world.settle(world.blobs.compactVolume(volume));
    equal(statusOf(world, volume)!.generation, 3);
    await expectBodies(world, bodies);
    await world.close();
  });

  test("begins by itself above the share of garbage, and not below", async () => {
    const { world, volume } = await worldWithGarbage({ compactGarbagePercent: 40 });
    await world.run(10_000);
    equal(statusOf(world, volume)!.generation, 1);
    for (const key of ["key 1", "key 2"]) await world.settle(world.commitRow(key, "", undefined));
    await world.run(10_000);
    equal(statusOf(world, volume)!.generation, 2);
    await world.close();
  });

  test("removes a volume with nothing live and never uses its id again", async () => {
    const { world, volume, bodies } = await worldWithGarbage({ compactGarbagePercent: 30 });
    for (const key of bodies.keys()) await world.settle(world.commitRow(key, "", undefined));
    await world.run(10_000);
    equal(statusOf(world, volume), undefined);
    ok(!(await world.settle(world.machine.env.disk.list("volumes"))).some((name) => name.startsWith("00000001")));
    const [ref] = await world.settle(world.put("next", world.bytes(5000)));
    ok(ref!.volume > volume);
    await rejects(world.settle(world.read([{ ...ref!, volume }])), (error) => hasCode(error, "BLOB_MISSING"));
    await world.close();
  });

  test("removes a compacted volume with nothing live, however large its table is beside its needles", async () => {
    const { world, volume, bodies } = await worldWithGarbage({ compactGarbagePercent: 100 });
    await world.settle(world.blobs.compactVolume(volume));
    equal(statusOf(world, volume)!.generation, 2);
    for (const key of bodies.keys()) await world.settle(world.commitRow(key, "", undefined));
    await world.run(20_000);
    equal(statusOf(world, volume), undefined);
    deepEqual(await world.settle(world.machine.env.disk.list("volumes")), []);
    equal(world.rows.rowsOf(TABLES.dead).length, 0);
    await world.close();
  });

  test("leaves a volume as it is where a live needle is damaged, and drops damage that nobody names", async () => {
    for (const isLive of [true, false]) {
      const { world, volume, bodies } = await worldWithGarbage();
      const [ref] = (await world.settle(world.refs("key 1")))!;
      if (!isLive) {
        await world.settle(world.commitRow("key 1", "", undefined));
        bodies.delete("key 1");
        await world.run(3000);
      }
      world.machine.disk.rot(`volumes/${fileOf(volume, 1)}`, ref!.needle * 8 + 1000);
      const compacted = world.settle(world.blobs.compactVolume(volume));
      if (isLive) await rejects(compacted, (error) => hasCode(error, "VOLUME_NOT_COMPACTED"));
      else await compacted;
      equal(statusOf(world, volume)!.generation, isLive ? 1 : 2);
      equal(world.events.filter(({ kind }) => kind === "damage").length, isLive ? 1 : 0);
      if (isLive) bodies.delete("key 1");
      await expectBodies(world, bodies);
      await world.run(3000);
      equal((await world.settle(world.machine.env.disk.list("volumes"))).length, 1);
      await world.close();
    }
  });

  test("refuses what it does not have and what is still written", async () => {
    const world = await World.open();
    const [ref] = await world.settle(world.put("key", world.bytes(5000)));
    await rejects(world.settle(world.blobs.compactVolume(77)), (error) => hasCode(error, "VOLUME_UNKNOWN"));
    await rejects(world.settle(world.blobs.compactVolume(ref!.volume)), (error) =>
      hasCode(error, "VOLUME_NOT_COMPACTED"),
    );
    await world.close();
  });

  test("of a volume that is mostly garbage does not wait until it is full", async () => {
    const world = await World.open();
    for (let at = 0; at < 12; at++) await world.settle(world.put(`key ${at}`, world.bytes(9000)));
    for (let at = 0; at < 11; at++) await world.settle(world.commitRow(`key ${at}`, "", undefined));
    await world.run(10_000);
    deepEqual(
      world.blobs.status().volumes.map(({ state, generation }) => [state, generation]),
      [["sealed", 2]],
    );
    equal((await world.settle(world.get("key 11")))?.length, 9000);
    await world.close();
  });

  test("that finds no space gives up cleanly, but removes a volume with nothing live all the same", async () => {
    const { world, volume, bodies } = await worldWithGarbage({ spacePollMillis: 10 });
    const { disk } = world.machine.env;
    const { bytesFree } = await disk.space();
    const junk = await world.settle(disk.open("volumes/junk", "create"));
    await world.settle(junk.write(0, [new Uint8Array(bytesFree - 8192)]));
    await rejects(world.settle(world.blobs.compactVolume(volume)), (error) => hasCode(error, "SPACE_RESERVED"));
    await expectBodies(world, bodies);
    deepEqual(await world.settle(disk.list("volumes")), [fileOf(volume, 1), "junk"]);
    for (const key of bodies.keys()) await world.settle(world.commitRow(key, "", undefined));
    await world.run(10_000);
    deepEqual(await world.settle(disk.list("volumes")), ["junk"]);
    await world.close();
  });
});
