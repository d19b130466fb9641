import { deepEqual, equal, notEqual, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { configurationOf } from "../../core/raft/index.ts";
import type { Disk } from "../../env/index.ts";
import { SimDisk } from "../../env/sim/index.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { sourceOf } from "../../std/source.ts";
import { proveSnapshotFile, type SnapshotHead, writeSnapshotFile } from "./snapshot-file.ts";
import { SnapshotFolder } from "./snapshot-folder.ts";

const HEAD: SnapshotHead = { group: 1, index: 7, term: 2, configuration: configurationOf({ voters: [1, 2, 3] }) };

/** What another node's pieces come to. */
async function snapshotBytes(): Promise<Uint8Array> {
  const disk = new SimDisk().mount();
  const length = await writeSnapshotFile(disk, "whole", HEAD, sourceOf(new Uint8Array(20_000).fill(5)));
  return (await disk.open("whole", "read")).read(0, length);
}

async function putTogether(disk: Disk, folder: SnapshotFolder): Promise<void> {
  await disk.makeDirectory("raft");
  const file = await disk.open(folder.incomingNameOf(HEAD), "create");
  await file.write(0, [await snapshotBytes()]);
  await file.close();
}

const isDiskFailure = (error: unknown): boolean => hasCode(error, "DISK_FAILED");

describe("a folder of snapshots", () => {
  test("takes in what was put together, which a power cut leaves whole", async () => {
    const device = new SimDisk({ lostChance: 1, garbledChance: 0 }, new Prng(3));
    const disk = device.mount();
    const folder = new SnapshotFolder(disk, "raft");
    await putTogether(disk, folder);
    const { name } = await folder.adopt(HEAD);
    device.crash();
    equal((await proveSnapshotFile(device.mount(), name)).index, HEAD.index);
  });

  test("never goes on with a file whose sync failed: another one could succeed without writing it", async () => {
    const device = new SimDisk({ lostChance: 1, garbledChance: 0 }, new Prng(3));
    const disk = device.mount();
    const folder = new SnapshotFolder(disk, "raft");
    await putTogether(disk, folder);
    device.failNext("sync");
    await rejects(folder.adopt(HEAD), isDiskFailure);
    deepEqual(await disk.list("raft"), []);
    await putTogether(disk, folder);
    const { name } = await folder.adopt(HEAD);
    device.crash();
    equal((await proveSnapshotFile(device.mount(), name)).index, HEAD.index);
  });

  test("does not take up what a process left that died with a failed sync", async () => {
    const device = new SimDisk({}, new Prng(3));
    const disk = device.mount();
    const folder = new SnapshotFolder(
      new Proxy(disk, {
        get: (of, member) => {
          if (member === "remove") return () => new Promise(() => {});
          const value = Reflect.get(of, member, of);
          return typeof value === "function" ? value.bind(of) : value;
        },
      }),
      "raft",
    );
    await putTogether(disk, folder);
    device.failNext("sync");
    void folder.adopt(HEAD);
    await new Promise((resolve) => setImmediate(resolve));
    device.abandon();
    const afterwards = new SnapshotFolder(device.mount(), "raft");
    const left = (await device.mount().list("raft")).map((name) => `raft/${name}`);
    equal(left.length, 1);
    notEqual(left[0], afterwards.incomingNameOf(HEAD));
    deepEqual(await afterwards.list(), []);
    await afterwards.removeOthers(() => ({ kept: [], incoming: { index: HEAD.index + 1, term: 2 } }));
    deepEqual(await device.mount().list("raft"), []);
  });
});
