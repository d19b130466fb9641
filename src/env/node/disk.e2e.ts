// What only other processes and a real full disk can show. With "child" as its argument this file is the other process.

import { equal, ok, rejects } from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { SmallDisk } from "../../testing/small-disk.ts";
import { temporaryFolder } from "../conformance/temporary-folder.ts";
import { NodeDisk } from "./disk.ts";

const MEBIBYTE = 1_048_576;

if (process.argv[2] === "child") await holdLock(process.argv[3]!);
else registerTests();

function registerTests(): void {
  describe("the lock of a disk", () => {
    test("keeps other processes out and dies with its holder, however that ends", async () => {
      await using folder = await temporaryFolder();
      const disk = new NodeDisk(folder.path);
      for (const signal of ["SIGKILL", "SIGTERM", "SIGKILL"] as const) {
        const child = spawn(process.execPath, [import.meta.filename, "child", folder.path], {
          stdio: ["ignore", "pipe", "inherit"],
        });
        await once(child.stdout, "data");
        await rejects(disk.lock(), (error) => hasCode(error, "DISK_LOCKED"));
        child.kill(signal);
        await once(child, "exit");
        const held = await disk.lock();
        const refused = spawnSync(process.execPath, [import.meta.filename, "child", folder.path], { encoding: "utf8" });
        ok(refused.stderr.includes("DISK_LOCKED"), refused.stderr);
        await held[Symbol.asyncDispose]();
      }
    });
  });

  describe("a full disk", () => {
    test("ends a write with DISK_FULL and takes it once there is space", async (context) => {
      await using small = await SmallDisk.mountOrSkip(context, 4);
      if (small !== undefined) await fillAndRecover(small.path);
    });
  });
}

async function fillAndRecover(mount: string): Promise<void> {
  const disk = new NodeDisk(mount);
  const other = await disk.open("other", "create");
  await other.write(0, [new Uint8Array(2 * MEBIBYTE)]);
  const file = await disk.open("file", "create");
  const chunks = Array.from({ length: 3 }, () => new Uint8Array(MEBIBYTE).fill(5));
  await rejects(file.write(0, chunks), (error) => hasCode(error, "DISK_FULL"));
  equal((await disk.space()).bytesFree, 0);
  await other.setLength(0);
  await file.write(0, chunks);
  await file.sync();
  equal(await file.length(), 3 * MEBIBYTE);
  await other.close();
  await file.close();
}

async function holdLock(root: string): Promise<void> {
  try {
    await new NodeDisk(root).lock();
  } catch (error) {
    process.stderr.write(hasCode(error, "DISK_LOCKED") ? "DISK_LOCKED" : String(error));
    return;
  }
  process.stdout.write("locked");
  setInterval(() => {}, 1_000);
}
