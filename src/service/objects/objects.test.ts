import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { collect } from "../../std/source.ts";
import { deterministicBytes } from "../../testing/deterministic-bytes.ts";
import { type MemoryObjects, openMemoryObjects } from "../../testing/memory-objects.ts";
import type { Body, Conditions, Objects, VersionInfo } from "./index.ts";
import { bodyOf, NO_METADATA, shortCalls } from "./testing/short-calls.ts";

describe("the objects service", () => {
  let memory: MemoryObjects;
  let objects: Objects;

  before(async () => {
    memory = await openMemoryObjects();
    objects = memory.objects;
  });
  after(() => memory[Symbol.asyncDispose]());

  const { newBucket, put, get, versionsOf } = shortCalls(() => objects);
  const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
  const shape = (versions: readonly VersionInfo[]): string[] =>
    versions.map(
      ({ key, isLatest, deleteMarker }) => `${key}${deleteMarker ? " marker" : ""}${isLatest ? " latest" : ""}`,
    );

  describe("bodies", () => {
    test("of every size around the inline and extent limits come back byte for byte", async () => {
      const bucket = await newBucket();
      for (const length of [0, 1, 4095, 4096, 4097, 65_536, 65_537, 1 << 20, (8 << 20) + 1, 20 << 20]) {
        const bytes = deterministicBytes(length, length);
        const result = await put(bucket, "key", bytes);
        assert.equal(result.etag, createHash("md5").update(bytes).digest("hex"));
        const read = await objects.get({ bucket, key: "key" });
        assert.equal(hashOf((await collect(read.body!, length))!), hashOf(bytes), `${length} bytes`);
      }
    });

    test("ranges are cut at the object's end, and refused where they lie outside", async () => {
      const bucket = await newBucket();
      for (const length of [1000, 100_000, 17 << 20]) {
        const bytes = deterministicBytes(7, length);
        await put(bucket, "key", bytes);
        for (const [start, end] of [
          [0, 1],
          [999, 1000],
          [1, length],
          [length - 1, length + 50],
        ] as const) {
          const read = await objects.get({ bucket, key: "key", range: { kind: "from", start, end } });
          assert.equal(read.end, Math.min(end, length));
          assert.equal(hashOf((await collect(read.body!, length))!), hashOf(bytes.subarray(start, end)));
        }
        const suffix = await objects.get({ bucket, key: "key", range: { kind: "suffix", length: 10 } });
        assert.equal(hashOf((await collect(suffix.body!, length))!), hashOf(bytes.subarray(length - 10)));
        const outside = objects.get({ bucket, key: "key", range: { kind: "from", start: length } });
        await assert.rejects(outside, { code: "RANGE_INVALID" });
      }
    });

    test("that are shorter, or other than announced, leave no object", async () => {
      const bucket = await newBucket();
      for (const length of [100, 100_000]) {
        const bytes = deterministicBytes(1, length);
        const attempt = (body: Body) => objects.put({ bucket, key: "key", body, metadata: NO_METADATA });
        await assert.rejects(attempt({ ...bodyOf(bytes), length: length + 1 }), { code: "BODY_INCOMPLETE" });
        await assert.rejects(attempt({ ...bodyOf(bytes), length: length - 1 }), { code: "BODY_INCOMPLETE" });
        await assert.rejects(attempt(bodyOf(bytes, { expected: { md5: new Uint8Array(16) } })), {
          code: "DIGEST_MISMATCH",
        });
        await assert.rejects(attempt(bodyOf(bytes, { expected: { sha256: new Uint8Array(32) } })), {
          code: "SHA256_MISMATCH",
        });
        const checksum = { algorithm: "crc32c", value: () => new Uint8Array(4) } as const;
        await assert.rejects(attempt(bodyOf(bytes, { checksum })), { code: "CHECKSUM_MISMATCH" });
        await assert.rejects(objects.get({ bucket, key: "key" }), { code: "OBJECT_MISSING" });
      }
    });
  });

  describe("conditions", () => {
    test("of a write hold at the moment of its commit: of many creators exactly one wins", async () => {
      const bucket = await newBucket();
      const attempts = Array.from({ length: 20 }, (_, at) => put(bucket, "key", `${at}`, { ifNoneMatch: ["*"] }));
      const results = await Promise.allSettled(attempts);
      const winners = results.filter((result) => result.status === "fulfilled");
      assert.equal(winners.length, 1);
      for (const result of results)
        if (result.status === "rejected") assert.equal(result.reason.code, "PRECONDITION_FAILED");
    });

    test("a counter under If-Match loses no update", async () => {
      const bucket = await newBucket();
      await put(bucket, "counter", "0");
      const increment = async (): Promise<void> => {
        for (;;) {
          const read = await objects.get({ bucket, key: "counter" });
          const value = Number(new TextDecoder().decode(await collect(read.body!, 100)));
          try {
            await put(bucket, "counter", String(value + 1), { ifMatch: [read.info.etag] });
            return;
          } catch (error) {
            assert.equal((error as { code: string }).code, "PRECONDITION_FAILED");
          }
        }
      };
      await Promise.all(Array.from({ length: 16 }, increment));
      assert.equal(await get(bucket, "counter"), "16");
    });

    test("unconditional writers of one key all succeed, and one of them is last", async () => {
      const bucket = await newBucket();
      await Promise.all(Array.from({ length: 50 }, (_, at) => put(bucket, "key", deterministicBytes(at, 100 * at))));
      assert.equal((await objects.list({ bucket, prefix: "", delimiter: "", after: "", limit: 10 })).items.length, 1);
    });

    test("of a delete hold for what is there, and for nothing where nothing is there", async () => {
      const bucket = await newBucket("enabled");
      const remove = (conditions: Conditions & { ifMatchSize?: number }) =>
        objects.delete({ bucket, key: "key", conditions });
      const nothing = { deleteMarker: false, versionId: undefined };
      assert.deepEqual(await remove({ ifMatch: ["none"] }), nothing, "no delete marker for a key that never was");
      assert.deepEqual(await remove({ ifMatch: ["*"] }), nothing);
      const { etag } = await put(bucket, "key", "value");
      await assert.rejects(remove({ ifMatch: ["other"] }), { code: "PRECONDITION_FAILED" });
      await assert.rejects(remove({ ifMatchSize: 4 }), { code: "PRECONDITION_FAILED" });
      await remove({ ifMatch: [etag], ifMatchSize: 5 });
      await assert.rejects(
        remove({ ifMatch: [etag] }),
        { code: "PRECONDITION_FAILED" },
        "a delete marker is no such object",
      );
    });

    test("of a read follow RFC 9110", async () => {
      const bucket = await newBucket();
      const { etag, lastModifiedMillis } = await put(bucket, "key", "value");
      const check = (conditions: Conditions) => objects.stat({ bucket, key: "key", conditions });
      await check({ ifMatch: [etag], ifUnmodifiedSinceMillis: 0 });
      await check({ ifNoneMatch: ["other"], ifModifiedSinceMillis: lastModifiedMillis + 5000 });
      await assert.rejects(check({ ifMatch: ["other"] }), { code: "PRECONDITION_FAILED" });
      await assert.rejects(check({ ifUnmodifiedSinceMillis: lastModifiedMillis - 5000 }), {
        code: "PRECONDITION_FAILED",
      });
      await assert.rejects(check({ ifNoneMatch: ["*"] }), { code: "NOT_MODIFIED" });
      await assert.rejects(check({ ifModifiedSinceMillis: lastModifiedMillis }), { code: "NOT_MODIFIED" });
    });
  });

  describe("versions", () => {
    test("hide behind a delete marker and come back when it is removed", async () => {
      const bucket = await newBucket("enabled");
      const first = await put(bucket, "key", "one");
      const second = await put(bucket, "key", deterministicBytes(2, 10_000));
      assert.notEqual(first.versionId, second.versionId);
      const marker = await objects.delete({ bucket, key: "key" });
      assert.equal(marker.deleteMarker, true);
      await assert.rejects(objects.get({ bucket, key: "key" }), (error: { code: string; data: object }) => {
        assert.deepEqual(error.data, {
          deleteMarker: true,
          versionId: marker.versionId,
          lastModifiedMillis: memory.clock.millis,
        });
        return error.code === "OBJECT_MISSING";
      });
      assert.deepEqual(shape(await versionsOf(bucket)), ["key marker latest", "key", "key"]);
      assert.equal((await objects.list({ bucket, prefix: "", delimiter: "", after: "", limit: 10 })).items.length, 0);
      await assert.rejects(objects.get({ bucket, key: "key", versionId: marker.versionId }), {
        code: "IS_DELETE_MARKER",
      });
      await objects.delete({ bucket, key: "key", versionId: marker.versionId });
      assert.equal((await objects.stat({ bucket, key: "key" })).info.versionId, second.versionId);
      await objects.delete({ bucket, key: "key", versionId: second.versionId });
      assert.equal(await get(bucket, "key"), "one");
      await objects.delete({ bucket, key: "key", versionId: first.versionId });
      assert.deepEqual(await versionsOf(bucket), []);
      await objects.deleteBucket(bucket);
    });

    test("an object from before versioning becomes the null version, which suspension replaces", async () => {
      const bucket = await newBucket();
      await put(bucket, "key", "before");
      await objects.setVersioning(bucket, "enabled");
      const versioned = await put(bucket, "key", "versioned");
      assert.equal(await get(bucket, "key", "null"), "before");
      await objects.setVersioning(bucket, "suspended");
      const suspended = await put(bucket, "key", "suspended");
      assert.equal(suspended.versionId, "null");
      assert.equal(await get(bucket, "key", "null"), "suspended");
      assert.equal(await get(bucket, "key", versioned.versionId), "versioned");
      assert.equal((await versionsOf(bucket)).length, 2);
      await objects.delete({ bucket, key: "key" });
      assert.deepEqual(shape(await versionsOf(bucket)), ["key marker latest", "key"]);
      assert.equal((await versionsOf(bucket))[0]!.versionId, "null");
    });

    test("random histories give what a simple model says", async () => {
      const bucket = await newBucket("enabled");
      const model: { id: string; content: string | undefined }[] = [];
      let state = 42;
      const random = (limit: number): number => ((state = (state * 1_103_515_245 + 12_345) & 0x7fffffff) >> 8) % limit;
      for (let step = 0; step < 300; step++) {
        memory.clock.millis += random(3);
        const choice = random(10);
        if (choice < 4) {
          const content = `content ${step}`.padEnd(random(2) * 6000);
          model.unshift({ id: (await put(bucket, "key", content)).versionId!, content });
        } else if (choice < 6) {
          model.unshift({ id: (await objects.delete({ bucket, key: "key" })).versionId!, content: undefined });
        } else if (model.length > 0) {
          const [gone] = model.splice(random(model.length), 1);
          await objects.delete({ bucket, key: "key", versionId: gone!.id });
        }
        const listed = await versionsOf(bucket);
        assert.deepEqual(
          listed.map((version) => version.versionId),
          model.map(({ id }) => id),
        );
        assert.deepEqual(
          listed.map((version) => version.isLatest),
          model.map((_, at) => at === 0),
        );
        const current = model[0]?.content;
        if (current === undefined) await assert.rejects(get(bucket, "key"), { code: "OBJECT_MISSING" });
        else assert.equal(await get(bucket, "key"), current);
        for (const { id, content } of model)
          if (content !== undefined) assert.equal(await get(bucket, "key", id), content);
      }
    });
  });

  describe("listing", () => {
    test("is in the order of UTF-8 bytes, page by page, with and without a delimiter", async () => {
      const bucket = await newBucket();
      const keys = [
        "a",
        "a/",
        "a/b",
        "a/b/c",
        "a//x",
        "..//x",
        "ä",
        "\u{ffff}",
        "\u{1f600}",
        "z/1",
        "z/2",
        "z/2/3",
        "zz",
      ];
      for (const key of keys) await put(bucket, key, key);
      const sorted = [...keys].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
      for (const limit of [1, 2, 3, 1000]) {
        for (const [prefix, delimiter] of [
          ["", ""],
          ["", "/"],
          ["a", "/"],
          ["a/", "/"],
          ["z/", ""],
          ["", "b/"],
          ["q", ""],
        ] as const) {
          const listed: string[] = [];
          for (let after: string | undefined = ""; after !== undefined; ) {
            const page = await objects.list({ bucket, prefix, delimiter, after, limit });
            assert.ok(page.items.length + page.commonPrefixes.length <= limit);
            const merged = [
              ...page.items.map(({ key }) => key),
              ...page.commonPrefixes.map((common) => `prefix ${common}`),
            ];
            listed.push(...merged.sort());
            after = page.next;
          }
          assert.deepEqual(
            listed.sort(),
            expectedListing(sorted, prefix, delimiter).sort(),
            `${prefix} ${delimiter} ${limit}`,
          );
        }
      }
    });

    test("passes over what lies beneath a common prefix, however much it is", async () => {
      const bucket = await newBucket();
      await Promise.all(Array.from({ length: 2000 }, (_, at) => put(bucket, `folder-${at % 3}/${at}`, "")));
      const page = await objects.list({ bucket, prefix: "", delimiter: "/", after: "", limit: 1000 });
      assert.deepEqual(page.commonPrefixes, ["folder-0/", "folder-1/", "folder-2/"]);
    });

    test("of versions goes on behind any version", async () => {
      const bucket = await newBucket("enabled");
      for (const key of ["a", "b", "b", "c", "c", "c"]) await put(bucket, key, key);
      await objects.delete({ bucket, key: "b" });
      const all = await versionsOf(bucket);
      for (const limit of [1, 2, 3]) {
        const seen: VersionInfo[] = [];
        let keyMarker: string | undefined = "";
        let versionIdMarker: string | undefined;
        while (keyMarker !== undefined) {
          const page = await objects.listVersions({
            bucket,
            prefix: "",
            delimiter: "",
            keyMarker,
            versionIdMarker,
            limit,
          });
          seen.push(...page.items);
          keyMarker = page.nextKeyMarker;
          versionIdMarker = page.nextVersionIdMarker;
        }
        assert.deepEqual(seen, all);
      }
    });
  });

  describe("buckets", () => {
    test("are created once, listed in order, and deleted only when empty", async () => {
      const bucket = await newBucket();
      await assert.rejects(objects.createBucket(bucket, "me"), { code: "BUCKET_OWNED_BY_YOU" });
      await assert.rejects(objects.createBucket(bucket, "you"), { code: "BUCKET_EXISTS" });
      for (const bad of ["ab", "UPPER", "a..b", "a.-b", "a-.b", "1.2.3.4", "-ab", "a".repeat(64)]) {
        await assert.rejects(objects.createBucket(bad, "me"), { code: "BUCKET_NAME_INVALID" });
      }
      await put(bucket, "key", "value");
      await assert.rejects(objects.deleteBucket(bucket), { code: "BUCKET_NOT_EMPTY" });
      await objects.delete({ bucket, key: "key" });
      await objects.createUpload({ bucket, key: "key", owner: "me", metadata: NO_METADATA });
      await objects.deleteBucket(bucket);
      await assert.rejects(objects.headBucket(bucket), { code: "BUCKET_MISSING" });
      await assert.rejects(put(bucket, "key", "value"), { code: "BUCKET_MISSING" });
      await objects.createBucket(bucket, "you");
      const page = await objects.list({ bucket, prefix: "", delimiter: "", after: "", limit: 10 });
      assert.deepEqual(page.items, [], "a new bucket of the old name has none of its objects");
    });

    test("a write that races a deletion is either in a bucket that stays or refused", async () => {
      for (let round = 0; round < 20; round++) {
        const bucket = await newBucket();
        const [written, deleted] = await Promise.allSettled([
          put(bucket, "key", "value"),
          objects.deleteBucket(bucket),
        ]);
        if (written.status === "fulfilled") assert.equal(deleted.status, "rejected");
        else assert.equal(deleted.status, "fulfilled");
      }
    });

    test("keep documents, and forget them when they go", async () => {
      const bucket = await newBucket();
      assert.equal(await objects.getDocument(bucket, "cors"), undefined);
      await objects.putDocument(bucket, "cors", utf8("rules"));
      assert.deepEqual(await objects.getDocument(bucket, "cors"), utf8("rules"));
      await objects.deleteDocument(bucket, "cors");
      assert.equal(await objects.getDocument(bucket, "cors"), undefined);
      await assert.rejects(objects.putDocument(bucket, "cors", new Uint8Array(65_537)), { code: "DOCUMENT_TOO_LARGE" });
    });
  });

  test("keys that are no keys are refused, and all others are plain keys", async () => {
    const bucket = await newBucket();
    await assert.rejects(put(bucket, "", "x"), { code: "KEY_INVALID" });
    await assert.rejects(put(bucket, "\ud800", "x"), { code: "KEY_INVALID" });
    await assert.rejects(put(bucket, "ü".repeat(513), "x"), { code: "KEY_TOO_LONG" });
    for (const key of ["ü".repeat(512), "..//x", "/", "a\u0000b", "?", "%2F"]) {
      await put(bucket, key, key);
      assert.equal(await get(bucket, key), key);
    }
  });

  test("a copy carries metadata and tags unless they are replaced", async () => {
    const bucket = await newBucket();
    const metadata = { contentType: "text/x", user: new Map([["a", "1"]]) };
    const tags = new Map([["t", "v"]]);
    await objects.put({ bucket, key: "from", body: bodyOf(deterministicBytes(1, 9000)), metadata, tags });
    const copied = await objects.copy({ source: { bucket, key: "from" }, bucket, key: "to" });
    const { info } = await objects.stat({ bucket, key: "to" });
    assert.equal(info.etag, copied.etag);
    assert.deepEqual(info.metadata, metadata);
    assert.deepEqual((await objects.getTags({ bucket, key: "to" })).tags, tags);
    await assert.rejects(objects.copy({ source: { bucket, key: "to" }, bucket, key: "to" }), {
      code: "COPY_TO_ITSELF",
    });
    await objects.copy({ source: { bucket, key: "to" }, bucket, key: "to", metadata: NO_METADATA, tags: new Map() });
    assert.equal((await objects.stat({ bucket, key: "to" })).info.tagCount, 0);
    await objects.setTags({ bucket, key: "to" }, tags);
    assert.equal((await objects.stat({ bucket, key: "to" })).info.tagCount, 1);
    await assert.rejects(objects.setTags({ bucket, key: "to" }, new Map([["", "x"]])), { code: "TAG_INVALID" });
  });
});

function expectedListing(sorted: readonly string[], prefix: string, delimiter: string): string[] {
  const listed = new Set<string>();
  for (const key of sorted) {
    if (!key.startsWith(prefix)) continue;
    const cut = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    listed.add(cut < 0 ? key : `prefix ${key.slice(0, cut + delimiter.length)}`);
  }
  return [...listed];
}
