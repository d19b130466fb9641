import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { SimDisk } from "../env/sim/index.ts";
import { equalBytes } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { Prng } from "../std/prng.ts";
import { collect } from "../std/source.ts";
import { zeroCounters } from "./events.ts";
import type { FileCache } from "./file-cache.ts";
import { SECTOR_BYTES, SUPERBLOCK_BYTES, UNIT_BYTES } from "./format.ts";
import { BlobReader } from "./reader.ts";
import { type Recovered, recoverVolume, type TailJudge } from "./recovery.ts";
import type { Registry } from "./registry.ts";
import { NO_BUGS } from "./seeded-bugs.ts";
import { MemoryFile } from "./testing/memory-file.ts";
import { IMAGE_IDENTITY, type ImageNeedle, type VolumeImage, volumeImage } from "./testing/volume-image.ts";
import { walkSlots } from "./walk.ts";

const START = { durable: SUPERBLOCK_BYTES, gapBytes: 0, epoch: 2, timeMillis: 2000 };
const ALL_LIVE: TailJudge = async (slots) => new Set(slots.map(({ position }) => position));
const NONE_LIVE: TailJudge = async () => new Set();

/** All are live; tells which were asked about. */
function askedJudge(): { readonly seen: number[]; readonly judge: TailJudge } {
  const seen: number[] = [];
  return {
    seen,
    judge: (slots) => {
      seen.push(...slots.map(({ position }) => position));
      return ALL_LIVE(slots);
    },
  };
}

const recover = (file: MemoryFile, judge: TailJudge = ALL_LIVE, start = START): Promise<Recovered> =>
  recoverVolume(file, IMAGE_IDENTITY, start, judge);

/** The needle's bytes as a reader gets them, or undefined where it refuses. */
async function read(file: MemoryFile, needle: ImageNeedle): Promise<Uint8Array | undefined> {
  const reader = new BlobReader({
    remote: undefined,
    repair: undefined,
    registry: {
      get: () => ({ row: { state: "open" }, identity: IMAGE_IDENTITY }),
      holds: () => true,
    } as unknown as Registry,
    files: {
      lease: async () => ({ file, identity: IMAGE_IDENTITY, table: undefined, [Symbol.dispose]() {} }),
    } as unknown as FileCache,
    counters: zeroCounters(),
    readSliceBytes: 65_536,
    onDamage: () => {},
    bugs: NO_BUGS,
  });
  const ref = { volume: 7, needle: needle.needle, length: needle.data.length, checksum: needle.checksum };
  try {
    return await collect(reader.read([ref], 0, ref.length), ref.length);
  } catch (error) {
    ok(hasCode(error, "BLOB_DAMAGED"));
    return undefined;
  }
}

/**
 * Every needle is read whole or refused; what is lost among those that had been synced is reported. Returns which are
 * readable.
 */
async function checkImage(
  file: MemoryFile,
  image: VolumeImage,
  recovered: Recovered,
  live: boolean[],
): Promise<boolean[]> {
  const readable: boolean[] = [];
  for (const [at, needle] of image.needles.entries()) {
    const bytes = await read(file, needle);
    if (bytes !== undefined) ok(equalBytes(bytes, needle.data), "wrong bytes were served");
    readable.push(bytes !== undefined);
    if (bytes !== undefined || !live[at]) continue;
    const touches = (range: { readonly position: number; readonly bytes: number }): boolean =>
      range.position < needle.end && needle.position < range.position + range.bytes;
    ok(
      recovered.damage.some(touches) || recovered.torn.some(touches) || recovered.tail <= needle.position,
      "a silent loss",
    );
  }
  await checkTail(file, recovered);
  return readable;
}

/** From the tail on there are only zeros, and the chain of slots reaches it without a hole that was not reported. */
async function checkTail(file: MemoryFile, recovered: Recovered): Promise<void> {
  equal(recovered.tail % SECTOR_BYTES, 0);
  ok(
    file.bytes.subarray(recovered.tail).every((byte) => byte === 0),
    "something is left behind the tail",
  );
  const options = { from: SUPERBLOCK_BYTES, to: recovered.tail, verify: "data" as const };
  for await (const slot of walkSlots(file, IMAGE_IDENTITY, options)) {
    if (slot.kind === "filler" || (slot.kind === "needle" && slot.state === "complete")) continue;
    ok(
      recovered.damage.some(({ position }) => position === slot.position),
      "something that fails was neither covered nor reported",
    );
  }
}

/** Of the zeros that fill up sectors a sample will do. */
function isPadding({ bytes }: VolumeImage, at: number): boolean {
  return at % 512 !== 0 && bytes.subarray(at - 8, at + 8).every((byte) => byte === 0);
}

describe("recovery of an open volume", () => {
  test("finds all needles of a clean one and goes on at its end", async () => {
    const image = volumeImage([[100, 200], [5000], [70_000, 10]]);
    const file = new MemoryFile(image.bytes.slice());
    const recovered = await recover(file);
    deepEqual(recovered.torn, []);
    deepEqual(recovered.damage, []);
    equal(recovered.tail, image.needles.at(-1)!.end);
    deepEqual(file.bytes, image.bytes);
    deepEqual(
      await checkImage(
        file,
        image,
        recovered,
        image.needles.map(() => true),
      ),
      image.needles.map(() => true),
    );
  });

  test("begins where the Store says that all was settled", async () => {
    const image = volumeImage([[100], [100], [100]]);
    const file = new MemoryFile(image.bytes.slice());
    const { seen, judge } = askedJudge();
    const recovered = await recover(file, judge, { ...START, durable: image.needles[2]!.position, gapBytes: 123 });
    deepEqual(seen, [image.needles[2]!.position]);
    equal(recovered.gapBytes, 123);
  });

  test("asks only about what no later header proves", async () => {
    const image = volumeImage([[100, 100], [100], [100, 100]]);
    const { seen, judge } = askedJudge();
    await recover(new MemoryFile(image.bytes.slice()), judge);
    deepEqual(seen, [image.needles[3]!.position, image.needles[4]!.position]);
  });

  test("covers an unproven batch that no row names, and keeps one of which a row names a part", async () => {
    const image = volumeImage([[100], [100, 100, 100]]);
    const [first, second] = [image.needles[0]!, image.needles[1]!];
    const file = new MemoryFile(image.bytes.slice());
    const recovered = await recover(file, NONE_LIVE);
    deepEqual(recovered.torn, [{ position: second.position, bytes: SECTOR_BYTES }]);
    equal(recovered.gapBytes, SECTOR_BYTES);
    equal(recovered.tail, second.position + SECTOR_BYTES);
    deepEqual(await checkImage(file, image, recovered, [true, false, false, false]), [true, false, false, false]);
    const kept = new MemoryFile(image.bytes.slice());
    const partly = await recover(kept, async (slots) => new Set([slots.at(-1)!.position]));
    deepEqual(partly.torn, []);
    deepEqual(kept.bytes, image.bytes);
    equal(first.position, SUPERBLOCK_BYTES);
  });

  test("is the same when it runs again, before and after the Store has heard of it", async () => {
    const image = volumeImage([[100], [100, 100]]);
    const file = new MemoryFile(image.bytes.slice());
    file.bytes[image.needles[1]!.position + 70]! ^= 1;
    const first = await recover(file, NONE_LIVE);
    const bytes = file.bytes.slice();
    const again = await recover(file, NONE_LIVE);
    deepEqual({ ...again, torn: [] }, { ...first, torn: [] });
    const known = await recover(file, NONE_LIVE, { ...START, durable: first.tail, gapBytes: first.gapBytes });
    deepEqual({ ...known, torn: [] }, { ...first, torn: [] });
    deepEqual(file.bytes, bytes);
  });

  test("never serves a wrong byte nor loses one silently, wherever the file was cut", async () => {
    const image = volumeImage([[3], [5, 4]]);
    for (let length = SUPERBLOCK_BYTES; length <= image.bytes.length; length++) {
      if (isPadding(image, length)) continue;
      const file = new MemoryFile(image.bytes.slice(0, length));
      const recovered = await recover(file);
      const readable = await checkImage(
        file,
        image,
        recovered,
        image.needles.map(() => true),
      );
      for (const [at, needle] of image.needles.entries()) if (needle.end <= length) equal(readable[at], true);
    }
  });

  for (const [name, judge, live] of [
    ["rows", ALL_LIVE, true],
    ["no rows", NONE_LIVE, false],
  ] as const) {
    test(`never serves a wrong byte nor loses one silently, whichever bit flips, where ${name} name them`, async () => {
      const image = volumeImage([[3], [5]], 0);
      const proven = image.needles[1]!.position;
      for (let at = SUPERBLOCK_BYTES; at < image.bytes.length; at++) {
        if (isPadding(image, at)) continue;
        const one = at % 8;
        for (let bit = live ? 0 : one; bit <= (live ? 7 : one); bit++) {
          const file = new MemoryFile(image.bytes.slice());
          file.bytes[at]! ^= 1 << bit;
          const recovered = await recover(file, judge);
          const lives = image.needles.map(({ position }) => live || (position < proven && at < proven));
          const readable = await checkImage(file, image, recovered, lives);
          for (const [index, needle] of image.needles.entries()) {
            const isHit = at >= needle.position && at < needle.end;
            if (lives[index] && !isHit) equal(readable[index], true, `byte ${at} bit ${bit}: needle ${index} is lost`);
          }
        }
      }
    });
  }

  test("reports what fails below a later header's proof as damage and leaves it as it is", async () => {
    const image = volumeImage([[100], [100], [100]]);
    const file = new MemoryFile(image.bytes.slice());
    const hit = image.needles[0]!;
    file.bytes[hit.position + 70]! ^= 0x10;
    const before = file.bytes.slice();
    const recovered = await recover(file, NONE_LIVE);
    deepEqual(recovered.damage, [
      { needle: hit.needle, position: hit.position, bytes: hit.end - hit.position, what: "data" },
    ]);
    deepEqual(file.bytes.subarray(0, hit.end), before.subarray(0, hit.end));
    file.bytes.set(before);
    file.bytes[hit.position]! ^= 1;
    const headless = await recover(file, NONE_LIVE);
    deepEqual(headless.damage, [
      { needle: undefined, position: hit.position, bytes: hit.end - hit.position, what: "header" },
    ]);
  });

  test("does not take data that looks like a header for one", async () => {
    const image = volumeImage([[400], [300]]);
    const victim = image.needles[0]!;
    const file = new MemoryFile(image.bytes.slice());
    // A whole needle of another volume inside of a body, at a place where a header could stand; then the real header is
    // lost.
    const other = volumeImage([[8]]).bytes.slice(SUPERBLOCK_BYTES, SUPERBLOCK_BYTES + 128);
    other[8]! ^= 1;
    file.bytes.set(other, victim.position + 128);
    file.bytes[victim.position + 1]! ^= 1;
    const recovered = await recover(file);
    deepEqual(
      recovered.damage.map(({ position, bytes }) => ({ position, bytes })),
      [{ position: victim.position, bytes: victim.end - victim.position }],
    );
  });

  test("writes anew what a failed sync left in the page cache alone, so that the next power cut does not open a hole", async () => {
    const image = volumeImage([[100], [5000, 100]]);
    const second = image.needles[1]!.position;
    for (const bugs of [NO_BUGS, new Set(["trust-the-page-cache"] as const)]) {
      const device = new SimDisk({ lostChance: 1, garbledChance: 0, nameLostChance: 0 }, new Prng(3));
      const disk = device.mount();
      const written = await disk.open("volume", "create");
      await written.write(0, [image.bytes.subarray(0, second), new Uint8Array(image.bytes.length - second)]);
      await written.sync();
      await disk.syncDirectory("");
      await written.write(second, [image.bytes.subarray(second)]);
      device.failNext("sync");
      await rejects(written.sync(), (error) => hasCode(error, "DISK_FAILED"));
      device.abandon();
      const cached = await device.mount().open("volume", "write");
      const recovered = await recoverVolume(cached, IMAGE_IDENTITY, START, NONE_LIVE, bugs);
      device.crash();
      const file = await device.mount().open("volume", "read");
      const kinds: string[] = [];
      const options = { from: second, to: recovered.tail, verify: "data" as const };
      for await (const slot of walkSlots(file, IMAGE_IDENTITY, options)) kinds.push(slot.kind);
      deepEqual(kinds, bugs === NO_BUGS ? ["filler"] : ["hole"]);
    }
  });

  test("gives out no position again that a crash during the recovery had left in zeros", async () => {
    const image = volumeImage([[100], [100, 100]]);
    const file = new MemoryFile(image.bytes.slice());
    const writes: number[] = [];
    const write = file.write.bind(file);
    file.write = async (position, chunks) => {
      writes.push(file.syncs);
      await write(position, chunks);
    };
    await recover(file, NONE_LIVE);
    deepEqual(writes, [0, 1], "the filler is synced before the zeros are written");
    equal(file.syncs, 2);
    equal(image.needles[1]!.position % (SECTOR_BYTES / UNIT_BYTES), 0);
  });
});
