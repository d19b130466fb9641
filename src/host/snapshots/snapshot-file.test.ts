import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { configurationOf } from "../../core/raft/index.ts";
import type { Disk } from "../../env/index.ts";
import { SimDisk } from "../../env/sim/index.ts";
import { hasCode } from "../../std/errors.ts";
import { collect, sourceOf } from "../../std/source.ts";
import { deterministicBytes } from "../../testing/deterministic-bytes.ts";
import { openSnapshotFile, proveSnapshotFile, type SnapshotHead, writeSnapshotFile } from "./snapshot-file.ts";

const HEAD: SnapshotHead = { group: 7, index: 40, term: 3, configuration: configurationOf({ voters: [1, 2, 3] }) };
const MEBIBYTE = 1024 * 1024;

async function written(...chunks: Uint8Array[]): Promise<Disk> {
  const disk = new SimDisk().mount();
  await writeSnapshotFile(disk, "s", HEAD, sourceOf(...chunks));
  return disk;
}

async function bytesOf(disk: Disk): Promise<Uint8Array> {
  const file = await disk.open("s", "read");
  const bytes = await file.read(0, await file.length());
  await file.close();
  return bytes;
}

describe("a snapshot's file", () => {
  for (const lengths of [[], [1], [MEBIBYTE - 1], [MEBIBYTE], [MEBIBYTE + 1], [3, 2 * MEBIBYTE, 5]]) {
    test(`of chunks of ${lengths} bytes gives its head and its bytes back`, async () => {
      const chunks = lengths.map((length, at) => deterministicBytes(at, length));
      const disk = await written(...chunks);
      const { head, bytes, source } = await openSnapshotFile(disk, "s");
      assert.deepEqual(head, HEAD);
      assert.equal(bytes, (await bytesOf(disk)).length);
      const back = await collect(source, 8 * MEBIBYTE);
      assert.deepEqual(Buffer.from(back!), Buffer.concat(chunks));
      assert.deepEqual(await proveSnapshotFile(disk, "s"), HEAD);
    });
  }

  test("tells every flipped byte, and every place where it was cut off", async () => {
    const whole = await bytesOf(await written(deterministicBytes(1, 20), deterministicBytes(2, 5)));
    const check = async (bytes: Uint8Array, what: string): Promise<void> => {
      const disk = new SimDisk().mount();
      const file = await disk.open("s", "create");
      if (bytes.length > 0) await file.write(0, [bytes]);
      await file.close();
      await assert.rejects(proveSnapshotFile(disk, "s"), (error) => hasCode(error, "SNAPSHOT_DAMAGED"), what);
    };
    for (let at = 0; at < whole.length; at++) {
      await check(whole.subarray(0, at), `cut at ${at}`);
      for (const bit of [0, 3, 7]) {
        const flipped = whole.slice();
        flipped[at]! ^= 1 << bit;
        await check(flipped, `byte ${at}, bit ${bit}`);
      }
    }
  });

  test("tells blocks that are missing, doubled or in another order", async () => {
    const [one, two] = [deterministicBytes(1, 10), deterministicBytes(2, 10)];
    const whole = await bytesOf(await written(one, two));
    const block = 18;
    const start = whole.length - 16 - 2 * block;
    const [head, first, second, end] = [
      whole.subarray(0, start),
      whole.subarray(start, start + block),
      whole.subarray(start + block, start + 2 * block),
      whole.subarray(start + 2 * block),
    ];
    for (const blocks of [[first], [second, first], [first, first], [first, second, second], []]) {
      const disk = new SimDisk().mount();
      const file = await disk.open("s", "create");
      await file.write(0, [head!, ...blocks.map((bytes) => bytes!), end!]);
      await file.close();
      await assert.rejects(proveSnapshotFile(disk, "s"), { code: "SNAPSHOT_DAMAGED" });
    }
  });

  test("whose source breaks off is not finished", async () => {
    const disk = new SimDisk().mount();
    let isCancelled = false;
    const source = {
      read: () => Promise.reject(new Error("the machine")),
      cancel: () => void (isCancelled = true),
    };
    await assert.rejects(writeSnapshotFile(disk, "s", HEAD, source), /the machine/);
    assert.ok(isCancelled);
    await assert.rejects(proveSnapshotFile(disk, "s"), { code: "SNAPSHOT_DAMAGED" });
  });
});
