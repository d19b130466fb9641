import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import { concatBytes, utf8 } from "../std/bytes.ts";
import { alignUp, identityOf, SECTOR_BYTES, SUPERBLOCK_BYTES, slotBytesFor } from "./format.ts";
import { NeedleRecord } from "./needle-record.ts";
import { encodeNeedleTable, NeedleTable } from "./needle-table.ts";
import { MemoryFile } from "./testing/memory-file.ts";

const IDENTITY = identityOf(5, 2, utf8("12345678"));
const COUNT = 1200;

/** A compacted file of small needles whose numbers have gaps, so that its table has three pages. */
function compacted(): { readonly file: MemoryFile; readonly places: { needle: number; position: number }[] } {
  const chunks: Uint8Array[] = [new Uint8Array(SUPERBLOCK_BYTES)];
  const places: { needle: number; position: number }[] = [];
  let position = SUPERBLOCK_BYTES;
  for (let index = 0; index < COUNT; index++) {
    const record = new NeedleRecord(utf8("o"), 5, new Uint8Array(slotBytesFor(1, 5)));
    record.seal();
    const needle = 1000 + index * 3;
    record.place({ needle, slotBytes: record.bytes.length, epoch: 1, timeMillis: 1, durable: 0, identity: IDENTITY });
    chunks.push(record.bytes);
    places.push({ needle, position });
    position += record.bytes.length;
  }
  chunks.push(new Uint8Array(alignUp(position, SECTOR_BYTES) - position));
  chunks.push(...encodeNeedleTable(places, position, IDENTITY));
  return { file: new MemoryFile(concatBytes(chunks)), places };
}

async function expectAllFound(
  table: NeedleTable,
  file: MemoryFile,
  places: { needle: number; position: number }[],
): Promise<void> {
  for (const { needle, position } of places) equal(await table.find(file, needle), position);
  for (const absent of [0, 999, 1001, 1000 + COUNT * 3, 4_000_000_000])
    equal(await table.find(file, absent), undefined);
}

describe("the needle table", () => {
  test("finds every needle and no other", async () => {
    const { file, places } = compacted();
    const table = await NeedleTable.open(file, IDENTITY);
    equal(table.damaged, false);
    equal(await table.verify(file), true);
    await expectAllFound(table, file, places);
  });

  test("finds the first needle from a number on", async () => {
    const { file, places } = compacted();
    const table = await NeedleTable.open(file, IDENTITY);
    const positionOf = (index: number): number => places[index]!.position;
    equal(await table.firstFrom(file, 0), positionOf(0));
    equal(await table.firstFrom(file, 1000), positionOf(0));
    equal(await table.firstFrom(file, 1001), positionOf(1));
    // Between the last needle of a page and the first of the next.
    equal(await table.firstFrom(file, 1000 + 509 * 3 + 1), positionOf(510));
    equal(await table.firstFrom(file, 1000 + (COUNT - 1) * 3), positionOf(COUNT - 1));
    equal(await table.firstFrom(file, 1000 + COUNT * 3), undefined);
  });

  test("is rebuilt from the headers where any part of it is damaged", async () => {
    const { file, places } = compacted();
    const tableAt = (await NeedleTable.open(file, IDENTITY)).slotsEnd;
    const pristine = file.bytes.slice();
    for (const at of [
      alignUp(tableAt, SECTOR_BYTES) + 100,
      pristine.length - SECTOR_BYTES - 4000,
      pristine.length - 5,
    ]) {
      file.bytes = pristine.slice();
      file.bytes[at]! ^= 4;
      const table = await NeedleTable.open(file, IDENTITY);
      await expectAllFound(table, file, places);
      equal(await table.firstFrom(file, 1001), places[1]!.position);
      equal(table.damaged, true);
      equal(await table.verify(file), false);
    }
  });

  test("of another generation, or cut off, does not count", async () => {
    const { file } = compacted();
    ok((await NeedleTable.open(file, identityOf(5, 3, IDENTITY.tag))).damaged);
    file.bytes = file.bytes.slice(0, -1);
    ok((await NeedleTable.open(file, IDENTITY)).damaged);
  });

  test("may be empty", async () => {
    const file = new MemoryFile(
      concatBytes([new Uint8Array(SUPERBLOCK_BYTES), ...encodeNeedleTable([], SUPERBLOCK_BYTES, IDENTITY)]),
    );
    const table = await NeedleTable.open(file, IDENTITY);
    deepEqual(
      [table.damaged, await table.find(file, 5), await table.firstFrom(file, 0)],
      [false, undefined, undefined],
    );
  });
});
