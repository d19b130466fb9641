import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { RequestHeaders } from "../http/index.ts";
import {
  bareEtag,
  deleteConditions,
  etagsOf,
  readConditions,
  sourceConditions,
  writeConditions,
} from "./conditions.ts";

const DATE = "Sat, 21 Nov 2026 12:00:00 GMT";
const MILLIS = Date.UTC(2026, 10, 21, 12);

test("an entity tag is compared without quotes and without the mark of a weak one", () => {
  for (const tag of ['"abc"', "abc", ' "abc" ', 'W/"abc"']) assert.equal(bareEtag(tag), "abc", tag);
  assert.deepEqual(etagsOf('"a", W/"b" ,c,*'), ["a", "b", "c", "*"]);
  assert.equal(bareEtag('"'), '"');
});

test("a read takes four conditions", () => {
  const headers = new RequestHeaders([
    ...["If-Match", '"a"', "If-None-Match", '"b"'],
    ...["If-Modified-Since", DATE, "If-Unmodified-Since", DATE],
  ]);
  assert.deepEqual(readConditions(headers), {
    ifMatch: ["a"],
    ifNoneMatch: ["b"],
    ifModifiedSinceMillis: MILLIS,
    ifUnmodifiedSinceMillis: MILLIS,
  });
  assert.equal(readConditions(new RequestHeaders([])), undefined);
});

test("a date that is none is ignored", () => {
  assert.deepEqual(readConditions(new RequestHeaders(["If-Modified-Since", "yesterday"])), {});
});

test("a copy's source has conditions of its own", () => {
  const headers = new RequestHeaders(["x-amz-copy-source-if-none-match", "b", "If-Match", "a"]);
  assert.deepEqual(sourceConditions(headers), { ifNoneMatch: ["b"] });
});

test("a write looks at entity tags only", () => {
  const headers = new RequestHeaders(["If-None-Match", "*", "If-Modified-Since", DATE]);
  assert.deepEqual(writeConditions(headers), { ifNoneMatch: ["*"] });
  assert.equal(writeConditions(new RequestHeaders(["If-Modified-Since", DATE])), undefined);
});

test("a delete can expect entity tag, size and time", () => {
  const headers = new RequestHeaders([
    ...["If-Match", '"a"', "x-amz-if-match-size", "17", "x-amz-if-match-last-modified-time", DATE],
  ]);
  assert.deepEqual(deleteConditions(headers), { ifMatch: ["a"], ifMatchSize: 17, ifMatchLastModifiedMillis: MILLIS });
  for (const [name, value] of [
    ["x-amz-if-match-size", "x"],
    ["x-amz-if-match-last-modified-time", "x"],
  ]) {
    const wrong = () => deleteConditions(new RequestHeaders([name!, value!]));
    assert.throws(wrong, (error) => hasCode(error, "InvalidArgument"), name);
  }
});
