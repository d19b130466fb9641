import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { byteString, escapeBytes, escapedPath, escapedQuery, parseQuery, sortedQuery, splitTarget } from "./target.ts";

describe("the target", () => {
  test("splits at the first question mark, and loses the authority of an absolute form", () => {
    const cases: readonly [string, string, string][] = [
      ["/", "/", ""],
      ["/b/k", "/b/k", ""],
      ["/b/k?a?b", "/b/k", "a?b"],
      ["/b/../k//?", "/b/../k//", ""],
      ["?a", "/", "a"],
      ["http://host:1/b?x", "/b", "x"],
      ["HTTPS://host?x", "/", "x"],
      ["*", "*", ""],
    ];
    for (const [target, path, query] of cases) assert.deepEqual(splitTarget(target), { path, query }, target);
  });
});

describe("escaping", () => {
  const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

  test("leaves exactly the unreserved characters, and the slash where told", () => {
    for (let code = 0; code < 256; code++) {
      const byte = String.fromCharCode(code);
      const escaped = `%${code.toString(16).toUpperCase().padStart(2, "0")}`;
      assert.equal(escapeBytes(byte, false), unreserved.includes(byte) ? byte : escaped);
      assert.equal(escapeBytes(byte, true), unreserved.includes(byte) || byte === "/" ? byte : escaped);
    }
  });

  test("brings every spelling of a path to one, and one that is right to itself", () => {
    assert.equal(escapedPath("/b/%7e%7E~%c3%a9Ã©+%2B%2f'%zz%"), "/b/~~~%C3%A9%C3%A9%2B%2B/%27%25zz%25");
    assert.equal(escapedPath("/a%20b/../x//y%2520"), "/a%20b/../x//y%2520");
  });

  test("takes text beyond bytes as UTF-8, never cut to a byte", () => {
    assert.equal(escapeBytes("Ā", false), "%C4%80");
    assert.equal(escapeBytes(byteString("é€😀"), false), "%C3%A9%E2%82%AC%F0%9F%98%80");
    assert.equal(byteString("\ud800"), byteString("\ufffd"));
  });
});

describe("the query", () => {
  test("is read as a form: plus is a space, a missing value is empty, empty parts are nothing", () => {
    assert.deepEqual(parseQuery("a=1+2&&b&c==%26&d%3D=%zz&"), [
      { name: "a", value: "1 2" },
      { name: "b", value: "" },
      { name: "c", value: "=&" },
      { name: "d=", value: "%zz" },
    ]);
    assert.deepEqual(parseQuery(""), []);
  });

  test("is sorted by name, then by value, as it is escaped", () => {
    assert.equal(sortedQuery("b=2&a-b=1&a=2&a=1&a=10&uploads"), "a=1&a=10&a=2&a-b=1&b=2&uploads=");
    assert.equal(sortedQuery("delete"), "delete=");
    assert.equal(sortedQuery("x-id=PutObject"), "x-id=PutObject");
    assert.equal(sortedQuery("&&"), "");
    assert.equal(escapedQuery("b=%7E&a=x+y&A='"), "A=%27&a=x%20y&b=~");
  });

  test("leaves out the parameter named, and only that", () => {
    assert.equal(sortedQuery("X-Amz-Signature=1&X-Amz-Signatures=2", "X-Amz-Signature"), "X-Amz-Signatures=2");
    assert.equal(escapedQuery("X-Amz-Signature=1&a=b", "X-Amz-Signature"), "a=b");
  });
});
