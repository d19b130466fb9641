import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode } from "../std/errors.ts";
import { TABLES } from "../store/index.ts";
import { verifyVolumeFile } from "./index.ts";
import { decodeLedger } from "./ledger.ts";
import { World } from "./testing/world.ts";

const fileOf = (volume: number, generation = 1): string =>
  `volumes/${String(volume).padStart(8, "0")}.g${generation}.volume`;

const damageOf = (world: World) => world.events.filter((event) => event.kind === "damage");

describe("the scrub", () => {
  test("finds a flipped bit that nobody reads, and keeps it in the ledger over restarts", async () => {
    const world = await World.open({ options: { scrubEveryMillis: 10_000 } });
    const refs = [];
    for (let at = 0; at < 6; at++) refs.push(...(await world.settle(world.put(`key ${at}`, world.bytes(9000)))));
    const { volume, needle } = refs[3]!;
    await world.run(12_000);
    ok(world.blobs.status().volumes[0]!.verifiedMillis > 0);
    equal(world.blobs.status().volumes[0]!.damagedCount, 0);
    world.machine.disk.rot(fileOf(volume), needle * 8 + 4000);
    await world.run(30_000);
    deepEqual(
      damageOf(world).map((event) => [event.volume, event.needle, event.found, event.what]),
      [[volume, needle, "scrub", "data"]],
    );
    await world.kill();
    deepEqual(world.blobs.status().volumes[0]!.damagedNeedles, [needle]);
    await rejects(world.settle(world.get("key 3")), (error) => hasCode(error, "BLOB_DAMAGED"));
    for (const at of [0, 1, 2, 4, 5]) equal((await world.settle(world.get(`key ${at}`)))?.length, 9000);
    await world.close();
  });

  test("finds a lost header, a lost footer and an unreadable place, each by its kind", async () => {
    const world = await World.open({ options: { scrubEveryMillis: 10_000 } });
    const refs = [];
    for (let at = 0; at < 6; at++) refs.push(...(await world.settle(world.put(`key ${at}`, world.bytes(5000)))));
    const { volume } = refs[0]!;
    world.machine.disk.rot(fileOf(volume), refs[1]!.needle * 8);
    world.machine.disk.rot(fileOf(volume), refs[3]!.needle * 8 + 56 + 5 + 5000 + 4 + 20);
    world.machine.disk.rot(fileOf(volume), 100);
    await world.run(30_000);
    deepEqual(
      damageOf(world).map(({ needle, position, what }) => [needle, position, what]),
      [
        [undefined, 0, "superblock"],
        [undefined, refs[1]!.needle * 8, "header"],
        [refs[3]!.needle, refs[3]!.needle * 8, "footer"],
      ],
    );
    await world.close();
  });

  test("goes on in the middle of a volume after a restart", async () => {
    const world = await World.open({ options: { scrubBytesPerSecond: 16_384, scrubEveryMillis: 10 } });
    for (let at = 0; at < 30; at++) await world.settle(world.put(`key ${at}`, world.bytes(16_000)));
    await world.run(10_000);
    const ledgers = world.rows.rowsOf(TABLES.scrub).map(({ value }) => decodeLedger(value));
    ok(ledgers.some(({ scrubCursor }) => scrubCursor > 512));
    const before = world.blobs.counters.scrubbedBytes;
    await world.kill();
    await world.run(6000);
    ok(world.blobs.counters.scrubbedBytes > 0);
    ok(world.blobs.counters.scrubbedBytes + before < 600_000, "it keeps to its rate");
    await world.close();
  });

  test("does not cry over damage that nobody names", async () => {
    const world = await World.open({ options: { scrubEveryMillis: 10_000, compactGarbagePercent: 100 } });
    const [ref] = await world.settle(world.put("key", world.bytes(9000)));
    await world.settle(world.put("other", world.bytes(9000)));
    await world.settle(world.commitRow("key", "", undefined));
    world.machine.disk.rot(fileOf(ref!.volume), ref!.needle * 8 + 4000);
    await world.run(30_000);
    deepEqual(damageOf(world), []);
    await world.close();
  });

  test("renews a damaged table by compacting its volume", async () => {
    const world = await World.open({ options: { scrubEveryMillis: 20_000 } });
    const [ref] = await world.settle(world.put("key", world.bytes(9000)));
    await world.settle(world.blobs.sealVolumes());
    await world.settle(world.blobs.compactVolume(ref!.volume));
    const { bytes } = world.blobs.status().volumes[0]!;
    world.machine.disk.rot(fileOf(ref!.volume, 2), bytes - 3 * 4096 + 17);
    equal((await world.settle(world.get("key")))?.length, 9000, "a lost page does not cost its needles");
    await world.run(60_000);
    deepEqual(
      damageOf(world).map(({ what }) => what),
      ["table"],
    );
    equal(world.blobs.status().volumes[0]!.generation, 3);
    await world.run(30_000);
    equal(world.blobs.status().volumes[0]!.damagedCount, 0);
    equal((await world.settle(world.get("key")))?.length, 9000);
    await world.close();
  });

  test("verifies one volume when it is asked to, and only one that it has", async () => {
    const world = await World.open({ options: { scrubBytesPerSecond: 0 } });
    const [ref] = await world.settle(world.put("key", world.bytes(9000)));
    world.machine.disk.rot(fileOf(ref!.volume), ref!.needle * 8 + 4000);
    const status = await world.settle(world.blobs.verifyVolume(ref!.volume));
    deepEqual(status.damagedNeedles, [ref!.needle]);
    await rejects(world.settle(world.blobs.verifyVolume(99)), (error) => hasCode(error, "VOLUME_UNKNOWN"));
    await world.close();
  });
});

describe("a verification while the scrub reads the same volume", () => {
  test("keeps what it finds: the scrub does not end the volume a second time", async () => {
    const world = await World.open({ options: { scrubBytesPerSecond: 16_384, scrubEveryMillis: 3_600_000 } });
    const refs = [];
    for (let at = 0; at < 20; at++) refs.push(...(await world.settle(world.put(`key ${at}`, world.bytes(16_000)))));
    await world.run(10_000);
    const { volume, needle } = refs[1]!;
    world.machine.disk.rot(fileOf(volume), needle * 8 + 4000);
    equal((await world.settle(world.blobs.verifyVolume(volume))).damagedCount, 1);
    await world.run(60_000);
    deepEqual(world.blobs.status().volumes[0]!.damagedNeedles, [needle]);
    deepEqual(new TextDecoder().decode(await world.settle(world.blobs.ownerOf(volume, needle))), "key 1");
    equal(await world.settle(world.blobs.ownerOf(99, needle)), undefined);
    await world.close();
  });
});

describe("a volume file without a node", () => {
  test("of extents is found damaged wherever its data is, also in the last slot", async () => {
    const world = await World.open();
    const refs = await world.settle(world.put("large", world.bytes(250_000)));
    const { volume } = refs[0]!;
    await world.close();
    for (const [at, { needle }] of refs.entries()) {
      world.machine.disk.rot(fileOf(volume), needle * 8 + 20_000);
      const report = await world.settle(verifyVolumeFile(world.machine.env.disk, { volume, generation: 1 }));
      equal(report.damaged.length, at + 1);
    }
  });

  test("is verified and told about by the disk alone", async () => {
    const world = await World.open();
    const refs = [];
    for (let at = 0; at < 4; at++) refs.push(...(await world.settle(world.put(`key ${at}`, world.bytes(5000)))));
    const { volume } = refs[0]!;
    await world.close();
    const { disk } = world.machine.env;
    const clean = await world.settle(verifyVolumeFile(disk, { volume, generation: 1 }));
    deepEqual([clean.needles, clean.dataBytes, clean.damaged, clean.unfinished], [4, 20_000, [], 0]);
    world.machine.disk.rot(fileOf(volume), refs[1]!.needle * 8 + 3000);
    world.machine.disk.rot(fileOf(volume), refs[3]!.needle * 8 + 3000);
    const report = await world.settle(verifyVolumeFile(disk, { volume, generation: 1 }));
    equal(report.needles, 2);
    deepEqual(
      report.damaged.map(({ position, owner }) => [position, new TextDecoder().decode(owner)]),
      [
        [refs[1]!.needle * 8, "key 1"],
        [refs[3]!.needle * 8, "key 3"],
      ],
    );
    world.machine.disk.rot(fileOf(volume), refs[3]!.needle * 8 + 56 + 5 + 5000 + 4 + 20);
    const torn = await world.settle(verifyVolumeFile(disk, { volume, generation: 1 }));
    deepEqual([torn.damaged.length, torn.unfinished], [1, 1], "nothing in the file proves the last footer synced");
    world.machine.disk.rot(fileOf(volume), 9);
    await rejects(world.settle(verifyVolumeFile(disk, { volume, generation: 1 })), (error) =>
      hasCode(error, "VOLUME_UNREADABLE"),
    );
  });
});
