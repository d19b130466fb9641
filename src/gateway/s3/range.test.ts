import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { RequestHeaders } from "../http/index.ts";
import { Query } from "./query.ts";
import { copyRange, parseRange, partNumberOf, rangeOf } from "./range.ts";

test("one range of bytes has three forms", () => {
  assert.deepEqual(parseRange("bytes=0-0"), { kind: "from", start: 0, end: 1 });
  assert.deepEqual(parseRange("bytes=5-9"), { kind: "from", start: 5, end: 10 });
  assert.deepEqual(parseRange("bytes=5-"), { kind: "from", start: 5 });
  assert.deepEqual(parseRange("bytes=-5"), { kind: "suffix", length: 5 });
  assert.deepEqual(parseRange("bytes=-0"), { kind: "suffix", length: 0 });
});

test("anything else, several ranges among it, asks for the whole object", () => {
  const texts = ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "bytes=9-5", "bytes=0-1,3-4", "items=0-1"];
  for (const text of [...texts, "bytes=1-2-3", "bytes=0x1-2", "bytes=99999999999999999999-"]) {
    assert.equal(parseRange(text), undefined, text);
  }
});

test("a part and a range exclude each other", () => {
  const both = () => rangeOf(new RequestHeaders(["range", "bytes=0-1"]), new Query("partNumber=1"));
  assert.throws(both, (error) => hasCode(error, "InvalidRequest"));
  assert.deepEqual(rangeOf(new RequestHeaders([]), new Query("partNumber=7")), { kind: "part", number: 7 });
});

test("part numbers are 1 to 10,000", () => {
  assert.equal(partNumberOf("1"), 1);
  assert.equal(partNumberOf("10000"), 10_000);
  for (const text of ["0", "10001", "", "-1", "1.5", "x"]) {
    assert.throws(
      () => partNumberOf(text),
      (error) => hasCode(error, "InvalidArgument"),
      text,
    );
  }
});

test("the range of a copy must have both ends", () => {
  assert.deepEqual(copyRange("bytes=0-9"), { start: 0, end: 10 });
  for (const text of ["bytes=0-", "bytes=-5", "0-9", "bytes=9-0", "bytes=a-b", "bytes=0-1,2-3"]) {
    assert.throws(
      () => copyRange(text),
      (error) => hasCode(error, "InvalidArgument"),
      text,
    );
  }
});
