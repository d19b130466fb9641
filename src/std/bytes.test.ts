import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromBase64, nonZeroAt, toBase64 } from "./bytes.ts";

describe("the first byte that is not zero", () => {
  test("is found wherever it stands, in a view of any alignment", () => {
    for (const start of [0, 1, 2, 3]) {
      for (const length of [0, 1, 3, 4, 63, 64, 65, 66, 67, 68, 69, 200]) {
        const bytes = new Uint8Array(new ArrayBuffer(start + length + 1), start, length);
        // What lies behind the view is not looked at.
        new Uint8Array(bytes.buffer)[start + length] = 1;
        for (let place = 0; place < length; place++) {
          bytes[place] = 0x80;
          for (const from of [0, 1, place - 1, place]) {
            if (from >= 0 && from <= place) assert.equal(nonZeroAt(bytes, from), place);
          }
          bytes[place] = 0;
        }
        assert.equal(nonZeroAt(bytes), length);
        assert.equal(nonZeroAt(bytes, length), length);
      }
    }
  });
});

describe("base64", () => {
  test("is what the standard says, for every length and every byte", () => {
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, (_, at) => (at * 73 + length * 31) & 0xff);
      const encoded = toBase64(bytes);
      assert.equal(encoded, Buffer.from(bytes).toString("base64"));
      assert.deepEqual(fromBase64(encoded), bytes);
    }
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    assert.equal(toBase64(all), Buffer.from(all).toString("base64"));
  });
});
