import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { text, utf8 } from "../../std/bytes.ts";
import { collect, sourceOf } from "../../std/source.ts";
import { ChunkedDecoder, decodedSource } from "./index.ts";

function decoder(): ChunkedDecoder {
  return new ChunkedDecoder({ decodedLength: undefined, signed: undefined, trailer: true, trailerNames: ["x-a"] });
}

describe("the source of decoded data", () => {
  test("gives the data and, at its end, the trailers", async () => {
    const pieces = ["5\r\nhel", "lo\r\n1\r\n!\r", "\n0\r\nx-", "a:1\r\n\r\n"].map(utf8);
    const source = decodedSource(sourceOf(...pieces), decoder());
    assert.throws(() => source.trailers, { name: "AssertionError" });
    assert.equal(text((await collect(source, 100))!), "hello!");
    assert.deepEqual([...source.trailers], [["x-a", "1"]]);
    assert.equal(await source.read(), null);
  });

  test("fails at bytes behind the end, cancels what it reads from, and goes on failing", async () => {
    const inner = sourceOf(utf8("0\r\nx-a:1\r\n\r\n"), utf8("more"));
    let cancelled = 0;
    const source = decodedSource({ read: () => inner.read(), cancel: () => void cancelled++ }, decoder());
    await assert.rejects(source.read(), { code: "CHUNK_MALFORMED" });
    await assert.rejects(source.read(), { code: "CHUNK_MALFORMED" });
    assert.equal(cancelled, 1);
    assert.throws(() => source.trailers, { name: "AssertionError" });
  });

  test("fails where the body breaks off, or its source does", async () => {
    const broken = decodedSource(sourceOf(utf8("5\r\nhe")), decoder());
    assert.equal(text((await broken.read())!), "he");
    await assert.rejects(broken.read(), { code: "INCOMPLETE_BODY" });
    const failing = { read: () => Promise.reject(new TypeError("gone")), cancel: () => {} };
    await assert.rejects(decodedSource(failing, decoder()).read(), TypeError);
  });

  test("cancels what it reads from", () => {
    const reasons: unknown[] = [];
    const source = decodedSource({ read: async () => null, cancel: (reason) => void reasons.push(reason) }, decoder());
    source.cancel("enough");
    assert.deepEqual(reasons, ["enough"]);
  });
});
