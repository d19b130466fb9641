import { equal, rejects } from "node:assert/strict";
import { test } from "node:test";
import { text, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { collect, sourceOf } from "../../std/source.ts";
import { openMemoryObjects } from "../../testing/memory-objects.ts";

/** Of the write of that number: no two have one length, and each says whose it is in every byte. */
const bodyOf = (write: number): string => String(write).repeat(10 * (write + 1));

test("a small object that is made and overwritten while it is read is one of its writes, whole", async () => {
  for (let writes = 1; writes <= 6; writes++) {
    await using memory = await openMemoryObjects();
    const { store, objects } = memory;
    await objects.createBucket("bucket", "me");
    let write = 0;
    let isWriting = false;
    const overwrite = async (): Promise<void> => {
      if (isWriting || write === writes) return;
      isWriting = true;
      const bytes = utf8(bodyOf(++write));
      const body = { source: sourceOf(bytes), length: bytes.length, expected: {} };
      await objects.put({ bucket: "bucket", key: "key", body, metadata: { user: new Map() } });
      isWriting = false;
    };
    const [get, getMany] = [store.get.bind(store), store.getMany.bind(store)];
    await objects.get({ bucket: "bucket", key: "other" }).catch(() => {});
    Object.assign(store, {
      get: async (...wanted: Parameters<typeof get>) => {
        const found = await get(...wanted);
        await overwrite();
        return found;
      },
      getMany: async (...wanted: Parameters<typeof getMany>) => {
        const found = await getMany(...wanted);
        await overwrite();
        return found;
      },
    });
    const read = await objects.get({ bucket: "bucket", key: "key" });
    const bytes = text((await collect(read.body!, 10_000))!);
    equal(bytes, bodyOf(Number(bytes[0])), `${writes} writes meanwhile`);
  }
});

test("a body whose beginning cannot be read is refused with its reason, one whose rest cannot breaks off", async () => {
  await using memory = await openMemoryObjects();
  const { blobs, disk, objects } = memory;
  await objects.createBucket("bucket", "me");
  const bytes = new Uint8Array(5_000_000).fill(7);
  const body = { source: sourceOf(bytes), length: bytes.length, expected: {} };
  await objects.put({ bucket: "bucket", key: "key", body, metadata: { user: new Map() } });
  await blobs.sealVolumes();
  const [name] = await disk.list("volumes");
  const file = await disk.open(`volumes/${name}`, "write");
  const spoil = (position: number): Promise<void> => file.write(position, [new Uint8Array(4096)]);
  const request = { bucket: "bucket", key: "key" };

  await spoil(4_500_000);
  const read = await objects.get(request);
  await rejects(collect(read.body!, bytes.length), (error) => hasCode(error, "BLOB_DAMAGED"));
  await spoil(8192);
  await rejects(objects.get(request), (error) => hasCode(error, "BLOB_DAMAGED"));
  // Nothing is read where nothing is asked for.
  equal((await objects.stat(request)).end, bytes.length);
  await file.close();
});
