import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SimClock, SimDisk, SimScheduler } from "../env/sim/index.ts";
import { utf8 } from "../std/bytes.ts";
import { collect, sourceOf } from "../std/source.ts";
import { openNoBlobs } from "./unreplicated.ts";

describe("blobs of a node whose bytes nobody else has", () => {
  test("take no body, touch no volume, and still keep the disk's reserve free", async () => {
    const device = new SimDisk({ bytesMax: 128 * 1024 * 1024 });
    const disk = device.mount();
    const env = { disk, clock: new SimClock(new SimScheduler()) };
    await using blobs = await openNoBlobs({ env, options: { spaceReserveBytes: 64 * 1024 * 1024 } });
    let isCancelled = false;
    const source = { ...sourceOf(utf8("body")), cancel: () => void (isCancelled = true) };
    await assert.rejects(blobs.append(utf8("key"), source, 4), { code: "BODY_NOT_REPLICATED" });
    assert.ok(isCancelled);
    assert.deepEqual(await collect(blobs.read([], 0, 0), 10), new Uint8Array(0));
    await blobs.checkSpace("addition");
    assert.deepEqual(await disk.list(""), []);
    assert.deepEqual(blobs.status().volumes, []);
    await using full = await openNoBlobs({ env, options: { spaceReserveBytes: 1024 * 1024 * 1024 } });
    await assert.rejects(full.checkSpace("addition"), { code: "SPACE_RESERVED" });
  });
});
