import { AssertionError, deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { utf8 } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { decodeId } from "./decode.ts";
import type { IdErrorCode } from "./errors.ts";
import { IdGenerator, type IdGeneratorOptions } from "./generator.ts";
import { defineLayout, type IdLayout, LAYOUTS, tickMaxOf, widthOf } from "./layout.ts";

const NOW = Date.UTC(2026, 0, 1);
/** Eight ids a millisecond: full soon. */
const SMALL = defineLayout({ name: "small", timeBits: 41, workerBits: 3, sequenceBits: 3 });

function generator(layout: IdLayout, options: Partial<IdGeneratorOptions> = {}): IdGenerator {
  return new IdGenerator({ layout, worker: 1, random: () => 0, ...options });
}

/** Its own epoch has had no ids since November 2024. */
const BAIDU = { ...LAYOUTS.baidu, epochMillis: Date.UTC(2025, 0, 1) };
const LIVING = Object.values({ ...LAYOUTS, baidu: BAIDU });

/** What a call is refused with. */
function refusal(call: () => unknown): AshlarError {
  try {
    call();
  } catch (error) {
    if (error instanceof AshlarError) return error;
    throw error;
  }
  throw new AssertionError({ message: "the call was not refused" });
}

function isRefused(call: () => unknown, code: IdErrorCode, data?: Readonly<Record<string, unknown>>): void {
  const error = refusal(call);
  equal(error.code, code);
  if (data !== undefined) deepEqual({ ...error.data, ...data }, error.data);
}

describe("the generator of ids", () => {
  for (const layout of Object.values(LAYOUTS)) {
    test(`${layout.name}: an id decodes to its time, worker and sequence, at every bit's limit`, () => {
      const workers = [0, 1, 2 ** layout.workerBits - 1];
      const ticks = [0, 1, 2 ** 20, Math.min(tickMaxOf(layout), 2 ** 43)];
      for (const worker of workers) {
        for (const tick of ticks) {
          const now = layout.epochMillis + tick * layout.unitMillis;
          const ids = generator(layout, { worker });
          for (let sequence = 0; sequence < 3; sequence++) {
            deepEqual(decodeId(ids.next(now), layout), { timeMillis: now, tick, worker, sequence });
          }
        }
      }
    });
  }

  test("the greatest id of a layout has all its bits set, then its time is over", () => {
    const layout = defineLayout({ timeBits: 5, workerBits: 3, sequenceBits: 2, epochMillis: NOW });
    const ids = generator(layout, { worker: 7, aheadMillisMax: 5 });
    for (let count = 0; count < 3; count++) ids.next(NOW + 31);
    equal(ids.next(NOW + 31), 2n ** 10n - 1n);
    isRefused(() => ids.next(NOW + 31), "TIME_EXHAUSTED");
    isRefused(() => ids.next(NOW + 32), "TIME_EXHAUSTED");
    isRefused(() => ids.fill(NOW + 1000, new BigUint64Array(1)), "TIME_EXHAUSTED");
    isRefused(() => ids.next(8e15), "TIME_EXHAUSTED");
  });

  test("Baidu's layout has no ids after November 2024 but with a later epoch", () => {
    generator(LAYOUTS.baidu).next(Date.UTC(2024, 10, 19));
    isRefused(() => generator(LAYOUTS.baidu).next(Date.UTC(2024, 10, 21)), "TIME_EXHAUSTED");
    equal(decodeId(generator(BAIDU).next(NOW), BAIDU).timeMillis, NOW);
  });

  test("a sequence that rolls over goes on in the next millisecond, a double roll-over in the one after that", () => {
    const ids = generator(SMALL, { aheadMillisMax: 2 });
    const decoded = Array.from({ length: 24 }, () => decodeId(ids.next(NOW), SMALL));
    deepEqual(
      decoded.map(({ timeMillis, sequence }) => [timeMillis - NOW, sequence]),
      Array.from({ length: 24 }, (_, at) => [Math.floor(at / 8), at % 8]),
    );
    isRefused(() => ids.next(NOW), "UNIT_FULL", { waitMillis: 1 });
    equal(decodeId(ids.next(NOW + 1), SMALL).timeMillis, NOW + 3);
  });

  test("without a reservation it never runs ahead of the clock unless told to", () => {
    const ids = generator(SMALL);
    for (let count = 0; count < 8; count++) ids.next(NOW);
    isRefused(() => ids.next(NOW), "UNIT_FULL", { waitMillis: 1 });
    equal(decodeId(ids.next(NOW + 1), SMALL).sequence, 0);
    equal(generator(SMALL, { reservedUntilMillis: NOW + 5000 }).available(NOW), 8 * 101);
  });

  test("the wait that is told is enough, and nothing less is, in units of any length", () => {
    for (const layout of [SMALL, LAYOUTS.sonyflake, LAYOUTS.js53, BAIDU]) {
      const ids = generator(layout, { aheadMillisMax: 25 });
      const now = NOW + 7;
      ids.texts(now, ids.available(now));
      const { waitMillis } = refusal(() => ids.next(now)).data as { waitMillis: number };
      ok(waitMillis > 0 && waitMillis <= layout.unitMillis, layout.name);
      isRefused(() => ids.next(now + waitMillis - 1), "UNIT_FULL", { waitMillis: 1 });
      ids.next(now + waitMillis);
    }
  });

  test("the clock may show parts of a millisecond", () => {
    const ids = generator(SMALL);
    equal(decodeId(ids.next(NOW + 0.9), SMALL).timeMillis, NOW);
    ids.texts(NOW + 0.95, 7);
    isRefused(() => ids.next(NOW + 0.99), "UNIT_FULL", { waitMillis: 1 });
    equal(decodeId(ids.next(NOW + 1), SMALL).timeMillis, NOW + 1);
  });

  test("a clock that is set back, by however much, neither repeats an id nor breaks their order", () => {
    for (const back of [1, 2, 5, 99, 100, 101, 3000, 86_400_000, NOW]) {
      const ids = generator(LAYOUTS.twitter, { aheadMillisMax: 100 });
      const before = ids.next(NOW);
      if (back <= 100) ok(ids.next(NOW - back) > before, `${back} ms back`);
      else
        isRefused(
          () => ids.next(NOW - back),
          NOW - back < LAYOUTS.twitter.epochMillis - 100 ? "CLOCK_BEFORE_EPOCH" : "CLOCK_BEHIND",
        );
      ok(ids.next(NOW) > before);
    }
  });

  test("a rollback is refused with the wait that ends it, and the sequence goes on where it was", () => {
    const ids = generator(LAYOUTS.twitter);
    ids.next(NOW);
    isRefused(() => ids.next(NOW - 3000), "CLOCK_BEHIND", { waitMillis: 3000 });
    deepEqual(decodeId(ids.next(NOW), LAYOUTS.twitter), decodeId(generatorAt(1), LAYOUTS.twitter));
  });

  function generatorAt(sequence: number): bigint {
    const ids = generator(LAYOUTS.twitter);
    for (let count = 0; count < sequence; count++) ids.next(NOW);
    return ids.next(NOW);
  }

  test("a clock before the epoch is told as such", () => {
    isRefused(() => generator(LAYOUTS.twitter).next(0), "CLOCK_BEFORE_EPOCH", { waitMillis: 1_288_834_974_657 });
    isRefused(() => generator(LAYOUTS.twitter).next(-1e14), "CLOCK_BEFORE_EPOCH");
  });

  test("no id is of a time beyond the window; a later one lets it go on", () => {
    const ids = generator(SMALL, { reservedUntilMillis: NOW + 2, aheadMillisMax: 100 });
    equal(ids.available(NOW), 16);
    ids.texts(NOW, 16);
    isRefused(() => ids.next(NOW), "WINDOW_SPENT", { reservedUntilMillis: NOW + 2 });
    ids.reserve(NOW + 3);
    equal(decodeId(ids.next(NOW), SMALL).timeMillis, NOW + 2);
    ids.reserve(NOW);
    equal(ids.available(NOW), 7, "an earlier end changes nothing");
  });

  test("a window that ends within a unit includes it: the next holder begins behind it", () => {
    const ids = generator(LAYOUTS.sonyflake, { reservedUntilMillis: NOW + 15 });
    equal(decodeId(ids.texts(NOW, 512).map(BigInt).at(-1)!, LAYOUTS.sonyflake).timeMillis, NOW + 10);
    isRefused(() => ids.next(NOW), "WINDOW_SPENT");
    const next = generator(LAYOUTS.sonyflake, { notBeforeMillis: NOW + 15, aheadMillisMax: 20 });
    equal(decodeId(next.next(NOW), LAYOUTS.sonyflake).timeMillis, NOW + 20);
  });

  test("a paused process that wakes behind its window gives out nothing, though its unit had ids left", () => {
    const ids = generator(SMALL, { reservedUntilMillis: NOW + 1000 });
    ids.next(NOW + 999);
    isRefused(() => ids.next(NOW + 1000), "WINDOW_SPENT");
    equal(ids.available(NOW + 5000), 0);
  });

  test("the next holder of a worker number waits until the clock is near the end of the last one's window", () => {
    const ids = generator(SMALL, { notBeforeMillis: NOW + 1000, reservedUntilMillis: NOW + 2000 });
    isRefused(() => ids.next(NOW), "CLOCK_BEHIND", { waitMillis: 900 });
    equal(decodeId(ids.next(NOW + 900), SMALL).timeMillis, NOW + 1000);
    equal(decodeId(ids.next(NOW + 1500), SMALL).timeMillis, NOW + 1500);
  });

  test("an early hand-over begins where the ids that were given out end", () => {
    const ids = generator(SMALL, { notBeforeMillis: NOW });
    equal(ids.usedUntilMillis, NOW);
    ids.next(NOW + 5);
    equal(ids.usedUntilMillis, NOW + 6);
    const next = generator(SMALL, { notBeforeMillis: ids.usedUntilMillis, aheadMillisMax: 1 });
    ok(next.next(NOW + 5) > ids.next(NOW + 5));
  });

  test("a batch is given out whole or not at all", () => {
    const ids = generator(SMALL, { aheadMillisMax: 1 });
    ids.next(NOW);
    equal(ids.available(NOW), 15);
    const batch = new BigUint64Array(16).fill(7n);
    isRefused(() => ids.fill(NOW, batch), "UNIT_FULL", { waitMillis: 1 });
    ok(batch.every((id) => id === 7n));
    equal(ids.available(NOW), 15);
    isRefused(() => ids.texts(NOW, 17), "BATCH_TOO_LARGE", { count: 17, countMax: 16 });
    isRefused(() => ids.fillBytes(NOW, new Uint8Array(17 * 8)), "BATCH_TOO_LARGE");
    ids.fill(NOW + 1, batch);
    equal(new Set(batch).size, 16);
  });

  test("any form of the same calls is the same ids", () => {
    for (const layout of LIVING) {
      const options = { aheadMillisMax: 3000, worker: 2 ** layout.workerBits - 2 };
      const count = 5000 - (5000 % 7);
      const one = generator(layout, options);
      const expected = Array.from({ length: count }, (_, at) => one.next(NOW + Math.floor(at / 700)));
      const chunks = <T>(make: (ids: IdGenerator, now: number) => T[]): T[] => {
        const ids = generator(layout, options);
        return Array.from({ length: count / 7 }, (_, at) => make(ids, NOW + Math.floor(at / 100))).flat();
      };
      const seven = Array.from({ length: 7 });
      deepEqual(
        chunks((ids, now) => ids.texts(now, 7).map(BigInt)),
        expected,
        layout.name,
      );
      deepEqual(
        chunks((ids, now) => seven.map(() => BigInt(ids.nextText(now)))),
        expected,
        layout.name,
      );
      deepEqual(
        chunks((ids, now) => seven.map(() => bigOf(ids.nextBytes(now)))),
        expected,
        layout.name,
      );
      if (widthOf(layout) <= 64) {
        const filled = (ids: IdGenerator, now: number): bigint[] => {
          const batch = new BigUint64Array(9).subarray(1, 8);
          ids.fill(now, batch);
          return [...batch];
        };
        deepEqual(chunks(filled), expected, layout.name);
      }
      if (widthOf(layout) <= 53)
        deepEqual(
          chunks((ids, now) => seven.map(() => BigInt(ids.nextNumber(now)))),
          expected,
          layout.name,
        );
    }
  });

  test("texts that are joined are the same texts, whatever stands between them", () => {
    const small = defineLayout({ timeBits: 20, workerBits: 0, sequenceBits: 2, epochMillis: NOW });
    for (const layout of [...LIVING, small]) {
      for (const separator of ["\n", '","', "", "é"]) {
        const options = { aheadMillisMax: 3000, worker: 2 ** layout.workerBits - 1 };
        const [joined, apart] = [generator(layout, options), generator(layout, options)];
        for (const count of [1, 2, 999, 1500]) {
          const expected = utf8(apart.texts(NOW, count).join(separator));
          deepEqual(joined.joinedTexts(NOW, count, separator), expected, layout.name);
        }
        equal(joined.joinedTexts(NOW, 0, separator).length, 0);
        equal(joined.next(NOW), apart.next(NOW));
      }
    }
    isRefused(() => generator(SMALL).joinedTexts(NOW, 9, ","), "BATCH_TOO_LARGE");
  });

  function bigOf(bytes: Uint8Array): bigint {
    return bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  test("bytes come in the layout's order", () => {
    const layout = { ...LAYOUTS.twitter, byteOrder: "little" } as const;
    const wide = { ...LAYOUTS.flake, byteOrder: "little" } as const;
    for (const [little, big] of [
      [layout, LAYOUTS.twitter],
      [wide, LAYOUTS.flake],
    ] as const) {
      deepEqual(generator(little).nextBytes(NOW), generator(big).nextBytes(NOW).toReversed());
    }
    throws(() => generator(layout).fillBytes(NOW, new Uint8Array(12)), /whole ids/);
  });

  test("53-bit ids are safe integers to the last one", () => {
    const last = LAYOUTS.js53.epochMillis + tickMaxOf(LAYOUTS.js53) * 10;
    const ids = generator(LAYOUTS.js53, { worker: 255 });
    ids.texts(last, 127);
    equal(ids.nextNumber(last), Number.MAX_SAFE_INTEGER);
    throws(() => generator(LAYOUTS.twitter).nextNumber(NOW), /safe integers/);
  });

  test("Leaf's sequence begins at a random number below 100 in each millisecond, and still has room for all", () => {
    const prng = new Prng(1);
    const ids = generator(LAYOUTS.leaf, { random: () => prng.u32(), aheadMillisMax: 10 });
    const starts = Array.from({ length: 500 }, (_, at) => decodeId(ids.next(NOW + at), LAYOUTS.leaf).sequence);
    ok(starts.every((start) => start < 100));
    ok(new Set(starts).size > 80, "nearly all of them come");
    const texts = ids.texts(NOW + 1000, 4096 * 3).map(BigInt);
    equal(new Set(texts).size, texts.length);
    throws(() => new IdGenerator({ layout: LAYOUTS.leaf, worker: 1 }), /random/);
  });

  test("Twitter's begins at 0 in each millisecond", () => {
    const ids = generator(LAYOUTS.twitter);
    for (let at = 0; at < 100; at++) equal(decodeId(ids.next(NOW + at), LAYOUTS.twitter).sequence, 0);
  });

  test("a worker number that does not fit is refused", () => {
    for (const worker of [-1, 1024, 1.5, Number.NaN, 2 ** 40])
      isRefused(() => generator(LAYOUTS.twitter, { worker }), "WORKER_INVALID", { workersMax: 1024 });
  });

  test("a clock that shows no time is a bug of the caller's, and gives out nothing", () => {
    for (const now of [Number.NaN, Number.POSITIVE_INFINITY])
      throws(() => generator(LAYOUTS.twitter).next(now), /clock/);
  });

  test("whatever the clock and the windows do, ids increase, and keep to clock, bound and window", () => {
    const step = fc.record({
      clock: fc.oneof(fc.integer({ min: -40, max: 40 }), fc.constant(0)),
      window: fc.integer({ min: -20, max: 60 }),
      count: fc.integer({ min: 1, max: 40 }),
      isBatch: fc.boolean(),
    });
    const property = fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 0, max: 12 }),
      fc.constantFrom(1, 10),
      (steps, aheadMillisMax, unitMillis) => {
        const layout = { ...SMALL, unitMillis };
        let [now, reservedUntilMillis, last] = [NOW, NOW + 20, -1n];
        const ids = generator(layout, { aheadMillisMax, reservedUntilMillis });
        const see = (id: bigint): void => {
          const { timeMillis } = decodeId(id, layout);
          ok(id > last);
          ok(timeMillis <= now + aheadMillisMax);
          ok(timeMillis < reservedUntilMillis);
          last = id;
        };
        for (const { clock, window, count, isBatch } of steps) {
          now += clock;
          ids.reserve(now + window);
          reservedUntilMillis = Math.max(reservedUntilMillis, now + window);
          const available = ids.available(now);
          if (isBatch) {
            if (available >= count) for (const text of ids.texts(now, count)) see(BigInt(text));
            else isRefused(() => ids.texts(now, count), refusal(() => ids.texts(now, count)).code as IdErrorCode);
          } else {
            for (let at = 0; at < Math.min(count, available); at++) see(ids.next(now));
            if (available < count) refusal(() => ids.next(now));
          }
        }
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
});
