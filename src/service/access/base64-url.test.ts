import assert from "node:assert/strict";
import { test } from "node:test";
import { fromBase64Url, toBase64Url } from "./base64-url.ts";

test("bytes of every length come back, from an alphabet that a URL can hold", () => {
  for (let length = 0; length < 40; length++) {
    const bytes = Uint8Array.from({ length }, (_, at) => 255 - at * 7);
    const text = toBase64Url(bytes);
    assert.match(text, /^[\w-]*$/);
    assert.deepEqual(fromBase64Url(text), bytes);
  }
});

test("what is not the one form of some bytes is refused", () => {
  for (const text of ["A", "AB", "AA=", "AA==", "AAA=", "++++", "////", "A A", "é", "AAAAA"]) {
    assert.equal(fromBase64Url(text), undefined, text);
  }
});
