import { deepEqual, equal, throws } from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { decodeId, firstIdOf, workerPartsOf } from "./decode.ts";
import { byteLengthOf, type CustomLayout, defineLayout, LAYOUTS, tickMaxOf, widthOf } from "./layout.ts";

describe("layouts", () => {
  test("are as wide as those they are named after, and each one is a layout that could be defined", () => {
    deepEqual(
      Object.values(LAYOUTS).map((layout) => [layout.name, widthOf(layout), byteLengthOf(layout)]),
      [
        ["twitter", 63, 8],
        ["leaf", 63, 8],
        ["flake", 128, 16],
        ["sonyflake", 63, 8],
        ["baidu", 63, 8],
        ["js53", 53, 8],
        ["discord", 64, 8],
        ["instagram", 64, 8],
      ],
    );
    for (const layout of Object.values(LAYOUTS)) deepEqual(defineLayout(layout), layout);
  });

  test("an id of Twitter's tells what Wikipedia's article on Snowflake ids says of it", () => {
    const { timeMillis, worker, sequence } = decodeId(1_541_815_603_606_036_480n, LAYOUTS.twitter);
    equal(new Date(timeMillis).toISOString(), "2022-06-28T16:07:40.105Z");
    deepEqual([worker, sequence], [378, 0]);
    deepEqual(workerPartsOf(378, LAYOUTS.twitter), [
      { name: "datacenter", bits: 5, value: 11 },
      { name: "worker", bits: 5, value: 26 },
    ]);
  });

  test("the fields lie under the masks of Twitter's worker", () => {
    const all = (1n << 63n) - 1n;
    const under = (mask: bigint) => decodeId(all & mask, LAYOUTS.twitter);
    deepEqual(under(0x1f000n), { timeMillis: 1_288_834_974_657, tick: 0, worker: 31, sequence: 0 });
    deepEqual(under(0x3e0000n), { timeMillis: 1_288_834_974_657, tick: 0, worker: 31 << 5, sequence: 0 });
    equal(under(0x7fffffffffc00000n).tick, 2 ** 41 - 1);
    equal(under(0xfffn).sequence, 4095);
  });

  test("an id of Discord's tells what its documentation says of it", () => {
    const { timeMillis, worker, sequence } = decodeId(175_928_847_299_117_063n, LAYOUTS.discord);
    equal(timeMillis, 1_462_015_105_796);
    equal(sequence, 7);
    deepEqual(
      workerPartsOf(worker, LAYOUTS.discord).map(({ name, value }) => [name, value]),
      [
        ["worker", 1],
        ["process", 0],
      ],
    );
  });

  test("an id of Instagram's is put together as its engineers have described", () => {
    const id = (1_387_263_000n << 23n) | (1341n << 10n) | (5001n % 1024n);
    deepEqual(decodeId(id, LAYOUTS.instagram), {
      timeMillis: 1_314_220_021_721 + 1_387_263_000,
      tick: 1_387_263_000,
      worker: 1341,
      sequence: 905,
    });
  });

  test("Sonyflake has its machine last, and counts in 10 ms from September 2014", () => {
    const id = (1000n << 24n) | (255n << 16n) | 0xa0b0n;
    deepEqual(decodeId(id, LAYOUTS.sonyflake), {
      timeMillis: Date.UTC(2014, 8, 1, 0, 0, 10),
      tick: 1000,
      worker: 0xa0b0,
      sequence: 255,
    });
  });

  test("Baidu's counts seconds from a midnight in Beijing", () => {
    equal(LAYOUTS.baidu.epochMillis, 1_463_673_600_000);
    deepEqual(decodeId((7n << 35n) | (3n << 13n) | 8191n, LAYOUTS.baidu), {
      timeMillis: 1_463_673_607_000,
      tick: 7,
      worker: 3,
      sequence: 8191,
    });
  });

  test("a number that is wider than the layout is refused", () => {
    throws(
      () => decodeId(1n << 63n, LAYOUTS.twitter),
      (error) => hasCode(error, "OUT_OF_RANGE"),
    );
    throws(
      () => decodeId(-1n, LAYOUTS.twitter),
      (error) => hasCode(error, "OUT_OF_RANGE"),
    );
    throws(
      () => decodeId(1n << 53n, LAYOUTS.js53),
      (error) => hasCode(error, "OUT_OF_RANGE"),
    );
  });

  test("the first id of a time is where a span of ids begins", () => {
    const time = Date.UTC(2024, 0, 1);
    for (const layout of [LAYOUTS.twitter, LAYOUTS.sonyflake, LAYOUTS.baidu, LAYOUTS.flake]) {
      const id = firstIdOf(layout, time);
      const { timeMillis, worker, sequence } = decodeId(id, layout);
      deepEqual([timeMillis, worker, sequence], [time, 0, 0]);
      equal(decodeId(id - 1n, layout).timeMillis, time - layout.unitMillis);
    }
    for (const time of [0, Number.NaN, 8e15])
      throws(
        () => firstIdOf(LAYOUTS.twitter, time),
        (error) => hasCode(error, "OUT_OF_RANGE"),
      );
  });

  test("the time ends where its bits do, or where a number can not tell milliseconds any more", () => {
    equal(tickMaxOf(LAYOUTS.twitter), 2 ** 41 - 1);
    equal(tickMaxOf(LAYOUTS.flake), Number.MAX_SAFE_INTEGER);
  });

  test("of one's own: what can not be is refused with the reason", () => {
    const refusals: [CustomLayout, RegExp][] = [
      [{ timeBits: 0, workerBits: 10, sequenceBits: 12 }, /bits are not whole/],
      [{ timeBits: 41.5, workerBits: 10, sequenceBits: 12 }, /bits are not whole/],
      [{ timeBits: 64, workerBits: 49, sequenceBits: 16 }, /more than 128 bits/],
      [{ timeBits: 10, workerBits: 54, sequenceBits: 0 }, /more than 53 bits/],
      [{ timeBits: 20, workerBits: 0, sequenceBits: 33 }, /lowest 32 bits/],
      [{ timeBits: 20, workerBits: 20, sequenceBits: 13, order: "time-sequence-worker" }, /lowest 32 bits/],
      [{ timeBits: 41, workerBits: 10, sequenceBits: 12, unitMillis: 0 }, /unit/],
      [{ timeBits: 41, workerBits: 10, sequenceBits: 12, epochMillis: Number.NaN }, /epoch/],
      [{ timeBits: 41, workerBits: 10, sequenceBits: 4, sequenceStartBelow: 17 }, /beyond its end/],
      [{ timeBits: 41, workerBits: 10, sequenceBits: 12, workerParts: [{ name: "a", bits: 9 }] }, /parts/],
    ];
    for (const [layout, reason] of refusals)
      throws(
        () => defineLayout(layout),
        (error) => hasCode(error, "LAYOUT_INVALID") && reason.test(error.message),
      );
  });
});
