import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { concatBytes } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { type ByteSource, chunksOf } from "../std/source.ts";
import type { BlobRef } from "./index.ts";
import { lengthOf, World } from "./testing/world.ts";

const expectCode =
  (code: string) =>
  (error: unknown): boolean =>
    hasCode(error, code);

const LARGE = { extentBytes: 400_000, volumeBytes: 2_097_152, readSliceBytes: 65_536 };

/** The source, with the simulation running while a chunk is awaited. */
function settling(world: World, source: ByteSource): ByteSource {
  return { read: () => world.settle(source.read()), cancel: () => source.cancel() };
}

async function drained(world: World, refs: readonly BlobRef[], start: number, end: number): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(world.blobs.read(refs, start, end))) chunks.push(chunk.slice());
  return chunks;
}

describe("a read", () => {
  test("gives any range over small needles and extents", async () => {
    const world = await World.open({ options: { extentBytes: 400_000, volumeBytes: 2_097_152 } });
    const body = world.bytes(900_000);
    const refs = await world.settle(world.put("key", body));
    equal(refs.length, 3);
    const edges = [
      0, 1, 65_535, 65_536, 65_537, 399_999, 400_000, 400_001, 799_999, 800_000, 800_001, 899_999, 900_000,
    ];
    for (const start of edges) {
      for (const end of edges.filter((edge) => edge >= start)) {
        deepEqual(await world.settle(world.read(refs, start, end)), body.subarray(start, end));
      }
    }
    await world.close();
  });

  test("takes a small needle from the disk at once and a large one in slices", async () => {
    const world = await World.open({
      options: { extentBytes: 400_000, volumeBytes: 2_097_152, readSliceBytes: 131_072 },
    });
    const small = await world.settle(world.put("small", world.bytes(9000)));
    const large = await world.settle(world.put("large", world.bytes(400_000)));
    deepEqual(
      (await world.settle(drained(world, small, 0, 9000))).map(({ length }) => length),
      [9000],
    );
    deepEqual(
      (await world.settle(drained(world, large, 100_000, 400_000))).map(({ length }) => length),
      [31_072, 131_072, 131_072, 6784],
    );
    await world.close();
  });

  test("copes with an owner as long as a key may be", async () => {
    const world = await World.open();
    const owner = "o".repeat(1700);
    for (const length of [5000, 90_000]) {
      const body = world.bytes(length);
      await world.settle(world.put(owner, body));
      deepEqual(await world.settle(world.get(owner)), body);
    }
    await world.close();
  });

  test("refuses a ref that does not fit the needle at its place", async () => {
    const world = await World.open();
    const [one] = await world.settle(world.put("one", world.bytes(9000)));
    const [two] = await world.settle(world.put("two", world.bytes(9000)));
    for (const wrong of [
      { ...one!, checksum: one!.checksum ^ 1 },
      { ...one!, length: 8999 },
      { ...one!, needle: two!.needle },
      { ...one!, needle: one!.needle + 1 },
      { ...one!, needle: 4_000_000_000 },
    ]) {
      await rejects(world.settle(world.read([wrong])), expectCode("BLOB_DAMAGED"));
    }
    await rejects(world.settle(world.read([{ ...one!, volume: 77 }])), expectCode("BLOB_MISSING"));
    await world.close();
  });

  test("serves the blocks before a damaged one and breaks off there, and reports the damage once", async () => {
    const world = await World.open({
      options: { extentBytes: 400_000, volumeBytes: 2_097_152, readSliceBytes: 65_536 },
    });
    const body = world.bytes(400_000);
    const refs = await world.settle(world.put("key", body));
    const name = `volumes/${String(refs[0]!.volume).padStart(8, "0")}.g1.volume`;
    world.machine.disk.rot(name, refs[0]!.needle * 8 + 56 + 3 + 3 * 65_536 + 10, 3);
    for (let attempt = 0; attempt < 2; attempt++) {
      const source = world.blobs.read(refs, 0, 400_000);
      const got: Uint8Array[] = [];
      for (let slice = 0; slice < 3; slice++) got.push((await world.settle(source.read()))!.slice());
      deepEqual(concatBytes(got), body.subarray(0, 3 * 65_536));
      await rejects(world.settle(source.read()), expectCode("BLOB_DAMAGED"));
      await rejects(world.settle(source.read()), expectCode("BLOB_DAMAGED"), "it does not look like the end");
    }
    deepEqual(await world.settle(world.read(refs, 0, 100)), body.subarray(0, 100));
    const damage = world.events.filter(({ kind }) => kind === "damage");
    equal(damage.length, 1);
    equal(world.blobs.counters.damagedReads, 2);
    equal(world.blobs.status().volumes.find(({ volume }) => volume === refs[0]!.volume)!.damagedCount, 1);
    await world.close();
  });

  test("takes an unreadable sector for damage", async () => {
    const world = await World.open();
    const refs = await world.settle(world.put("key", world.bytes(9000)));
    world.machine.disk.failNext("read");
    await rejects(world.settle(world.read(refs)), expectCode("BLOB_DAMAGED"));
    equal((await world.settle(world.read(refs))).length, 9000);
    await world.close();
  });

  test("goes on while its volume is compacted and its file removed, and the next one finds the new file", async () => {
    const world = await World.open({ options: { ...LARGE, readersGraceMillis: 100 } });
    const body = world.bytes(400_000);
    const refs = await world.settle(world.put("kept", body));
    await world.settle(world.put("dropped", world.bytes(800_000)));
    const source = world.blobs.read(refs, 0, lengthOf(refs));
    const first = (await world.settle(source.read()))!.slice();
    await world.settle(world.commitRow("dropped", "", undefined));
    await world.run(1000);
    await world.settle(world.blobs.sealVolumes());
    await world.run(10_000);
    const { volume } = refs[0]!;
    equal(world.blobs.status().volumes.find((one) => one.volume === volume)!.generation, 2);
    ok(
      !(await world.settle(world.machine.env.disk.list("volumes"))).includes(
        `${String(volume).padStart(8, "0")}.g1.volume`,
      ),
    );
    const rest: Uint8Array[] = [];
    for await (const chunk of chunksOf(settling(world, source))) rest.push(chunk.slice());
    deepEqual(concatBytes([first, ...rest]), body);
    deepEqual(await world.settle(world.get("kept")), body);
    await world.close();
  });

  test("keeps no more files open than the limit while nobody reads them", async () => {
    const world = await World.open({ options: { filesOpenMax: 4 } });
    for (let at = 0; at < 30; at++) await world.settle(world.put(`key ${at}`, world.bytes(98_304)));
    ok(world.blobs.status().volumes.length > 5);
    for (let at = 0; at < 30; at++) await world.settle(world.get(`key ${at}`));
    ok(world.blobs.status().filesOpen <= 5);
    await world.close();
  });

  test("that is cancelled, in the middle of a chunk or twice, lets go of its file", async () => {
    const world = await World.open({ options: LARGE });
    const refs = await world.settle(world.put("key", world.bytes(400_000)));
    const source = world.blobs.read(refs, 0, 400_000);
    const reading = source.read();
    source.cancel();
    source.cancel();
    await world.settle(reading);
    equal(await world.settle(source.read()), null);
    await world.close();
  });

  test("that a stop finds unfinished rejects, so that nobody takes it for the end", async () => {
    const world = await World.open({ options: LARGE });
    const refs = await world.settle(world.put("key", world.bytes(400_000)));
    const source = world.blobs.read(refs, 0, 400_000);
    await world.settle(source.read());
    await world.close();
    await rejects(world.settle(source.read()), expectCode("BLOBS_CLOSED"));
  });
});
