import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defineLayout } from "../../core/id/index.ts";
import { EMPTY } from "../../std/bytes.ts";
import type { Row } from "../../store/index.ts";
import {
  decodeCount,
  decodeGenerator,
  decodeTag,
  decodeWorker,
  encodeCount,
  encodeGenerator,
  encodeTag,
  encodeWorker,
  type TagRecord,
} from "./records.ts";

const TAG: TagRecord = {
  ...{ isRemoved: true, incarnation: 3, nextNumber: 2n ** 63n, step: 7, blockSize: 900, order: "global" },
  ...{ description: "d\u00e9", updatedMillis: 1_700_000_000_000 },
};

function rowOf(value: Uint8Array): Row {
  return { table: 106, key: EMPTY, suffix: EMPTY, value, revision: 1 };
}

describe("the rows of the ids service", () => {
  test("are read as they were written", () => {
    const bits = { timeBits: 30, workerBits: 10, sequenceBits: 13, epochMillis: 5, unitMillis: 1000 };
    const shape = { order: "time-sequence-worker", byteOrder: "little", sequenceStartBelow: 9 } as const;
    const layout = defineLayout({ ...bits, ...shape, name: "g" });
    const generator = {
      ...{ isRemoved: true, layout, workerFirst: 1, workers: 9, windowMillis: 2000, description: "x" },
    };
    assert.deepEqual(decodeGenerator(rowOf(encodeGenerator(generator)), "g"), generator);
    const worker = { holder: "h", node: "n", generation: 300, reservedUntilMillis: 1_700_000_000_001 };
    assert.deepEqual(decodeWorker(rowOf(encodeWorker(worker))), worker);
    assert.deepEqual(decodeTag(rowOf(encodeTag(TAG))), TAG);
    assert.equal(decodeCount(rowOf(encodeCount(77))), 77);
  });

  test("of tags are read as the version before wrote them, without the size of a block", () => {
    const value = encodeTag({ ...TAG, blockSize: 5 });
    const before = Uint8Array.of(1, ...value.subarray(1, -1));
    assert.deepEqual(decodeTag(rowOf(before)), { ...TAG, blockSize: 0 });
  });

  test("that are damaged or of a newer version are refused", () => {
    const value = encodeTag(TAG);
    for (let length = 0; length < value.length; length++)
      assert.throws(() => decodeTag(rowOf(value.subarray(0, length))), { code: "RECORD_DAMAGED" });
    assert.throws(() => decodeTag(rowOf(Uint8Array.of(...value, 0))), { code: "RECORD_DAMAGED" });
    assert.throws(() => decodeTag(rowOf(Uint8Array.of(3, ...value.subarray(1)))), { code: "RECORD_NEWER" });
  });
});
