import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concatBytes, text, utf8 } from "../../std/bytes.ts";
import { encodeKeyBound } from "../../store/index.ts";
import { RangeSize } from "./range-size.ts";

const TABLE = 18;
const OTHER_TABLE = 20;

function row(table: number, key: string, suffix = ""): Uint8Array {
  return concatBytes([Uint8Array.of(table), encodeKeyBound(utf8(key)), utf8(suffix)]);
}

const middleOf = (size: RangeSize): string | undefined => {
  const middle = size.middle();
  return middle && text(middle);
};

describe("a walk over a range", () => {
  test("finds the middle of its bytes, over all tables", () => {
    const size = new RangeSize();
    for (let at = 0; at < 1000; at++) size.add(row(TABLE, `key ${1000 + at}`), 100);
    // The bodies of the first tenth weigh as much as all else.
    for (let at = 0; at < 100; at++) size.add(row(OTHER_TABLE, `key ${1000 + at}`), 2000);
    assert.equal(size.bytes, 300_000);
    const middle = Number(middleOf(size)!.slice(4));
    assert.ok(middle > 1060 && middle < 1080, `${middle}`);
  });

  test("keeps a bounded number of samples, which stay spread", () => {
    const size = new RangeSize();
    for (let at = 0; at < 20_000; at++) size.add(row(TABLE, `key ${100_000 + at}`), 1500);
    const middle = Number(middleOf(size)!.slice(4));
    assert.ok(middle > 108_000 && middle < 112_000, `${middle}`);
  });

  test("has no middle in the rows of one key", () => {
    const size = new RangeSize();
    for (let at = 0; at < 100; at++) size.add(row(TABLE, "key", `${at}`), 5000);
    assert.equal(size.middle(), undefined);
  });

  test("has it behind a key that is most of it", () => {
    const size = new RangeSize();
    for (let at = 0; at < 100; at++) size.add(row(TABLE, "a", `${at}`), 5000);
    size.add(row(TABLE, "b"), 5000);
    assert.equal(middleOf(size), "b");
  });

  test("counts the machine's own rows, and does not cut at them", () => {
    const size = new RangeSize();
    size.add(Uint8Array.of(0, 1, 2), 5000);
    assert.deepEqual([size.bytes, size.middle()], [5000, undefined]);
  });
});
