import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import type { Disk, Index, IndexRow, IndexSnapshot } from "../env/index.ts";
import { SimDisk } from "../env/sim/index.ts";
import { concatBytes, utf8 } from "../std/bytes.ts";
import { crc32c } from "../std/checksums/index.ts";
import { hasCode } from "../std/errors.ts";
import {
  checkpointName,
  listCheckpoints,
  readCheckpoint,
  readCheckpointHeader,
  removeUnfinished,
  restoreBytes,
  restoreCheckpoint,
  writeCheckpoint,
} from "./checkpoint.ts";
import { encodeAddress } from "./key-codec.ts";
import { StoreMachine } from "./machine.ts";
import { allRows, damageRow, newIndex } from "./testing/indexes.ts";
import { at, commit, grant, MachineDriver, put } from "./testing/machine-driver.ts";

const NAME = "store/checkpoint-0000000000000003";
const isDamage = (error: unknown): boolean => hasCode(error, "CHECKPOINT_DAMAGED");

async function newDisk(): Promise<Disk> {
  const disk = new SimDisk().mount();
  await disk.makeDirectory("store");
  return disk;
}

async function write(disk: Disk, { machine }: MachineDriver, name = NAME, signal?: AbortSignal) {
  const snapshot = machine.snapshot();
  try {
    return await writeCheckpoint({ disk, name, snapshot, header: machine.state, ...(signal && { signal }) });
  } finally {
    snapshot.close();
  }
}

async function contents(disk: Disk, name = NAME): Promise<Uint8Array> {
  const file = await disk.open(name, "read");
  const bytes = await file.read(0, await file.length());
  await file.close();
  return bytes;
}

async function replace(disk: Disk, bytes: Uint8Array, name = NAME): Promise<void> {
  await disk.remove(name).catch(() => {});
  const file = await disk.open(name, "create");
  await file.write(0, [bytes]);
  await file.close();
}

/** Three entries: a few rows, a lease with rows, a session. */
async function smallDriver(): Promise<{ driver: MachineDriver; index: Index }> {
  const index = await newIndex();
  const driver = new MachineDriver(index);
  driver.apply(grant(5000), commit({ puts: [put("a"), put("b\0c")], lease: 1 }));
  driver.run(commit({ puts: [put("d", "")], request: { session: 1, sequence: 1 } }));
  driver.run(commit({ deletes: [at("a")] }));
  return { driver, index };
}

describe("a checkpoint", () => {
  test("gives every row back, in order, with the state that they belong to", async () => {
    const disk = await newDisk();
    const index = await newIndex();
    const driver = new MachineDriver(index);
    for (let number = 0; number < 5; number++) {
      driver.run(commit({ puts: [put(`large ${number}`, "x".repeat(262_144))] }));
      driver.apply(...Array.from({ length: 30 }, (_, part) => commit({ puts: hundredRows(`${number} ${part}`) })));
    }
    const written = await write(disk, driver);
    assert.equal(written.bytes, (await contents(disk)).length);
    assert.equal(written.rows, allRows(index).length);
    const rows: IndexRow[] = [];
    let blocks = 0;
    const header = await readCheckpoint(disk, NAME, (block) => {
      rows.push(...block);
      blocks++;
    });
    assert.deepEqual(rows, allRows(index));
    assert.ok(blocks > 15, "a turn takes a bounded number of rows and bytes");
    assert.equal(header.appliedIndex, driver.machine.appliedIndex);
    assert.equal(header.revision, driver.machine.revision);
    assert.deepEqual(await readCheckpointHeader(disk, NAME), header);
  });

  test("restores an Index that equals the first byte for byte, from which the machine goes on", async () => {
    const disk = await newDisk();
    const { driver, index } = await smallDriver();
    await write(disk, driver);
    const restored = await newIndex();
    await restoreCheckpoint(disk, NAME, restored);
    assert.deepEqual(allRows(restored), allRows(index));
    const again = new MachineDriver(restored);
    const next = commit({ puts: [put("a")], request: { session: 1, sequence: 1 } });
    assert.deepEqual(again.run(next), driver.run(next));
    assert.deepEqual(allRows(restored), allRows(index));
  });

  test("holds the state in which it was begun, whatever is applied while it is written", async () => {
    const disk = await newDisk();
    const { driver, index } = await smallDriver();
    const before = allRows(index);
    const writing = write(disk, driver);
    for (let number = 0; number < 10; number++) driver.run(commit({ puts: hundredRows(`${number}`) }));
    await writing;
    const rows: IndexRow[] = [];
    await readCheckpoint(disk, NAME, (block) => void rows.push(...block));
    assert.deepEqual(rows, before);
  });

  test("is damaged by a change of any one byte, and by being cut or grown to any length", async () => {
    const disk = await newDisk();
    const { driver } = await smallDriver();
    await write(disk, driver);
    const whole = await contents(disk);
    for (let position = 0; position < whole.length; position++) {
      const changed = whole.slice();
      changed[position]! ^= 1 << (position % 8);
      await replace(disk, changed);
      await assert.rejects(
        readCheckpoint(disk, NAME, () => {}),
        isDamage,
        `byte ${position}`,
      );
      await replace(disk, whole.subarray(0, position));
      await assert.rejects(
        readCheckpoint(disk, NAME, () => {}),
        isDamage,
        `length ${position}`,
      );
    }
    for (const more of [[0], new Array(100).fill(0), [...whole]]) {
      await replace(disk, concatBytes([whole, Uint8Array.from(more)]));
      await assert.rejects(
        readCheckpoint(disk, NAME, () => {}),
        isDamage,
      );
    }
    await replace(disk, whole);
    await readCheckpoint(disk, NAME, () => {});
    await disk.remove(NAME);
    await assert.rejects(
      readCheckpoint(disk, NAME, () => {}),
      isDamage,
    );
  });

  test("with blocks left out, doubled or exchanged is damaged, though each block is sound", async () => {
    const disk = await newDisk();
    const driver = new MachineDriver(await newIndex());
    for (let number = 0; number < 35; number++) driver.run(commit({ puts: hundredRows(`${number}`) }));
    await write(disk, driver);
    const whole = await contents(disk);
    const blocks = cutIntoBlocks(whole);
    assert.ok(blocks.length >= 5, "header, three blocks, footer");
    const [header, first, second, ...rest] = blocks as [Uint8Array, Uint8Array, Uint8Array];
    for (const wrong of [
      [header, second, first, ...rest],
      [header, first, first, second, ...rest],
      [header, second, ...rest],
      [header, first, ...rest],
      [header, first, second],
    ]) {
      await replace(disk, concatBytes(wrong));
      await assert.rejects(
        readCheckpoint(disk, NAME, () => {}),
        isDamage,
      );
    }
  });

  test("takes the place of whatever an Index holds, as another machine's snapshot does", async () => {
    const source = new MachineDriver(await newIndex());
    for (let number = 0; number < 30; number++) source.run(commit({ puts: hundredRows(`${number}`) }));
    source.run(commit({ deletes: [at("3 row 3")] }));
    const index = await newIndex();
    const target = new MachineDriver(index);
    target.apply(grant(5000));
    for (let number = 20; number < 60; number++) target.run(commit({ puts: hundredRows(`${number} more`) }));
    target.run(commit({ puts: hundredRows("3") }));
    const capture = source.machine.capture();
    source.run(commit({ puts: [put("behind the snapshot")] }));
    await target.machine.restore(capture.read(), source.machine.appliedIndex - 1);
    capture.close();
    const behind = commit({ puts: [put("behind the snapshot")] });
    assert.equal(target.machine.revision, source.machine.revision - 1);
    target.run(behind);
    const same = await newIndex();
    await restoreCopy(source, same);
    assert.deepEqual(allRows(index), allRows(same));
  });

  test("that breaks off while it is restored leaves an Index that no machine takes up", async () => {
    const disk = await newDisk();
    const driver = new MachineDriver(await newIndex());
    for (let number = 0; number < 35; number++) driver.run(commit({ puts: hundredRows(`${number}`) }));
    await write(disk, driver);
    const whole = await contents(disk);
    await replace(disk, whole.subarray(0, whole.length - 30));
    const index = await newIndex();
    await assert.rejects(restoreCheckpoint(disk, NAME, index), isDamage);
    assert.ok(allRows(index).length > 1000);
    assert.throws(
      () => new StoreMachine({ index, group: 1 }),
      (error) => hasCode(error, "ROW_DAMAGED"),
    );
  });

  test("of a newer format is refused by that name", async () => {
    const disk = await newDisk();
    const { driver } = await smallDriver();
    await write(disk, driver);
    const bytes = await contents(disk);
    bytes[8] = 2;
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(52, crc32c(bytes.subarray(0, 52)), true);
    await replace(disk, bytes);
    await assert.rejects(
      readCheckpoint(disk, NAME, () => {}),
      (error) => hasCode(error, "FORMAT_NEWER"),
    );
  });

  test("is not made of an Index with a damaged row, and leaves no file", async () => {
    const disk = await newDisk();
    const { driver, index } = await smallDriver();
    damageRow(index, encodeAddress(at("d")));
    await assert.rejects(write(disk, driver), (error) => hasCode(error, "ROW_DAMAGED"));
    assert.deepEqual(await disk.list("store"), []);
  });

  test("that is aborted leaves no file", async () => {
    const disk = await newDisk();
    const { driver } = await smallDriver();
    const reason = new Error("closing");
    await assert.rejects(write(disk, driver, NAME, AbortSignal.abort(reason)), (error) => error === reason);
    assert.deepEqual(await disk.list("store"), []);
  });

  test("of an index that has lost a row, or holds one too many, is refused", async () => {
    const { driver, index } = await smallDriver();
    const disk = await newDisk();
    for (const more of [-1, 1]) {
      const whole = index.snapshot();
      const scan: IndexSnapshot["scan"] = (range) => whole.scan(range);
      const snapshot = { rowCount: whole.rowCount + more, scan, close: () => {} };
      const options = { disk, name: NAME, snapshot, header: driver.machine.state };
      await assert.rejects(writeCheckpoint(options), (error) => hasCode(error, "ROW_DAMAGED"));
      whole.close();
      assert.deepEqual(await disk.list("store"), []);
    }
  });

  test("ends before the disk is full, leaves no file, and what was there before stays", async () => {
    const reserved = 64 * 1024 * 1024;
    const disk = new SimDisk({ bytesMax: reserved + 65_536 }).mount();
    await disk.makeDirectory("store");
    const { driver } = await smallDriver();
    await write(disk, driver);
    for (let number = 0; number < 35; number++) driver.run(commit({ puts: hundredRows(`${number}`) }));
    const name = checkpointName("store", driver.machine.appliedIndex);
    await assert.rejects(write(disk, driver, name), (error) => {
      assert.ok(hasCode(error, "DISK_FULL"));
      return Number(error.data["bytesFree"]) > reserved - 1_048_576;
    });
    assert.deepEqual(await disk.list("store"), ["checkpoint-0000000000000003"]);
    await readCheckpoint(disk, NAME, () => {});
  });

  test("of version 1, written long ago, is read, and written again the same", async () => {
    const golden = await readFile(new URL("testdata/checkpoint-v1", import.meta.url));
    const disk = await newDisk();
    await replace(disk, golden);
    const index = await newIndex();
    await restoreCheckpoint(disk, NAME, index);
    const { driver, index: same } = await smallDriver();
    assert.deepEqual(allRows(index), allRows(same));
    await write(disk, driver);
    assert.deepEqual(await contents(disk), new Uint8Array(golden));
  });
});

describe("the checkpoints of a folder", () => {
  test("are listed from the newest on, without what is not one", async () => {
    const disk = await newDisk();
    const names = [3, 20, 100].map((index) => checkpointName("store", index));
    for (const name of [...names, "store/checkpoint-1", `${names[0]}.tmp`, "store/other"])
      await replace(disk, utf8("x"), name);
    assert.deepEqual(
      (await listCheckpoints(disk, "store")).map(({ appliedIndex }) => appliedIndex),
      [100, 20, 3],
    );
    await removeUnfinished(disk, "store");
    assert.ok(!(await disk.list("store")).includes("checkpoint-0000000000000003.tmp"));
    assert.equal((await listCheckpoints(disk, "store")).length, 3);
  });
});

async function restoreCopy({ machine }: MachineDriver, index: Index): Promise<void> {
  const capture = machine.capture();
  await restoreBytes(capture.read(), index);
  capture.close();
}

function hundredRows(prefix: string) {
  return Array.from({ length: 100 }, (_, number) => put(`${prefix} row ${number}`, "a value of some length"));
}

/** Header, each block, footer. */
function cutIntoBlocks(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts = [bytes.subarray(0, 56)];
  let from = 56;
  for (let length = view.getUint32(from, true); length > 0; length = view.getUint32(from, true)) {
    parts.push(bytes.subarray(from, from + 12 + length));
    from += 12 + length;
  }
  return [...parts, bytes.subarray(from)];
}
