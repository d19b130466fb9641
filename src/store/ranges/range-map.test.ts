import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EMPTY, utf8 } from "../../std/bytes.ts";
import { encodeAddress, encodeKeyBound, encodeRange } from "../key-codec.ts";
import { KEYS_FROM } from "../machine/range-state.ts";
import { TABLES } from "../tables.ts";
import { isMap, RangeMap } from "./range-map.ts";
import {
  decodeGroupRow,
  decodeIdCounter,
  decodeRangeRow,
  decodeTransferRow,
  encodeGroupRow,
  encodeIdCounter,
  encodeRangeRow,
  encodeTransferRow,
  type GroupRow,
  groupAddress,
  rangeAddress,
  type TransferRow,
  transferAddress,
} from "./range-rows.ts";

const bound = (key: string): Uint8Array => encodeKeyBound(utf8(key));
const row = (key: string, table: number = TABLES.kv): Uint8Array => encodeAddress({ table, key: utf8(key) });

/** [, g) of group 1, [g, p) of 2, [p, ) of 3. */
const CUT = [
  { from: KEYS_FROM, to: bound("g"), group: 1, revision: 5 },
  { from: bound("g"), to: bound("p"), group: 2, revision: 5 },
  { from: bound("p"), to: EMPTY, group: 3, revision: 5 },
];

describe("a map of ranges", () => {
  test("is one range of the root group where there are no rows", () => {
    const map = new RangeMap([], 7);
    assert.deepEqual([map.isWhole, map.revision, map.of(row("x")).group], [true, 7, 1]);
    assert.equal(map.within(encodeRange(TABLES.kv, {})).length, 1);
  });

  test("says of each row whose it is, and root tables are always the root group's", () => {
    const map = new RangeMap(CUT, 1);
    const groups = ["", "a", "fzz", "g", "oz", "p", "zzz"].map((key) => map.of(row(key)).group);
    assert.deepEqual(groups, [1, 1, 1, 2, 2, 3, 3]);
    assert.equal(map.of(row("zzz", TABLES.node)).group, 1);
    assert.equal(map.isWhole, false);
  });

  test("finds the ranges that a scan touches, in order", () => {
    const map = new RangeMap(CUT, 1);
    const groups = (from?: string, to?: string): number[] => {
      const range = { ...(from && { from: { key: utf8(from) } }), ...(to && { to: { key: utf8(to) } }) };
      return map.within(encodeRange(TABLES.kv, range)).map(({ group }) => group);
    };
    assert.deepEqual([groups(), groups("a", "g"), groups("a", "ga")], [[1, 2, 3], [1], [1, 2]]);
    assert.deepEqual([groups("g", "p"), groups("h"), groups("q", "b")], [[2], [2, 3], [3]]);
  });

  test("has no gap, no overlap, and both ends", () => {
    assert.ok(isMap([]) && isMap(CUT));
    for (const broken of [CUT.slice(1), CUT.slice(0, 2), [CUT[0]!, CUT[2]!], [CUT[0]!, CUT[0]!, ...CUT.slice(1)]]) {
      assert.ok(!isMap(broken));
    }
  });

  test("comes back from its rows as it went in", () => {
    for (const range of CUT) {
      const { revision, ...row } = range;
      assert.deepEqual(decodeRangeRow(rangeAddress(row).key, encodeRangeRow(row)), row);
    }
    const group: GroupRow = { id: 2 ** 40 + 3, state: "open", nodes: [1, 2, 300], members: [2] };
    assert.deepEqual(decodeGroupRow(groupAddress(group.id).key, encodeGroupRow(group)), group);
    const interval = { from: bound("g"), to: EMPTY };
    const moving: TransferRow = {
      id: 9,
      source: 1,
      target: 2,
      attempt: 3,
      phase: "releasing",
      ...interval,
      reason: "size",
    };
    assert.deepEqual(decodeTransferRow(transferAddress(9).key, encodeTransferRow(moving)), moving);
    assert.equal(decodeIdCounter(encodeIdCounter(77)), 77);
    assert.throws(() => decodeIdCounter(Uint8Array.of(9, 1)), { code: "FORMAT_NEWER" });
  });
});
