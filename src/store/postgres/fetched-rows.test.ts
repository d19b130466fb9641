import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { FetchedRows } from "./fetched-rows.ts";

test("what is read and not here is wanted once, until it is added", () => {
  const rows = new FetchedRows();
  const [a, b] = [utf8("a"), utf8("b")];
  assert.equal(rows.get(a), undefined);
  assert.equal(rows.get(a), undefined);
  rows.want(b);
  assert.deepEqual(rows.takeWanted().keys, [a, b]);
  assert.equal(rows.wantsMore, false);
  rows.add([a, b], [{ key: b, value: utf8("value") }]);
  assert.deepEqual([rows.get(a), rows.get(b)], [undefined, utf8("value")]);
  assert.equal(rows.wantsMore, false);
});

test("a range is wanted by its bounds and its limit, and brings its rows with it", () => {
  const rows = new FetchedRows();
  const range = { from: utf8("a"), to: utf8("c"), limit: 2 };
  assert.deepEqual(rows.scan(range), []);
  const { scans } = rows.takeWanted();
  assert.deepEqual(scans, [range]);
  const found = [{ key: utf8("b"), value: utf8("value") }];
  rows.addScan(scans[0]!, found);
  assert.deepEqual(rows.scan(range), found);
  assert.deepEqual(rows.get(utf8("b")), utf8("value"));
  assert.equal(rows.wantsMore, false);
  rows.scan({ ...range, limit: 3 });
  assert.equal(rows.wantsMore, true);
});
