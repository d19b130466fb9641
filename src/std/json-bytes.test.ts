import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "./bytes.ts";
import { bytesOfJson, JSON_BYTES_FACTOR_MAX, jsonOfBytes } from "./json-bytes.ts";
import { Prng } from "./prng.ts";

describe("bytes in JSON", () => {
  test("are text where they are UTF-8 that people can read, and base64 else", () => {
    assert.equal(jsonOfBytes(utf8("")), "");
    assert.equal(jsonOfBytes(utf8('h\u00e9\ud83d\ude00 "\\\t\r\n')), 'h\u00e9\ud83d\ude00 "\\\t\r\n');
    assert.equal(jsonOfBytes(utf8("\ufeffbom")), "\ufeffbom");
    assert.deepEqual(jsonOfBytes(Uint8Array.of(0xff)), { base64: "/w==" });
    assert.deepEqual(jsonOfBytes(Uint8Array.of(0x61, 0)), { base64: "YQA=" });
    assert.deepEqual(jsonOfBytes(Uint8Array.of(0xed, 0xa0, 0x80)), { base64: "7aCA" });
  });

  test("come back as they went, whatever they are", () => {
    const prng = new Prng(11);
    for (let run = 0; run < 2000; run++) {
      const bytes = prng.bytes(prng.below(12)).map((byte) => (prng.chance(0.7) ? byte & 0x7f : byte));
      assert.deepEqual(bytesOfJson(JSON.parse(JSON.stringify(jsonOfBytes(bytes)))), bytes);
    }
  });

  test("never take more room than the limit says", () => {
    for (const filler of ['"', "\\", "\n", "\u0000", "\u0001", "a", "\u00e9"]) {
      const bytes = utf8(filler.repeat(30_000));
      assert.ok(JSON.stringify(jsonOfBytes(bytes)).length <= bytes.length * JSON_BYTES_FACTOR_MAX + 32, filler);
    }
  });

  test("are refused where they could mean two things, or nothing", () => {
    const refused = [
      "\ud800",
      { base64: "YQ" },
      { base64: "YQ==", text: "a" },
      { base64: 1 },
      {},
      [],
      null,
      7,
      undefined,
    ];
    for (const value of refused) assert.equal(bytesOfJson(value), undefined, JSON.stringify(value));
  });
});
