import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { type ByteSource, sourceOf } from "../std/source.ts";
import { TABLES } from "../store/index.ts";
import type { BlobAppend } from "./index.ts";
import { World } from "./testing/world.ts";
import { decodeVolumeRow, encodeVolumeRow, volumeAddress } from "./volume-row.ts";

const OWNER = utf8("owner");

const expectCode =
  (code: string) =>
  (error: unknown): boolean =>
    hasCode(error, code);

/** A source that gives its chunks when it is told to. */
function heldSource(bytes: Uint8Array): { source: ByteSource; release: () => void; cancelled: () => boolean } {
  const gate = Promise.withResolvers<void>();
  let cancelled = false;
  const inner = sourceOf(bytes);
  const source: ByteSource = {
    async read() {
      await gate.promise;
      return inner.read();
    },
    cancel() {
      cancelled = true;
    },
  };
  return { source, release: () => gate.resolve(), cancelled: () => cancelled };
}

describe("blobs", () => {
  test("give back what was appended, small and large, before and after a restart", async () => {
    const world = await World.open();
    const bodies = [1, 5000, 16_384, 16_385, 65_536, 65_537, 98_304, 98_305, 300_001].map((length) =>
      world.bytes(length),
    );
    for (const [at, body] of bodies.entries()) await world.settle(world.put(`key ${at}`, body));
    for (let round = 0; round < 3; round++) {
      for (const [at, body] of bodies.entries()) deepEqual(await world.settle(world.get(`key ${at}`)), body);
      if (round === 0) await world.crash();
      if (round === 1) await world.kill();
    }
    deepEqual(
      world.events.filter(({ kind }) => kind === "damage" || kind === "tail-torn"),
      [],
    );
    await world.close();
    equal(world.fatal.length, 0);
  });

  test("cut a body into extents and name each by its volume and place", async () => {
    const world = await World.open();
    const refs = await world.settle(world.put("key", world.bytes(98_304 * 2 + 20_000)));
    deepEqual(
      refs.map(({ length }) => length),
      [98_304, 98_304, 20_000],
    );
    equal(new Set(refs.map(({ volume, needle }) => `${volume}:${needle}`)).size, 3);
    deepEqual(await world.settle(world.put("empty", new Uint8Array(0))), []);
    deepEqual(await world.settle(world.read([])), new Uint8Array(0));
    await world.close();
  });

  test("acknowledge what waits together after one sync", async () => {
    const world = await World.open();
    await world.settle(world.put("first", world.bytes(5000)));
    const before = { ...world.blobs.counters };
    await world.settle(Promise.all(Array.from({ length: 20 }, (_, at) => world.put(`key ${at}`, world.bytes(5000)))));
    equal(world.blobs.counters.needlesSynced - before.needlesSynced, 20);
    ok(world.blobs.counters.needleSyncs - before.needleSyncs <= 3);
    await world.close();
  });

  test("begin each batch at a sector of its own", async () => {
    const world = await World.open();
    const needles: number[] = [];
    for (let at = 0; at < 5; at++)
      needles.push((await world.settle(world.put(`key ${at}`, world.bytes(4100))))[0]!.needle);
    for (const needle of needles) equal((needle * 8) % 4096, 0);
    await world.close();
  });

  test("go on in the next volume when one is full, and seal the full one", async () => {
    const world = await World.open();
    for (let at = 0; at < 80; at++) await world.settle(world.put(`key ${at}`, world.bytes(16_000)));
    await world.run(3000);
    const { volumes } = world.blobs.status();
    ok(volumes.filter(({ state }) => state === "sealed").length >= 2);
    ok(volumes.filter(({ state }) => state === "open").length <= 2);
    for (const { bytes } of volumes) ok(bytes <= 524_288);
    for (let at = 0; at < 80; at++) equal((await world.settle(world.get(`key ${at}`)))?.length, 16_000);
    await world.close();
  });

  test("are sealed once where an operator asks while the upkeep is at it", async () => {
    const world = await World.open();
    for (let at = 0; at < 3; at++) {
      await world.settle(world.put(`key ${at}`, world.bytes(5000)));
      await world.settle(Promise.all([world.blobs.sealVolumes(), world.blobs.sealVolumes(), world.blobs.maintain()]));
    }
    deepEqual(world.fatal, []);
    equal(world.events.filter(({ kind }) => kind === "volume-sealed").length, 3);
    await world.close();
  });

  test("leave a clean stop nothing to recover", async () => {
    const world = await World.open();
    await world.settle(world.put("key", world.bytes(9000)));
    await world.settle(world.put("key 2", world.bytes(200_000)));
    await world.close();
    for (const { value, key } of world.rows.rowsOf(TABLES.volume)) {
      if (key[3] === 0) continue;
      ok(decodeVolumeRow(1, value).durable > 4096);
    }
    await rejects(world.settle(world.blobs.append(OWNER, sourceOf(utf8("x")), 1)), expectCode("BLOBS_CLOSED"));
    await world.kill();
    equal((await world.settle(world.get("key 2")))?.length, 200_000);
    await world.close();
  });
});

describe("an append that fails", () => {
  for (const length of [6000, 150_000]) {
    test(`because its source has another length than ${length} bytes leaves nothing in flight`, async () => {
      const world = await World.open();
      for (const given of [length - 1, length + 1]) {
        const appended = world.blobs.append(OWNER, sourceOf(world.bytes(given)), length);
        await rejects(world.settle(appended), expectCode("SOURCE_LENGTH"));
      }
      await world.run(50);
      const { needlesInFlight, memoryBytes } = world.blobs.status();
      deepEqual([needlesInFlight, memoryBytes], [0, 0]);
      await world.settle(world.put("key", world.bytes(length)));
      await world.close();
    });

    test(`because its source of ${length} bytes breaks off rejects with the source's error`, async () => {
      const world = await World.open();
      let given = 0;
      let cancelled = false;
      const source: ByteSource = {
        async read() {
          given += 4000;
          if (given > length / 2) throw new Error("the client went away");
          return world.bytes(4000);
        },
        cancel() {
          cancelled = true;
        },
      };
      await rejects(world.settle(world.blobs.append(OWNER, source, length)), /the client went away/);
      await world.run(50);
      ok(cancelled);
      equal(world.blobs.status().needlesInFlight, 0);
      await world.close();
    });
  }

  test("leaves a void slot that compaction drops and recovery passes over", async () => {
    const world = await World.open();
    const short = world.blobs.append(OWNER, sourceOf(world.bytes(70_000)), 90_000);
    await rejects(world.settle(short), expectCode("SOURCE_LENGTH"));
    const body = world.bytes(50_000);
    await world.settle(world.put("key", body));
    await world.crash();
    deepEqual(await world.settle(world.get("key")), body);
    equal(world.events.filter(({ kind }) => kind === "damage").length, 0);
    const [ref] = (await world.settle(world.refs("key")))!;
    ok(world.blobs.status().volumes.find(({ volume }) => volume === ref!.volume)!.garbageBytes >= 90_000);
    await world.close();
  });

  test("because a sync failed stops everything, once, and nothing of the batch is acknowledged", async () => {
    const world = await World.open();
    await world.settle(world.put("before", world.bytes(5000)));
    world.machine.disk.failNext("sync");
    const puts = Array.from({ length: 5 }, (_, at) => world.put(`key ${at}`, world.bytes(5000)));
    const outcomes = await world.settle(Promise.allSettled(puts));
    ok(outcomes.every((outcome) => outcome.status === "rejected" && hasCode(outcome.reason, "BLOBS_FAILED")));
    equal(world.fatal.length, 1);
    await rejects(world.settle(world.put("after", world.bytes(5000))), expectCode("BLOBS_FAILED"));
    equal((await world.settle(world.get("before")))?.length, 5000);
    await world.kill();
    await world.crash();
    equal((await world.settle(world.get("before")))?.length, 5000);
    deepEqual(
      world.events.filter(({ kind }) => kind === "damage"),
      [],
    );
    await world.close();
  });

  test("because a stream's sync failed stops everything too", async () => {
    const world = await World.open();
    await world.settle(world.put("before", world.bytes(150_000)));
    world.machine.disk.failNext("sync");
    await rejects(world.settle(world.put("key", world.bytes(150_000))), expectCode("BLOBS_FAILED"));
    equal(world.fatal.length, 1);
    await world.close();
  });
});

describe("limits of appends", () => {
  test("memory: appends wait for it, and are refused where too many wait", async () => {
    const world = await World.open({
      options: { appendBytesMax: 1_048_576, appendsWaitingMax: 3, needleBytesMax: 524_288, volumeBytes: 4_194_304 },
    });
    const bodies = Array.from({ length: 5 }, () => heldSource(world.bytes(500_000)));
    const appends = bodies.map(({ source }) => world.blobs.append(OWNER, source, 500_000));
    await world.run(1);
    equal(world.blobs.status().appendsWaiting, 3);
    ok(world.blobs.status().memoryBytes <= 1_048_576);
    const refused = heldSource(world.bytes(500_000));
    await rejects(world.settle(world.blobs.append(OWNER, refused.source, 500_000)), expectCode("BLOBS_OVERLOADED"));
    ok(refused.cancelled());
    for (const { release } of bodies) release();
    for (const appended of await world.settle(Promise.all(appends))) appended[Symbol.dispose]();
    equal(world.blobs.status().memoryBytes, 0);
    equal(world.blobs.counters.refusedForLoad, 1);
    await world.close();
  });

  test("needles whose rows are not committed", async () => {
    const world = await World.open({ options: { needlesInFlightMax: 3 } });
    const held: BlobAppend[] = [];
    for (let at = 0; at < 3; at++) {
      held.push(await world.settle(world.blobs.append(OWNER, sourceOf(world.bytes(5000)), 5000)));
    }
    await rejects(world.settle(world.put("key", world.bytes(5000))), expectCode("BLOBS_OVERLOADED"));
    for (const appended of held) appended[Symbol.dispose]();
    await world.settle(world.put("key", world.bytes(5000)));
    await world.close();
  });

  test("disk space: appends are refused at the reserve, all else goes on, and what is deleted comes back", async () => {
    const options = { spaceReserveBytes: 1_048_576, spacePollMillis: 100 };
    const world = await World.open({ options, disk: { bytesMax: 4_194_304 } });
    let stored = 0;
    for (;;) {
      try {
        await world.settle(world.put(`key ${stored}`, world.bytes(16_000)));
        stored++;
      } catch (error) {
        ok(hasCode(error, "SPACE_RESERVED"));
        break;
      }
    }
    ok(stored > 100);
    await rejects(world.settle(world.put("large", world.bytes(400_000))), expectCode("SPACE_RESERVED"));
    equal(world.events.filter(({ kind }) => kind === "space-low").length, 1);
    const free = (await world.machine.env.disk.space()).bytesFree;
    ok(free >= 1_048_576, "the reserve is untouched");
    equal((await world.settle(world.get("key 0")))?.length, 16_000);
    for (let at = 0; at < stored; at++)
      if (at % 4 !== 0) ok(await world.settle(world.commitRow(`key ${at}`, "", undefined)));
    await world.run(60_000);
    await world.settle(world.put("again", world.bytes(16_000)));
    for (let at = 0; at < stored; at += 4) equal((await world.settle(world.get(`key ${at}`)))?.length, 16_000);
    await world.close();
  });

  test("a disk that is full despite the reserve refuses cleanly and harms nothing", async () => {
    const world = await World.open({ disk: { bytesMax: 2_097_152 } });
    const stored = new Map<string, Uint8Array>();
    let refused = 0;
    for (let at = 0; at < 120; at++) {
      const body = world.bytes(at % 10 === 0 ? 120_000 : 14_000);
      try {
        // Beside the keeper: it knows nothing of what others write.
        await world.settle(Promise.all([world.put(`key ${at}`, body), world.put(`other ${at}`, body)]));
        stored.set(`key ${at}`, body);
        stored.set(`other ${at}`, body);
      } catch (error) {
        ok(hasCode(error, "SPACE_RESERVED"));
        refused++;
      }
    }
    ok(refused > 20);
    equal(world.fatal.length, 0);
    for (const [key, body] of stored) deepEqual(await world.settle(world.get(key)), body);
    await world.crash();
    for (const [key, body] of stored) deepEqual(await world.settle(world.get(key)), body);
    deepEqual(
      world.events.filter(({ kind }) => kind === "damage"),
      [],
    );
    await world.close();
  });
});

describe("a volume that another writer takes over", () => {
  test("is written no more; appends go on in a new one", async () => {
    const world = await World.open();
    const body = world.bytes(9000);
    const [ref] = await world.settle(world.put("key", body));
    const address = volumeAddress(ref!.volume);
    const { row } = await world.settle(world.store.get(address));
    const stolen = { ...decodeVolumeRow(ref!.volume, row!.value), writer: "2", epoch: 9 };
    world.rows.commit({ puts: [{ ...address, value: encodeVolumeRow(stolen) }] });
    await world.run(2500);
    const [later] = await world.settle(world.put("later", body));
    ok(later!.volume !== ref!.volume);
    deepEqual(decodeVolumeRow(ref!.volume, world.rows.get(address)!.value), stolen);
    deepEqual(await world.settle(world.get("key")), body);
    equal(world.fatal.length, 0);
    await world.close();
  });
});
