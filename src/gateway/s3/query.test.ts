import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { escapeKey, Query, unescapeText } from "./query.ts";

test("parameters are unescaped, a plus is a space, and no value is the empty value", () => {
  const query = new Query("a=1&b=%C3%A9%20x+y&tagging&delete=&&=odd&c=d=e");
  assert.deepEqual(
    [...query.entries()],
    [
      ["a", "1"],
      ["b", "é x y"],
      ["tagging", ""],
      ["delete", ""],
      ["", "odd"],
      ["c", "d=e"],
    ],
  );
});

test("of a name that is sent twice the first counts", () => {
  assert.equal(new Query("uploadId=1&uploadId=2").get("uploadId"), "1");
});

test("UTF-8 that was sent without escapes is read", () => {
  // The parser of HTTP hands bytes on as characters.
  assert.equal(new Query("prefix=\u00c3\u00a9").get("prefix"), "é");
});

test("escapes that are no UTF-8, or no escapes, are InvalidURI", () => {
  for (const text of ["prefix=%ff", "prefix=%zz", "prefix=%", "%c3=1", "prefix=\u00ff"]) {
    assert.throws(
      () => new Query(text),
      (error) => hasCode(error, "InvalidURI"),
      text,
    );
  }
});

test("a query with more than 256 parameters is refused", () => {
  const many = (count: number): string => Array.from({ length: count }, (_, at) => `p${at}=1`).join("&");
  assert.equal(new Query(many(256)).size, 256);
  assert.throws(
    () => new Query(many(257)),
    (error) => hasCode(error, "InvalidURI"),
  );
});

test("in a path a plus is a plus", () => {
  assert.equal(unescapeText("a+b%2Bc%20d", false), "a+b+c d");
});

test("a key is escaped for a listing so that both ways of undoing it give it back", () => {
  const keys = ["plain/key.txt", "a b+c", "é/ü", "~*'()!", "%41", "\u0000\n", "a&b=c", "😀"];
  for (const key of keys) {
    const escaped = escapeKey(key);
    assert.match(escaped, /^[A-Za-z0-9\-._~/%]*$/, key);
    assert.equal(decodeURIComponent(escaped), key);
    assert.equal(decodeURIComponent(escaped.replaceAll("+", " ")), key);
  }
  assert.equal(escapeKey("quux ab/"), "quux%20ab/");
});
