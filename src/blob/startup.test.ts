import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../std/bytes.ts";
import { crc32c } from "../std/checksums/index.ts";
import { hasCode } from "../std/errors.ts";
import { TABLES } from "../store/index.ts";
import { World } from "./testing/world.ts";
import { decodeVolumeRow, encodeVolumeRow, volumeAddress } from "./volume-row.ts";

const fileOf = (volume: number, generation = 1): string => `${String(volume).padStart(8, "0")}.g${generation}.volume`;

const names = (world: World): Promise<string[]> => world.settle(world.machine.env.disk.list("volumes"));

async function write(world: World, name: string, bytes: Uint8Array, position = 0): Promise<void> {
  const { disk } = world.machine.env;
  const exists = (await names(world)).includes(name);
  const file = await world.settle(disk.open(`volumes/${name}`, exists ? "write" : "create"));
  await world.settle(file.write(position, [bytes]));
  await world.settle(file.sync());
  await world.settle(disk.syncDirectory("volumes"));
}

const damage = (world: World) =>
  world.events.flatMap((event) => (event.kind === "damage" ? [[event.volume, event.found, event.what]] : []));

describe("a start", () => {
  test("removes the remains of openings and of other generations, and reports what it can not explain", async () => {
    const world = await World.open();
    const [ref] = await world.settle(world.put("key", world.bytes(5000)));
    await world.close();
    await write(world, fileOf(ref!.volume, 2), new Uint8Array(10_000).fill(7));
    await write(world, fileOf(50), new Uint8Array(70_000));
    await write(world, fileOf(51), new Uint8Array(100).fill(3));
    await write(world, fileOf(52), new Uint8Array(70_000).fill(5));
    await write(world, "notes.txt", utf8("mine"));
    await world.kill();
    deepEqual(await names(world), [fileOf(ref!.volume), fileOf(52), "notes.txt"]);
    deepEqual(
      world.events.flatMap((event) => (event.kind === "file-unknown" ? [event.name] : [])),
      [fileOf(52), "notes.txt"],
    );
    equal((await world.settle(world.get("key")))?.length, 5000);
    await world.close();
  });

  test("keeps the only file of a volume whose row is from an older backup", async () => {
    const world = await World.open();
    const [ref] = await world.settle(world.put("key", world.bytes(5000)));
    await world.settle(world.blobs.sealVolumes());
    const before = world.rows.get(volumeAddress(ref!.volume))!.value;
    await world.settle(world.blobs.compactVolume(ref!.volume));
    await world.run(3000);
    await world.close();
    world.rows.commit({ puts: [{ ...volumeAddress(ref!.volume), value: before }] });
    await world.kill();
    deepEqual(await names(world), [fileOf(ref!.volume, 2)]);
    deepEqual(damage(world), [[ref!.volume, "start", "file-missing"]]);
    await rejects(world.settle(world.get("key")), (error) => hasCode(error, "BLOB_MISSING"));
    await world.close();
  });

  test("goes on without a file that is missing or too short, loudly", async () => {
    const world = await World.open();
    const [small] = await world.settle(world.put("small", world.bytes(5000)));
    const [large] = await world.settle(world.put("large", world.bytes(90_000)));
    await world.close();
    const { disk } = world.machine.env;
    await world.settle(disk.remove(`volumes/${fileOf(small!.volume)}`));
    const file = await world.settle(disk.open(`volumes/${fileOf(large!.volume)}`, "write"));
    await world.settle(file.setLength(50_000));
    await world.kill();
    deepEqual(damage(world), [
      [small!.volume, "start", "file-missing"],
      [large!.volume, "start", "file-short"],
    ]);
    await rejects(world.settle(world.get("small")), (error) => hasCode(error, "BLOB_MISSING"));
    await rejects(world.settle(world.get("large")), (error) => hasCode(error, "BLOB_DAMAGED"));
    const [later] = await world.settle(world.put("later", world.bytes(5000)));
    ok(later!.volume > large!.volume);
    await world.run(60_000);
    equal(world.rows.rowsOf(TABLES.volume).length, 4, "the rows of what is missing stay");
    await world.close();
  });

  test("serves a volume with a damaged first sector but appends nothing to it", async () => {
    const world = await World.open();
    const [ref] = await world.settle(world.put("key", world.bytes(5000)));
    await world.close();
    world.machine.disk.rot(`volumes/${fileOf(ref!.volume)}`, 20);
    await world.kill();
    deepEqual(damage(world), [[ref!.volume, "start", "superblock"]]);
    equal((await world.settle(world.get("key")))?.length, 5000);
    const [later] = await world.settle(world.put("later", world.bytes(5000)));
    ok(later!.volume !== ref!.volume);
    await world.close();
  });

  test("refuses volumes and rows of a later version by name", async () => {
    const world = await World.open();
    const [ref] = await world.settle(world.put("key", world.bytes(5000)));
    await world.close();
    const row = world.rows.get(volumeAddress(ref!.volume))!;
    world.rows.commit({
      puts: [{ ...volumeAddress(ref!.volume), value: row.value.map((byte, at) => (at === 0 ? 9 : byte)) }],
    });
    await rejects(world.kill(), (error) => hasCode(error, "VOLUME_FORMAT_NEWER"));
    world.rows.commit({ puts: [{ ...volumeAddress(ref!.volume), value: row.value }] });
    const file = await world.settle(world.machine.env.disk.open(`volumes/${fileOf(ref!.volume)}`, "read"));
    const superblock = await world.settle(file.read(0, 4096));
    const view = new DataView(superblock.buffer, superblock.byteOffset, superblock.byteLength);
    view.setUint32(8, 2, true);
    view.setUint32(4092, crc32c(superblock.subarray(0, 4092)), true);
    await write(world, fileOf(ref!.volume), superblock);
    await rejects(world.kill(), (error) => hasCode(error, "VOLUME_FORMAT_NEWER"));
  });

  test("takes its open volumes over under a new epoch, and leaves those of others alone", async () => {
    const world = await World.open();
    const [ref] = await world.settle(world.put("key", world.bytes(5000)));
    const address = volumeAddress(ref!.volume);
    const epoch = (): number => decodeVolumeRow(1, world.rows.get(address)!.value).epoch;
    equal(epoch(), 1);
    await world.kill();
    equal(epoch(), 2);
    const row = decodeVolumeRow(1, world.rows.get(address)!.value);
    const others = encodeVolumeRow({ ...row, writer: "2", members: ["1", "2"] });
    await world.close();
    world.rows.commit({ puts: [{ ...address, value: others }] });
    await world.kill();
    equal(epoch(), 2);
    equal((await world.settle(world.get("key")))?.length, 5000);
    const [later] = await world.settle(world.put("later", world.bytes(5000)));
    ok(later!.volume !== ref!.volume);
    await world.close();
  });

  test("finishes the removal of a volume that a stop interrupted", async () => {
    const world = await World.open();
    const [ref] = await world.settle(world.put("key", world.bytes(5000)));
    await world.close();
    const address = volumeAddress(ref!.volume);
    const row = decodeVolumeRow(1, world.rows.get(address)!.value);
    world.rows.commit({ puts: [{ ...address, value: encodeVolumeRow({ ...row, state: "removed" }) }] });
    await world.kill();
    deepEqual(await names(world), []);
    equal(world.rows.get(address), undefined);
    await world.close();
  });

  test("reads only what the row does not know to be settled", async () => {
    const world = await World.open();
    for (let at = 0; at < 10; at++) await world.settle(world.put(`key ${at}`, world.bytes(9000)));
    await world.close();
    const [ref] = (await world.settle(world.refs("key 0")))!;
    world.machine.disk.rot(`volumes/${fileOf(ref!.volume)}`, ref!.needle * 8 + 100);
    await world.kill();
    deepEqual(damage(world), [], "that is for the scrub to find");
    await world.close();
  });
});
