// A child process writes to an index until it is killed or its disk is full; the parent opens what is left.
// The same file is both: with "child" as its argument it is the writer.

import { equal, notEqual, ok, rejects } from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { SmallDisk } from "../../testing/small-disk.ts";
import { temporaryFolder } from "../conformance/temporary-folder.ts";
import type { Index } from "../env.ts";
import { LmdbIndexes } from "./lmdb-indexes.ts";

const BATCH_ROWS = 40;
const KILLS = 6;

if (process.argv[2] === "child") await writeUntilKilled(process.argv[3]!);
else registerTests();

function registerTests(): void {
  describe("an index whose process dies", () => {
    test("kill -9 at any moment leaves every batch that was written, whole", async () => {
      await using root = await temporaryFolder();
      const random = new Prng(7);
      let batches = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        const reported = await runAndKill(root.path, random.below(400));
        const index = await new LmdbIndexes(root.path).open("index");
        batches = checkBatches(index);
        ok(batches >= reported, `of ${reported} reported batches ${batches} are there`);
        // Not closed: the next child finds an index that was left open.
        if (kill % 2 === 0) await index.close();
        else await abandon(root.path, index);
      }
      notEqual(batches, 0);
    });
  });

  describe("an index on a full disk", () => {
    test("refuses the batch with DISK_FULL, keeps what it had, and goes on once there is space", async (context) => {
      await using small = await SmallDisk.mountOrSkip(context, 3);
      if (small !== undefined) await fillAndRecover(small);
    });
  });
}

async function fillAndRecover(small: SmallDisk): Promise<void> {
  const index = await new LmdbIndexes(small.path).open("index");
  let batches = 0;
  await rejects(
    async () => {
      for (;;) {
        writeBatch(index, batches);
        batches++;
      }
    },
    (error) => hasCode(error, "DISK_FULL"),
  );
  equal(checkBatches(index), batches);
  await rejects(
    async () => writeBatch(index, batches),
    (error) => hasCode(error, "DISK_FULL"),
  );
  equal(checkBatches(index), batches);
  small.grow(8);
  writeBatch(index, batches);
  equal(checkBatches(index), batches + 1);
  await index.close();
  const again = await new LmdbIndexes(small.path).open("index");
  equal(checkBatches(again), batches + 1);
  await again.close();
}

/** Kills the child some batches after it started; gives how many it had reported by then. */
async function runAndKill(root: string, batches: number): Promise<number> {
  const child = spawn(process.execPath, [import.meta.filename, "child", root], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let reported = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    reported = Number(line);
    if (reported >= batches) child.kill("SIGKILL");
  }
  return reported;
}

async function writeUntilKilled(root: string): Promise<void> {
  const index = await new LmdbIndexes(root).open("index");
  const next = checkBatches(index);
  for (let batch = next; ; batch++) {
    writeBatch(index, batch);
    process.stdout.write(`${batch - next + 1}\n`);
    if (batch % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Ends the index's hold on its files as the end of a process would: the state file keeps saying that it is open. */
async function abandon(root: string, index: Index): Promise<void> {
  const { currentBootId, statData, writeState } = await import("./lmdb-state.ts");
  await index.close();
  const folder = join(root, "index");
  await writeState(folder, { state: "open", bootId: await currentBootId(), ...(await statData(folder))! });
}

/** Batch n replaces the rows of batch n - 1, so that a batch which is there in part shows. */
function writeBatch(index: Index, batch: number): void {
  const value = new Uint8Array(100 + (batch % 7) * 900);
  new DataView(value.buffer).setUint32(0, batch);
  const kept = new Uint8Array(5).fill(0xff);
  new DataView(kept.buffer).setUint32(1, batch);
  const puts = Array.from({ length: BATCH_ROWS }, (_, row) => ({ key: Uint8Array.of(row), value }));
  index.write({ puts: [...puts, { key: kept, value }], deletes: [] });
}

/** How many batches the index has, all of them whole. */
function checkBatches(index: Index): number {
  const rows = index.scan({ to: Uint8Array.of(0xff), limit: 1_000 });
  const kept = index.scan({ from: Uint8Array.of(0xff), limit: 1_000_000 }).length;
  for (const { value } of rows) equal(new DataView(value.buffer, value.byteOffset).getUint32(0), kept - 1);
  equal(rows.length, kept === 0 ? 0 : BATCH_ROWS);
  return kept;
}
