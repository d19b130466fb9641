import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concatBytes } from "../std/bytes.ts";
import { Prng } from "../std/prng.ts";
import { ByteQueue } from "./byte-queue.ts";

describe("a queue of bytes", () => {
  test("gives the pieces back as they came, and not more than it is asked for", () => {
    const queue = new ByteQueue();
    const [first, second] = [new Uint8Array([1, 2]), new Uint8Array([3, 4, 5])];
    queue.push(first);
    queue.push(second);
    assert.deepEqual(queue.take(0), []);
    const [whole, part] = queue.take(3);
    assert.equal(whole, first);
    assert.deepEqual(part, new Uint8Array([3]));
    assert.equal(part?.buffer, second.buffer);
    assert.equal(queue.length, 2);
    assert.deepEqual(queue.take(100), [new Uint8Array([4, 5])]);
    assert.deepEqual([queue.length, queue.take(1)], [0, []]);
  });

  test("what is cleared does not come", () => {
    const queue = new ByteQueue();
    queue.push(new Uint8Array(3));
    queue.take(1);
    queue.clear();
    assert.equal(queue.length, 0);
    queue.push(new Uint8Array([9]));
    assert.deepEqual(queue.take(5), [new Uint8Array([9])]);
  });

  test("loses, doubles and moves no byte, however the two sides take turns, over thousands of pieces", () => {
    const prng = new Prng(7);
    const queue = new ByteQueue();
    const [sent, got]: [Uint8Array[], Uint8Array[]] = [[], []];
    const send = (count: number): void => {
      for (let pieces = count; pieces > 0; pieces--) {
        const piece = Uint8Array.from({ length: 1 + prng.below(9) }, () => prng.below(256));
        sent.push(piece);
        queue.push(piece);
      }
    };
    send(3_000);
    while (queue.length > 100) {
      send(prng.below(20));
      const length = Math.min(prng.below(400), queue.length);
      const taken = concatBytes(queue.take(length));
      assert.equal(taken.length, length);
      got.push(taken);
    }
    got.push(...queue.take(queue.length));
    assert.deepEqual(concatBytes(got), concatBytes(sent));
  });
});
