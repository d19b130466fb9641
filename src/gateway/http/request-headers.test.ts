import assert from "node:assert/strict";
import { test } from "node:test";
import { listOf, parseLength, RequestHeaders } from "./request-headers.ts";

test("names are found without case, and several values are joined in order", () => {
  const headers = new RequestHeaders(["Accept", "a", "X-Amz-Meta-One", "1", "ACCEPT", "b"]);
  assert.equal(headers.get("accept"), "a, b");
  assert.equal(headers.get("x-amz-meta-one"), "1");
  assert.equal(headers.get("missing"), undefined);
  assert.deepEqual([...headers.entries()].length, 2);
});

test("an empty value is there", () => {
  const headers = new RequestHeaders(["x-empty", ""]);
  assert.equal(headers.has("x-empty"), true);
  assert.equal(headers.get("x-empty"), "");
});

test("a list is split at commas, trimmed, without empty elements", () => {
  assert.deepEqual(listOf(" a, b ,,c "), ["a", "b", "c"]);
  assert.deepEqual(listOf(undefined), []);
  assert.deepEqual(listOf(""), []);
});

test("a length is decimal digits up to 2^53 - 1 and nothing else", () => {
  assert.equal(parseLength("0"), 0);
  assert.equal(parseLength("0012"), 12);
  assert.equal(parseLength(String(Number.MAX_SAFE_INTEGER)), Number.MAX_SAFE_INTEGER);
  for (const text of ["", "-1", "+1", "1.0", "1e3", " 1", "0x10", "9007199254740992", "99999999999999999"]) {
    assert.equal(parseLength(text), undefined, text);
  }
});
