import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { collect, sourceOf } from "../../std/source.ts";
import { deterministicBytes } from "../../testing/deterministic-bytes.ts";
import { type MemoryObjects, openMemoryObjects } from "../../testing/memory-objects.ts";

const MIB = 1_048_576;
const METADATA = { user: new Map<string, string>() };
const refused = (error: unknown): boolean => hasCode(error, "SPACE_RESERVED");

/** Another program takes all but `bytesFree` of the disk. */
async function fill({ disk, blobs }: MemoryObjects, bytesFree: number): Promise<void> {
  await using file = await closable(disk.open("other", "create"));
  const bytes = (await disk.space()).bytesFree - bytesFree;
  await file.write(0, [deterministicBytes(1, bytes)]);
  await file.sync();
  await blobs.maintain();
}

async function closable<T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T & AsyncDisposable> {
  const file = await opening;
  return Object.assign(file, { [Symbol.asyncDispose]: () => file.close() });
}

describe("the objects service on a disk that fills up", () => {
  test("refuses all that adds something at the reserve, and reads and deletes go on", async () => {
    await using memory = await openMemoryObjects({ spaceReserveBytes: 16 * MIB }, { bytesMax: 40 * MIB });
    const { objects } = memory;
    const name = { bucket: "docs", key: "small" };
    const put = (key: string, length: number) =>
      objects.put({
        ...name,
        key,
        body: { source: sourceOf(new Uint8Array(length)), length, expected: {} },
        metadata: METADATA,
      });
    await objects.createBucket("docs", "me");
    await put("small", 6);
    await put("other", 6);
    const upload = await objects.createUpload({
      ...name,
      owner: "me",
      metadata: METADATA,
    });

    await fill(memory, 10 * MIB);
    await assert.rejects(put("new", 6), refused, "a body in a row");
    await assert.rejects(put("large", 100_000), refused, "a body in a volume");
    await assert.rejects(objects.createBucket("more", "me"), refused);
    await assert.rejects(objects.putDocument("docs", "policy", new Uint8Array(10)), refused);
    await assert.rejects(objects.setTags(name, new Map([["a", "b"]])), refused);
    await assert.rejects(objects.createUpload({ ...name, owner: "me", metadata: METADATA }), refused);
    await assert.rejects(objects.createBucket("docs", "me"), (error) => hasCode(error, "BUCKET_OWNED_BY_YOU"));
    const read = await objects.get(name);
    assert.equal((await collect(read.body!, 100))?.length, 6);
    await objects.delete(name);
    await objects.abortUpload({ ...name, uploadId: upload.uploadId });

    await memory.disk.remove("other");
    await memory.blobs.maintain();
    await put("new", 6);
  });

  test("refuses deletes too where the disk is as good as full, before their rows could fail", async () => {
    await using memory = await openMemoryObjects({ spaceReserveBytes: 16 * MIB }, { bytesMax: 40 * MIB });
    const { objects } = memory;
    const name = { bucket: "docs", key: "small" };
    await objects.createBucket("docs", "me");
    await objects.put({
      ...name,
      body: { source: sourceOf(new Uint8Array(6)), length: 6, expected: {} },
      metadata: METADATA,
    });
    await fill(memory, 2 * MIB);
    await assert.rejects(objects.delete(name), refused);
    assert.equal((await objects.stat(name)).info?.size ?? 6, 6);
    await memory.disk.remove("other");
    await memory.blobs.maintain();
    await objects.delete(name);
  });
});
