import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { deadAddress, encodeMark } from "../../blob/needle-rows.ts";
import { concatBytes, equalBytes, utf8 } from "../../std/bytes.ts";
import { collect, sourceOf } from "../../std/source.ts";
import { type Commit, STORE_LIMITS, type Store, TABLES } from "../../store/index.ts";
import { deterministicBytes } from "../../testing/deterministic-bytes.ts";
import { type MemoryObjects, openMemoryObjects } from "../../testing/memory-objects.ts";
import type { ChecksumAlgorithm, ObjectInfo, ObjectName, Objects } from "./index.ts";
import { keyOf } from "./keys.ts";
import {
  decodeManifestPage,
  decodeObjectRecord,
  decodePartRecord,
  encodeManifestPage,
  encodePartRecord,
  type PartRun,
} from "./record.ts";
import { SharedSource } from "./share.ts";
import { abandonManifest, dismantleManifest, PAGE_REFS_MAX, refsOf, storeRuns } from "./storage.ts";

const EXTENT = 65_536;
const NO_METADATA = { user: new Map<string, string>() };
const md5 = (bytes: Uint8Array): string => createHash("md5").update(bytes).digest("hex");

describe("copies by reference", () => {
  let memory: MemoryObjects;
  let objects: Objects;
  let keys = 0;

  before(async () => {
    // Small extents: objects of many needles without many bytes.
    memory = await openMemoryObjects({ extentBytes: EXTENT, readersGraceMillis: 0, referenceMillisMax: 0 });
    objects = memory.objects;
    for (const bucket of ["plain", "versioned"]) await objects.createBucket(bucket, "me");
    await objects.setVersioning("versioned", "enabled");
  });
  after(() => memory[Symbol.asyncDispose]());

  const newKey = (): string => `key ${++keys}`;
  const put = async (bytes: Uint8Array, algorithm?: ChecksumAlgorithm, bucket = "plain"): Promise<ObjectName> => {
    const name = { bucket, key: newKey() };
    const checksum = algorithm && { checksum: { algorithm, value: () => undefined } };
    const body = { source: sourceOf(bytes), length: bytes.length, expected: {}, ...checksum };
    await objects.put({ ...name, body, metadata: NO_METADATA });
    return name;
  };
  /** Of one part. */
  const upload = async (bytes: Uint8Array, algorithm?: ChecksumAlgorithm): Promise<ObjectName> => {
    const name = { bucket: "plain", key: newKey() };
    const checksum = algorithm && { checksum: { algorithm, type: "composite" as const } };
    const { uploadId } = await objects.createUpload({ ...name, owner: "me", metadata: NO_METADATA, ...checksum });
    const body = { source: sourceOf(bytes), length: bytes.length, expected: {} };
    const parts = [await objects.putPart({ ...name, uploadId, partNumber: 1, body })];
    await objects.completeUpload({ ...name, uploadId, parts: parts.map(({ etag }) => ({ partNumber: 1, etag })) });
    return name;
  };
  const copy = async (source: ObjectName, more: { checksumAlgorithm?: ChecksumAlgorithm; bucket?: string } = {}) => {
    const target = { bucket: more.bucket ?? "plain", key: newKey() };
    await objects.copy({ ...more, source, ...target });
    return target;
  };
  const read = async (name: ObjectName): Promise<Uint8Array> => {
    const { body, end } = await objects.get(name);
    return (await collect(body!, end))!;
  };
  const info = async (name: ObjectName): Promise<ObjectInfo> => (await objects.stat(name)).info;
  const volumeBytes = (): number => memory.blobs.status().volumes.reduce((sum, { bytes }) => sum + bytes, 0);
  const rowsOf = async (table: number) => (await memory.store.scan(table, {}, { limit: 10_000 })).rows;
  const objectRowOf = async ({ key }: ObjectName) =>
    (await rowsOf(TABLES.object)).find((row) => keyOf(row.key) === key)!;
  /** All that nobody names is found and condemned. */
  const collectGarbage = async (): Promise<void> => {
    for (let turn = 0; turn < 4; turn++) {
      memory.clock.millis += 1000;
      await memory.blobs.maintain();
    }
  };

  test("of objects of any size above the inline limit write no bytes, and read like the source", async () => {
    for (const length of [4097, EXTENT + 1, 32 * EXTENT, 100 * EXTENT + 5]) {
      const bytes = deterministicBytes(length, length);
      const source = await put(bytes);
      const before = volumeBytes();
      const first = await copy(source);
      const second = await copy(first, { bucket: "versioned" });
      assert.equal(volumeBytes(), before, `${length} bytes`);
      await objects.delete(source);
      await objects.delete(first);
      await collectGarbage();
      assert(equalBytes(await read(second), bytes), `${length} bytes`);
      assert.equal((await info(second)).etag, md5(bytes));
    }
  });

  test("of inline bodies are bodies of their own", async () => {
    const shares = (await rowsOf(TABLES.share)).length;
    for (const length of [0, 1, 4096]) {
      const source = await put(deterministicBytes(1, length));
      const target = await copy(source);
      await objects.delete(source);
      assert(equalBytes(await read(target), deterministicBytes(1, length)));
    }
    assert.equal((await rowsOf(TABLES.share)).length, shares);
  });

  test("name the first owner, whatever they are copies of, and nothing where that is their own key", async () => {
    const source = await put(deterministicBytes(2, 10_000));
    const first = await copy(source);
    const second = await copy(first);
    const named = (await rowsOf(TABLES.share)).filter(({ key }) => new TextDecoder().decode(key).endsWith(source.key));
    assert.equal(named.length, 2);
    // Back to where the bytes came from: no share row leads from a key to itself.
    await objects.delete(source);
    await objects.copy({ source: second, ...source });
    assert.equal((await rowsOf(TABLES.share)).filter(({ key }) => equalBytes(key, named[0]!.key)).length, 2);
    await objects.delete(first);
    await objects.delete(second);
    await collectGarbage();
    assert(equalBytes(await read(source), deterministicBytes(2, 10_000)));
    assert.equal((await rowsOf(TABLES.share)).filter(({ key }) => equalBytes(key, named[0]!.key)).length, 0);
  });

  test("onto themselves change metadata and keep the needles, paged or not", async () => {
    for (const bucket of ["plain", "versioned"]) {
      for (const length of [10_000, 40 * EXTENT]) {
        const bytes = deterministicBytes(3, length);
        const name = await put(bytes, undefined, bucket);
        const before = volumeBytes();
        const metadata = { user: new Map([["a", "1"]]) };
        await objects.copy({ source: name, bucket, key: name.key, metadata });
        assert.equal(volumeBytes(), before);
        await collectGarbage();
        assert(equalBytes(await read(name), bytes));
        assert.equal((await info(name)).metadata.user.get("a"), "1");
      }
    }
  });

  test("have the etag and the checksum that written bytes would have", async () => {
    const bytes = deterministicBytes(4, 100_000);
    const digest = (name: string): Uint8Array => createHash(name).update(bytes).digest();
    const sources = [await put(bytes), await put(bytes, "sha256"), await upload(bytes), await upload(bytes, "sha256")];
    for (const [at, source] of sources.entries()) {
      for (const checksumAlgorithm of [undefined, "sha256", "sha1"] as const) {
        const before = volumeBytes();
        const { etag, checksum, partCount } = await info(
          await copy(source, checksumAlgorithm === undefined ? {} : { checksumAlgorithm }),
        );
        assert.equal(volumeBytes(), before);
        assert.equal(etag, md5(bytes));
        assert.equal(partCount, undefined);
        const algorithm = checksumAlgorithm ?? (at % 2 === 1 ? "sha256" : undefined);
        assert.equal(checksum?.algorithm, algorithm);
        if (checksum === undefined) continue;
        assert.equal(checksum.type, "full-object");
        assert(equalBytes(checksum.value, digest(checksum.algorithm)));
      }
    }
  });

  test("as parts of an upload share whole needles, and copy the bytes of a range that cuts one", async () => {
    const bytes = deterministicBytes(5, 120 * EXTENT + 7);
    const source = await put(bytes);
    const name = { bucket: "plain", key: newKey() };
    const { uploadId } = await objects.createUpload({ ...name, owner: "me", metadata: NO_METADATA });
    const pieces = [
      { start: 0, end: 100 * EXTENT, isShared: true },
      { start: 20 * EXTENT, end: 120 * EXTENT + 7, isShared: true },
      { start: 1, end: 90 * EXTENT, isShared: false },
      { start: 0, end: 90 * EXTENT - 1, isShared: false },
      { start: 119 * EXTENT, end: 120 * EXTENT, isShared: true },
    ];
    const parts: { partNumber: number; etag: string }[] = [];
    for (const [at, { start, end, isShared }] of pieces.entries()) {
      const before = volumeBytes();
      const part = await objects.copyPart({ ...name, uploadId, partNumber: at + 1, source, range: { start, end } });
      assert.equal(volumeBytes() === before, isShared, `${start} to ${end}`);
      assert.equal(part.etag, md5(bytes.subarray(start, end)));
      parts.push(part);
    }
    await objects.completeUpload({ ...name, uploadId, parts });
    await objects.delete(source);
    await collectGarbage();
    const whole = concatBytes(pieces.map(({ start, end }) => bytes.subarray(start, end)));
    assert(equalBytes(await read(name), whole));
    // A needle that is in it twice, and needles of two owners: a copy of that writes nothing either.
    const before = volumeBytes();
    const target = await copy(name);
    assert.equal(volumeBytes(), before);
    await objects.delete(name);
    await collectGarbage();
    assert(equalBytes(await read(target), whole));
    assert.equal((await info(target)).etag, md5(whole));
  });

  test("of one part take its etag over, and a replaced or abandoned part lets go", async () => {
    const bytes = deterministicBytes(6, 81 * EXTENT);
    const source = await upload(bytes);
    const name = { bucket: "plain", key: newKey() };
    const shares = (await rowsOf(TABLES.share)).length;
    const { uploadId } = await objects.createUpload({ ...name, owner: "me", metadata: NO_METADATA });
    const part = await objects.copyPart({ ...name, uploadId, partNumber: 1, source });
    assert.equal(part.etag, md5(bytes));
    assert.equal((await rowsOf(TABLES.share)).length, shares + 81);
    await objects.copyPart({ ...name, uploadId, partNumber: 1, source, range: { start: 0, end: 2 * EXTENT } });
    await objects.abortUpload({ ...name, uploadId });
    assert(equalBytes(await read(source), bytes));
  });

  test("whose source is overwritten or deleted meanwhile have one content or the other, or none", async () => {
    const contents = [deterministicBytes(7, 100_000), deterministicBytes(8, 100_000)];
    for (let round = 0; round < 20; round++) {
      const source = await upload(contents[0]!);
      const target = { bucket: "plain", key: newKey() };
      const body = { source: sourceOf(contents[1]!), length: 100_000, expected: {} };
      const [copied] = await Promise.allSettled([
        objects.copy({ source, ...target }),
        round % 2 === 0 ? objects.put({ ...source, body, metadata: NO_METADATA }) : objects.delete(source),
        collectGarbage(),
      ]);
      await objects.delete(source);
      await collectGarbage();
      if (copied.status === "rejected") assert.match(copied.reason.code, /^(OBJECT|BLOB)_MISSING$/);
      else assert(contents.some((content) => md5(content) === copied.value.etag));
      if (copied.status === "fulfilled") assert.equal(md5(await read(target)), copied.value.etag);
    }
  });

  test("of a needle whose mark stays pending copy the bytes", async () => {
    const bytes = deterministicBytes(10, 10_000);
    const source = await put(bytes);
    const row = await objectRowOf(source);
    const [ref] = refsOf(decodeObjectRecord(row.value).storage);
    const mark = deadAddress(row.key, ref!);
    const fields = { state: "pending", run: 1, sequence: 1, slotBytes: 12_288, timeMillis: 1 } as const;
    await memory.store.commit({ puts: [{ ...mark, value: encodeMark(fields) }] });
    const before = volumeBytes();
    const target = await copy(source);
    assert(volumeBytes() > before);
    assert(equalBytes(await read(target), bytes));
    await memory.store.commit({ deletes: [mark] });
    await copy(source);
  });

  test("wait for a source as it is now: other tags are no other bytes, another object is", async () => {
    const name = await put(deterministicBytes(11, 10_000));
    const row = await objectRowOf(name);
    const source = new SharedSource(memory.store, row);
    assert(await source.isThere());
    await objects.setTags(name, new Map([["a", "1"]]));
    assert(await source.isThere());
    const { revision } = await objectRowOf(name);
    assert.notEqual(revision, row.revision);
    assert.equal("revision" in source.check && source.check.revision, revision);
    const body = { source: sourceOf(deterministicBytes(12, 10_000)), length: 10_000, expected: {} };
    await objects.put({ ...name, body, metadata: NO_METADATA });
    assert.equal(await source.isThere(), false);
    await objects.delete(name);
    assert.equal(await source.isThere(), false);
  });

  test("under keys too long for a share row copy the bytes", async () => {
    const room = STORE_LIMITS.keyBytesMax - 1 - 2 - 8 - 2 * 13;
    const bytes = deterministicBytes(9, 10_000);
    const body = () => ({ source: sourceOf(bytes), length: bytes.length, expected: {} });
    const source = { bucket: "plain", key: "s".repeat(900) };
    await objects.put({ ...source, body: body(), metadata: NO_METADATA });
    for (const length of [room - 900, room - 899]) {
      const before = volumeBytes();
      const target = { bucket: "plain", key: "t".repeat(length) };
      await objects.copy({ source, ...target });
      assert.equal(volumeBytes() === before, length === room - 900);
      assert(equalBytes(await read(target), bytes));
    }
  });

  test("alone are written in the newer form of a row", async () => {
    const run: PartRun = {
      ...{ partNumber: 0, partOffset: 0, partSize: 5, etag: md5(utf8("-")), checksum: undefined, owner: undefined },
      refs: [{ volume: 1, needle: 2, length: 5, checksum: 3 }],
    };
    const foreign = [run, { ...run, owner: utf8("a") }, { ...run, owner: utf8("b") }, { ...run, owner: utf8("a") }];
    for (const [runs, version] of [
      [[run, run], 1],
      [foreign, 2],
    ] as const) {
      const page = encodeManifestPage({ start: 7, runs });
      assert.equal(page[0], version);
      assert.deepEqual(decodeManifestPage(page), { start: 7, runs });
      const storage = { kind: "extents", runs } as const;
      const part = { size: 10, etag: md5(utf8("-")), lastModifiedMillis: 1, checksum: undefined, storage };
      assert.equal(encodePartRecord(part)[0], version);
      assert.deepEqual(decodePartRecord(encodePartRecord(part)), part);
    }
  });

  describe("of very many needles", () => {
    /** Needles that no volume has, each of another owner with the longest key that can be shared. */
    const runsOf = (refs: number, holder: Uint8Array): PartRun[] => {
      const ownerBytes = STORE_LIMITS.keyBytesMax - 1 - 2 - 8 - holder.length;
      return Array.from({ length: refs }, (_, at): PartRun => {
        const owner = utf8(String(at).padEnd(ownerBytes, "o"));
        const ref = { volume: 999_999, needle: at + 1, length: 8 << 20, checksum: at };
        const partSize = refs * ref.length;
        return {
          ...{ partNumber: 0, partOffset: at * ref.length, partSize, etag: md5(owner), checksum: undefined, owner },
          refs: [ref],
        };
      });
    };
    const sourceRow = async (): Promise<SharedSource> => {
      const address = { table: TABLES.object, key: utf8("a source that is no object") };
      await memory.store.commit({ puts: [{ ...address, value: utf8("-") }] });
      return new SharedSource(memory.store, (await memory.store.get(address)).row!);
    };

    test("go page by page, each within the Store's limits, at the longest keys", async () => {
      for (const holder of [utf8("h"), utf8("h".repeat(1037))]) {
        const commits: Commit[] = [];
        const runs = runsOf(PAGE_REFS_MAX * 2 + 1, holder.length > 1000 ? holder : utf8("h".repeat(752)));
        const bytes = { store: observed(memory.store, commits), blobs: memory.blobs };
        const storage = await storeRuns(bytes, holder, runs, `m${holder.length}`.padEnd(32, "0"), await sourceRow());
        assert.deepEqual(storage?.kind === "paged" && storage.pages, 3);
        assert.deepEqual(
          commits.map(({ checks, puts }) => [checks?.length, puts?.length]),
          [
            [91, 91],
            [91, 91],
            [2, 2],
          ],
        );
        const pages = commits.map(({ puts }) => decodeManifestPage(puts![0]!.value).runs);
        assert.deepEqual(pages.flat(), runs);
        commits.length = 0;
        await abandonManifest(bytes, holder, storage!);
        await dismantleManifest(bytes, holder, utf8(`m${holder.length}`.padEnd(32, "0")));
        assert.equal(commits.flatMap(({ puts = [] }) => puts.filter(({ table }) => table === TABLES.drop)).length, 181);
      }
    });

    test("stop, and give up their pages, where the source goes away on the way", async () => {
      const source = await sourceRow();
      const { check } = source;
      const commits: Commit[] = [];
      const store = observed(memory.store, commits, async () => {
        if (commits.length === 2) await memory.store.commit({ deletes: [check] });
      });
      const holder = utf8("h");
      const bytes = { store, blobs: memory.blobs };
      const id = "x".repeat(32);
      assert.equal(await storeRuns(bytes, holder, runsOf(200, utf8("h".repeat(1000))), id, source), undefined);
      await dismantleManifest(bytes, holder, utf8(id));
      const left = (await rowsOf(TABLES.manifest)).filter(({ key }) => equalBytes(key, holder));
      assert.deepEqual(left, []);
    });
  });
});

/** Records each commit after `before`. */
function observed(store: Store, commits: Commit[], before: () => Promise<void> = async () => {}): Store {
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (name !== "commit") return typeof value === "function" ? value.bind(target) : value;
      return async (commit: Commit) => {
        commits.push(commit);
        await before();
        return target.commit(commit);
      };
    },
  });
}
