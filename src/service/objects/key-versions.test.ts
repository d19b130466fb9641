import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { sourceOf } from "../../std/source.ts";
import { TABLES } from "../../store/index.ts";
import { type MemoryObjects, openMemoryObjects } from "../../testing/memory-objects.ts";

const BUCKET = "bucket";
const KEY = "key";
const NO_METADATA = { user: new Map<string, string>() };

async function put({ objects }: MemoryObjects, key: string): Promise<string> {
  const body = { source: sourceOf(utf8(key)), length: key.length, expected: {} };
  return (await objects.put({ bucket: BUCKET, key, body, metadata: NO_METADATA })).versionId!;
}

async function filled(versions: number): Promise<{ readonly memory: MemoryObjects; readonly ids: readonly string[] }> {
  const memory = await openMemoryObjects();
  await memory.objects.createBucket(BUCKET, "me");
  await memory.objects.setVersioning(BUCKET, "enabled");
  await put(memory, "before");
  const ids: string[] = [];
  for (let at = 0; at < versions; at++) ids.unshift(await put(memory, KEY));
  await put(memory, "later");
  return { memory, ids };
}

type Change = (memory: MemoryObjects, ids: readonly string[]) => Promise<void>;

const remove = async ({ objects }: MemoryObjects, versionId?: string): Promise<string> =>
  (await objects.delete({ bucket: BUCKET, key: KEY, versionId })).versionId!;

/** What is done between the scans of the two tables. */
const CHANGES: Readonly<Record<string, Change>> = {
  "a newer version": async (memory) => void (await put(memory, KEY)),
  "two newer versions": async (memory) => {
    await put(memory, KEY);
    await put(memory, KEY);
  },
  "a delete marker": async (memory) => void (await remove(memory)),
  "the removal of the current version": async (memory, [first]) => void (await remove(memory, first)),
  "the removal of two": async (memory, [first, second]) => {
    await remove(memory, first);
    await remove(memory, second);
  },
  "the removal of an older one": async (memory, [, second]) => void (await remove(memory, second)),
  "a delete marker that comes and goes": async (memory) => void (await remove(memory, await remove(memory))),
  "a removal and a newer version": async (memory, [first]) => {
    await remove(memory, first);
    await put(memory, KEY);
  },
  tags: async ({ objects }) => void (await objects.setTags({ bucket: BUCKET, key: KEY }, new Map([["a", "b"]]))),
};

async function listed({ objects }: MemoryObjects, limit = 1000): Promise<string[]> {
  const ids: string[] = [];
  let [keyMarker, versionIdMarker]: [string, string | undefined] = ["", undefined];
  for (;;) {
    const request = { bucket: BUCKET, prefix: "", delimiter: "", keyMarker, versionIdMarker, limit };
    const page = await objects.listVersions(request);
    for (const { key, versionId } of page.items) if (key === KEY) ids.push(versionId!);
    if (page.nextKeyMarker === undefined) return ids;
    [keyMarker, versionIdMarker] = [page.nextKeyMarker, page.nextVersionIdMarker];
  }
}

/** Runs a change once, behind the first scan of one of the tables, whichever the listing scans first by itself. */
function disturb({ store }: MemoryObjects, first: number, change: () => Promise<void>): () => boolean {
  const scan = store.scan.bind(store);
  let isDone = false;
  store.scan = async (table, range, options) => {
    const isListing = table === TABLES.object || table === TABLES.version;
    if (!isListing || isDone) return scan(table, range, options);
    isDone = true;
    if (table === first) {
      const page = await scan(table, range, options);
      await change();
      return page;
    }
    const early = await scan(first, range, options);
    await change();
    const page = await scan(table, range, options);
    let isGiven = false;
    store.scan = async (other, ...rest) => {
      if (other !== first || isGiven) return scan(other, ...rest);
      isGiven = true;
      return early;
    };
    return page;
  };
  return () => isDone;
}

describe("a listing of versions", () => {
  for (const [name, change] of Object.entries(CHANGES)) {
    for (const first of [TABLES.object, TABLES.version]) {
      // A delete marker has no tags.
      for (const hidden of name === "tags" ? [false] : [false, true]) {
        const where = `${first === TABLES.object ? "the current version was" : "the older ones were"} read`;
        const how = hidden ? ", of a key with a delete marker" : "";
        test(`has each version once that is there all the time, with ${name} after ${where}${how}`, async () => {
          const { memory, ids } = await filled(4);
          await using _ = memory;
          const all = hidden ? [await remove(memory), ...ids] : ids;
          const wasRun = disturb(memory, first, () => change(memory, all));
          const found = await listed(memory);
          assert.ok(wasRun());
          const after = await listed(memory);
          for (const id of all) {
            const times = found.filter((other) => other === id).length;
            assert.ok(times <= 1, `version ${all.indexOf(id)} is listed ${times} times`);
            if (after.includes(id)) assert.equal(times, 1, `version ${all.indexOf(id)} is missing`);
          }
          assert.deepEqual(found, found.toSorted(), "newest first");
        });
      }
    }
  }

  test("has an object of a bucket without versions that is hidden before its turn comes", async () => {
    await using memory = await openMemoryObjects();
    const { objects, store } = memory;
    await objects.createBucket(BUCKET, "me");
    // More than one page of them come before.
    for (let at = 0; at < 150; at++) await put(memory, `a${String(at).padStart(3, "0")}`);
    await put(memory, KEY);
    const scan = store.scan.bind(store);
    let objectPages = 0;
    store.scan = async (table, range, options) => {
      if (table === TABLES.object && ++objectPages === 2) {
        await objects.setVersioning(BUCKET, "enabled");
        await objects.delete({ bucket: BUCKET, key: KEY });
      }
      return scan(table, range, options);
    };
    const request = { bucket: BUCKET, prefix: "", delimiter: "/", keyMarker: "", versionIdMarker: undefined };
    const { items } = await objects.listVersions({ ...request, limit: 1000 });
    assert.ok(objectPages >= 2);
    assert.equal(new Set(items.map(({ key }) => key)).size, 151);
    const found = items.filter(({ key }) => key === KEY);
    assert.deepEqual(found.map(({ versionId, deleteMarker }) => [versionId ?? "null", deleteMarker]).slice(1), [
      ["null", false],
    ]);
  });

  test("goes on behind a version, whatever has become of those before it", async () => {
    for (const limit of [1, 2, 3, 5]) {
      const { memory, ids } = await filled(6);
      await using _ = memory;
      assert.deepEqual(await listed(memory, limit), ids);
      const request = { bucket: BUCKET, prefix: "", delimiter: "", keyMarker: KEY, versionIdMarker: ids[1], limit };
      for (const id of ids.slice(0, 2)) await remove(memory, id);
      const { items } = await memory.objects.listVersions(request);
      assert.deepEqual(
        items.filter(({ key }) => key === KEY).map(({ versionId, isLatest }) => [versionId, isLatest]),
        ids.slice(2, 2 + limit).map((id, at) => [id, at === 0]),
      );
    }
  });
});
