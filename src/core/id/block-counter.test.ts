import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { hasCode } from "../../std/errors.ts";
import { BlockCounter } from "./block-counter.ts";
import { nextBlockSize } from "./block-size.ts";

const isSpent = (error: unknown): boolean => hasCode(error, "BLOCK_SPENT");
const MINUTE = 60_000;

describe("numbers from blocks", () => {
  test("there are none before the first block, and it is wanted", () => {
    const counter = new BlockCounter();
    ok(counter.wantsBlock);
    throws(() => counter.next(), isSpent);
    throws(() => counter.nextText(), isSpent);
    throws(() => counter.nextRange(1), isSpent);
  });

  test("the next block is wanted once a tenth of the present one is used, as in Leaf, and only once", () => {
    const counter = new BlockCounter();
    counter.add({ first: 1n, size: 100 });
    const wanted = Array.from({ length: 12 }, () => [Number(counter.next()), counter.wantsBlock]);
    deepEqual(wanted[8], [9, false]);
    deepEqual(wanted[9], [10, true]);
    counter.fetching();
    equal(counter.wantsBlock, false);
    counter.fetchFailed();
    equal(counter.wantsBlock, true);
    counter.add({ first: 101n, size: 100 });
    equal(counter.wantsBlock, false);
    throws(() => counter.add({ first: 201n, size: 100 }), /wanted/);
  });

  test("a first block is in use when its first number is taken", () => {
    const counter = new BlockCounter({ restShare: 0 });
    counter.add({ first: 5n, size: 2 });
    deepEqual([counter.available, counter.wantsBlock], [2, false]);
    deepEqual([counter.next(), counter.wantsBlock, counter.next(), counter.wantsBlock], [5n, false, 6n, true]);
    throws(() => counter.next(), isSpent);
  });

  test("a block that does not lie above those before is refused, and nothing changes", () => {
    const counter = new BlockCounter({ above: 10n });
    for (const first of [0n, 10n])
      throws(
        () => counter.add({ first, size: 5 }),
        (error) => hasCode(error, "BLOCK_STALE"),
      );
    counter.add({ first: 11n, size: 5 });
    counter.next();
    throws(
      () => counter.add({ first: 15n, size: 5 }),
      (error) => hasCode(error, "BLOCK_STALE"),
    );
    deepEqual([counter.wantsBlock, counter.available], [true, 4]);
    for (const size of [0, -1, 1.5]) throws(() => counter.add({ first: 99n, size }), /at least one/);
  });

  test("a range is whole or not at all, over the end of a block too", () => {
    const counter = new BlockCounter();
    counter.add({ first: 1n, size: 10 });
    counter.nextRange(7);
    counter.add({ first: 100n, size: 10 });
    throws(() => counter.nextRange(14), isSpent);
    deepEqual(counter.nextRange(5), [
      { first: 8n, size: 3 },
      { first: 100n, size: 2 },
    ]);
    deepEqual([counter.next(), counter.available], [102n, 7]);
  });

  test("texts are the numbers' digits, wherever a block lies", () => {
    const beginnings = [0n, 995n, 999_999_990n, 2n ** 53n - 5n, 2n ** 63n - 20n, 123_456_789_999_999_990n];
    for (const first of beginnings) {
      const counter = new BlockCounter();
      counter.add({ first, size: 15 });
      for (let at = 0n; at < 15n; at++) equal(counter.nextText(), String(first + at));
    }
  });

  test("whatever comes when, numbers increase strictly", () => {
    const event = fc.record({
      take: fc.integer({ min: 0, max: 30 }),
      gap: fc.integer({ min: -5, max: 5 }),
      size: fc.integer({ min: 1, max: 20 }),
    });
    const property = fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const counter = new BlockCounter();
      let [last, end] = [-1n, 0n];
      for (const { take, gap, size } of events) {
        if (counter.wantsBlock) {
          const first = end + BigInt(gap);
          if (gap < 0)
            throws(
              () => counter.add({ first, size }),
              (error) => hasCode(error, "BLOCK_STALE"),
            );
          else {
            counter.add({ first, size });
            end = first + BigInt(size);
          }
        }
        for (let count = 0; count < Math.min(take, counter.available); count++) {
          const number = count % 2 === 0 ? counter.next() : BigInt(counter.nextText());
          ok(number > last);
          last = number;
        }
      }
    });
    fc.assert(property);
  });
});

describe("the size of blocks", () => {
  test("follows Leaf's rule: twice as large within 15 minutes, half from 30 on", () => {
    const after = (minutes: number, size: number, sizeMin = 1000): number =>
      nextBlockSize({ size, sizeMin, lastedMillis: minutes * MINUTE });
    deepEqual([after(0, 1000), after(14.99, 2000), after(15, 2000), after(29.99, 2000)], [2000, 4000, 2000, 2000]);
    deepEqual([after(30, 2000), after(30, 1999), after(500, 1000)], [1000, 1999, 1000]);
    deepEqual([after(0, 500_000), after(0, 500_001), after(0, 1_000_000)], [1_000_000, 500_001, 1_000_000]);
  });
});
