import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { toHex } from "../../std/bytes.ts";
import { collect } from "../../std/source.ts";
import { deterministicBytes } from "../../testing/deterministic-bytes.ts";
import { type MemoryObjects, openMemoryObjects } from "../../testing/memory-objects.ts";
import type { Objects } from "./index.ts";
import { bodyOf, NO_METADATA, shortCalls } from "./testing/short-calls.ts";

describe("multipart uploads", () => {
  let memory: MemoryObjects;
  let objects: Objects;

  before(async () => {
    memory = await openMemoryObjects();
    objects = memory.objects;
  });
  after(() => memory[Symbol.asyncDispose]());

  const { newBucket } = shortCalls(() => objects);
  const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
  const MIB = 1 << 20;

  const uploadParts = async (bucket: string, key: string, parts: readonly Uint8Array[]) => {
    const { uploadId } = await objects.createUpload({ bucket, key, owner: "me", metadata: NO_METADATA });
    const done = [];
    for (const [at, bytes] of parts.entries()) {
      const part = await objects.putPart({ bucket, key, uploadId, partNumber: at + 1, body: bodyOf(bytes) });
      done.push({ partNumber: at + 1, etag: part.etag });
    }
    return { uploadId, done };
  };

  test("become one object, with ranges, parts and the etag of parts", async () => {
    const bucket = await newBucket();
    const parts = [deterministicBytes(1, 5 * MIB), deterministicBytes(2, 6 * MIB + 7), deterministicBytes(3, 100)];
    const { uploadId, done } = await uploadParts(bucket, "key", parts);
    const result = await objects.completeUpload({ bucket, key: "key", uploadId, parts: done });
    const md5s = Buffer.concat(parts.map((part) => createHash("md5").update(part).digest()));
    assert.equal(result.etag, `${createHash("md5").update(md5s).digest("hex")}-3`);
    const whole = Buffer.concat(parts);
    const read = await objects.get({ bucket, key: "key" });
    assert.equal(hashOf((await collect(read.body!, whole.length))!), hashOf(whole));
    const second = await objects.get({ bucket, key: "key", range: { kind: "part", number: 2 } });
    assert.equal(hashOf((await collect(second.body!, whole.length))!), hashOf(parts[1]!));
    const again = await objects.completeUpload({ bucket, key: "key", uploadId, parts: done });
    assert.equal(again.etag, result.etag);
    await assert.rejects(objects.listParts({ bucket, key: "key", uploadId }, 0, 10), { code: "UPLOAD_MISSING" });
    const listed = await objects.objectParts({ bucket, key: "key" }, 0, 2);
    assert.deepEqual(
      listed.items.map(({ size }) => size),
      [parts[0]!.length, parts[1]!.length],
    );
    assert.equal(listed.next, "2");
  });

  test("refuse wrong parts, orders and sizes, and change nothing", async () => {
    const bucket = await newBucket();
    const { uploadId, done } = await uploadParts(bucket, "key", [
      deterministicBytes(1, 100),
      deterministicBytes(2, 100),
    ]);
    const complete = (parts: { partNumber: number; etag: string }[]) =>
      objects.completeUpload({ bucket, key: "key", uploadId, parts });
    await assert.rejects(complete([]), { code: "PART_INVALID" });
    await assert.rejects(complete([done[1]!, done[0]!]), { code: "PART_ORDER_INVALID" });
    await assert.rejects(complete([{ partNumber: 3, etag: done[0]!.etag }]), { code: "PART_INVALID" });
    await assert.rejects(complete([{ partNumber: 1, etag: done[1]!.etag }]), { code: "PART_INVALID" });
    await assert.rejects(complete(done), { code: "TOO_SMALL" });
    await assert.rejects(objects.get({ bucket, key: "key" }), { code: "OBJECT_MISSING" });
    await objects.abortUpload({ bucket, key: "key", uploadId });
    await assert.rejects(complete([done[0]!]), { code: "UPLOAD_MISSING" });
    const late = objects.putPart({ bucket, key: "key", uploadId, partNumber: 1, body: bodyOf("late") });
    await assert.rejects(late, { code: "UPLOAD_MISSING" });
  });

  test("of thousands of parts go to manifest pages, and are read through them", async () => {
    const bucket = await newBucket();
    const { uploadId } = await objects.createUpload({ bucket, key: "key", owner: "me", metadata: NO_METADATA });
    // 40 parts of 5 MiB would do, but small last parts are allowed only once: so many refs come from few, large parts.
    const parts = Array.from({ length: 6 }, (_, at) => deterministicBytes(at, 50 * MIB + at));
    const done = [];
    for (const [at, bytes] of parts.entries()) {
      const part = await objects.putPart({
        bucket,
        key: "key",
        uploadId,
        partNumber: at * 7 + 1,
        body: bodyOf(bytes),
      });
      done.push({ partNumber: at * 7 + 1, etag: part.etag });
    }
    await objects.completeUpload({ bucket, key: "key", uploadId, parts: done });
    const read = await objects.get({ bucket, key: "key" });
    const hash = createHash("sha256");
    for (let chunk = await read.body!.read(); chunk !== null; chunk = await read.body!.read()) hash.update(chunk);
    const expected = createHash("sha256");
    for (const part of parts) expected.update(part);
    assert.equal(hash.digest("hex"), expected.digest("hex"));
    const start = 100 * MIB;
    const range = await objects.get({ bucket, key: "key", range: { kind: "from", start, end: start + 1000 } });
    const bytes = (await collect(range.body!, 1000))!;
    assert.equal(toHex(bytes), toHex(Buffer.concat(parts.slice(0, 3)).subarray(start, start + 1000)));
  });

  test("combine full-object checksums, and make composite ones", async () => {
    const bucket = await newBucket();
    const parts = [deterministicBytes(1, 5 * MIB), deterministicBytes(2, 1000)];
    for (const [algorithm, type] of [
      ["crc32", "full-object"],
      ["crc64nvme", "full-object"],
      ["sha256", "composite"],
    ] as const) {
      const checksum = { algorithm, type };
      const { uploadId } = await objects.createUpload({
        bucket,
        key: "key",
        owner: "me",
        metadata: NO_METADATA,
        checksum,
      });
      const done = [];
      for (const [at, bytes] of parts.entries()) {
        const part = await objects.putPart({ bucket, key: "key", uploadId, partNumber: at + 1, body: bodyOf(bytes) });
        done.push({ partNumber: at + 1, etag: part.etag });
      }
      const result = await objects.completeUpload({ bucket, key: "key", uploadId, parts: done });
      const body = bodyOf(Buffer.concat(parts), { checksum: { algorithm, value: () => undefined } });
      const whole = await objects.put({ bucket, key: "whole", body, metadata: NO_METADATA });
      assert.equal(result.checksum?.type, type);
      if (type === "full-object") assert.deepEqual(result.checksum, whole.checksum);
      else assert.notDeepEqual(result.checksum, whole.checksum);
    }
    const wrong = { algorithm: "crc64nvme", type: "composite" } as const;
    const refused = objects.createUpload({ bucket, key: "key", owner: "me", metadata: NO_METADATA, checksum: wrong });
    await assert.rejects(refused, { code: "CHECKSUM_TYPE_INVALID" });
  });
});
