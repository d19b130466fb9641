import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { deterministicBytes } from "../../testing/deterministic-bytes.ts";
import { type MemoryObjects, openMemoryObjects } from "../../testing/memory-objects.ts";
import type { TestAnswer } from "./testing/exchange.ts";
import { openTestS3, type TestS3, xmlOf } from "./testing/fixture.ts";

const MIB = 1_048_576;
const PARTS = 3;
const PART_BYTES = 8 * MIB;
const CONTENT = deterministicBytes(64, 64 * MIB);
const MD5 = createHash("md5").update(CONTENT).digest("hex");

const volumeBytes = ({ blobs }: MemoryObjects): number =>
  blobs.status().volumes.reduce((sum, { bytes }) => sum + bytes, 0);

const copy = (s3: TestS3, target: string, headers: Readonly<Record<string, string>> = {}) =>
  s3.signed({ method: "PUT", target, headers: { "x-amz-copy-source": "bucket/source", ...headers } });

const md5Of = async (s3: TestS3, target: string): Promise<string> => {
  const { body } = await s3.signed({ method: "GET", target });
  return createHash("md5").update(body).digest("hex");
};

/** Past the readers' grace, everything that can go goes: needles, files, and the rows about them. */
async function collectGarbage({ clock, blobs }: MemoryObjects): Promise<void> {
  await blobs.sealVolumes();
  for (let turn = 0; turn < 6; turn++) {
    clock.millis += 3_700_000;
    await blobs.maintain();
  }
}

const ok = async (answer: Promise<TestAnswer>): Promise<TestAnswer> => {
  const { status, text } = await answer;
  assert.ok(status < 300, text);
  return answer;
};

interface Opened extends AsyncDisposable {
  readonly s3: TestS3;
  readonly memory: MemoryObjects;
}

async function openWith(source: Uint8Array): Promise<Opened> {
  await using owned = new AsyncDisposableStack();
  // No pauses: no time passes by itself.
  const rates = { scrubBytesPerSecond: 0, compactBytesPerSecond: 4096 * MIB };
  const memory = owned.use(await openMemoryObjects(rates));
  const s3 = owned.use(await openTestS3({}, { objects: memory.objects }));
  await memory.objects.createBucket("bucket", "root");
  await ok(s3.signed({ method: "PUT", target: "/bucket/source", body: source }));
  const kept = owned.move();
  return { s3, memory, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

describe("copies of a large object", () => {
  test("write almost no bytes; each lives without the others, and the last one takes the bytes along", async () => {
    await using opened = await openWith(CONTENT);
    const { s3, memory } = opened;
    const before = volumeBytes(memory);
    for (const target of ["/bucket/copy", "/bucket/brief", "/bucket/overwritten"]) {
      const copied = await ok(copy(s3, target));
      assert.equal(xmlOf(copied).required("ETag").text(), `"${MD5}"`);
    }
    assert.ok(volumeBytes(memory) - before < 4096);

    await ok(s3.signed({ method: "DELETE", target: "/bucket/brief" }));
    await ok(s3.signed({ method: "PUT", target: "/bucket/overwritten", body: "short" }));
    await collectGarbage(memory);
    assert.equal(await md5Of(s3, "/bucket/source"), MD5, "copies that go take nothing of their source");

    await ok(s3.signed({ method: "DELETE", target: "/bucket/source" }));
    await collectGarbage(memory);
    assert.equal(await md5Of(s3, "/bucket/copy"), MD5, "a source that goes takes nothing of its copies");

    await ok(s3.signed({ method: "DELETE", target: "/bucket/copy" }));
    await collectGarbage(memory);
    assert.equal(volumeBytes(memory), 0);
    assert.deepEqual(s3.unexpected, []);
  });

  test("in parts write no bytes either where their ranges are whole extents", async () => {
    const content = CONTENT.subarray(0, PARTS * PART_BYTES);
    await using opened = await openWith(content);
    const { s3, memory } = opened;
    const before = volumeBytes(memory);
    await copyInParts(s3, "/bucket/parts");
    assert.ok(volumeBytes(memory) - before < 4096);
    await ok(s3.signed({ method: "DELETE", target: "/bucket/source" }));
    await collectGarbage(memory);
    assert.equal(await md5Of(s3, "/bucket/parts"), createHash("md5").update(content).digest("hex"));
    assert.deepEqual(s3.unexpected, []);
  });
});

/** An upload whose parts are ranges of whole extents. */
async function copyInParts(s3: TestS3, target: string): Promise<void> {
  const id = xmlOf(await ok(s3.signed({ method: "POST", target: `${target}?uploads` })))
    .required("UploadId")
    .text();
  const parts: string[] = [];
  for (let number = 1; number <= PARTS; number++) {
    const range = `bytes=${(number - 1) * PART_BYTES}-${number * PART_BYTES - 1}`;
    const part = await ok(
      copy(s3, `${target}?partNumber=${number}&uploadId=${id}`, { "x-amz-copy-source-range": range }),
    );
    const etag = xmlOf(part).required("ETag").text();
    parts.push(`<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`);
  }
  const body = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
  await ok(s3.signed({ method: "POST", target: `${target}?uploadId=${id}`, body }));
}
