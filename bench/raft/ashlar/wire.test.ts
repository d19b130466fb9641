import assert from "node:assert/strict";
import { test } from "node:test";
import { answer, Cutter, DONE, PUT, REQUEST_BYTES_MAX, requestLed, shortAnswer, writePut } from "./wire.ts";

test("a stream is cut into its messages wherever its chunks end", () => {
  const memory = Buffer.alloc(100);
  const end = writePut(memory, 0, { group: 48, high: 1, low: 2, value: Uint8Array.of(7, 8, 9) });
  const stream = Buffer.concat([
    memory.subarray(0, end),
    requestLed(),
    shortAnswer(DONE),
    answer(DONE, [Buffer.from("ab")]),
  ]);
  for (let size = 1; size <= stream.length; size++) {
    const cutter = new Cutter();
    const found: string[] = [];
    for (let at = 0; at < stream.length; at += size) {
      for (const message of cutter.cut(stream.subarray(at, at + size))) found.push(message.toString("hex"));
    }
    assert.deepEqual(found, [`0${PUT}0030080000000100000002070809`, "030000", "00", "006162"]);
  }
});

test("a length that is zero or beyond the limit is refused", () => {
  for (const length of [0, REQUEST_BYTES_MAX + 1, 0xffff_ffff]) {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32BE(length);
    assert.throws(() => [...new Cutter().cut(bytes)]);
  }
});
