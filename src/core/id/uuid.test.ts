import { deepEqual, equal, match, notEqual, ok, throws } from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { toHex } from "../../std/bytes.ts";
import { AshlarError, hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { formatUlid, parseUlid, UlidGenerator } from "./ulid.ts";
import { formatUuid, parseUuid } from "./uuid.ts";
import { UuidTimeGenerator } from "./uuid-time.ts";
import { UuidV4Generator } from "./uuid-v4.ts";
import { UuidV7Generator } from "./uuid-v7.ts";

/** The moment of the test vectors in RFC 9562, appendix A. */
const RFC_MILLIS = Date.UTC(2022, 1, 22, 19, 22, 22);
const NODE = Uint8Array.of(0x9f, 0x6b, 0xde, 0xce, 0xd8, 0x46);

function random(seed = 1): (length: number) => Uint8Array {
  const prng = new Prng(seed);
  return (length) => prng.bytes(length);
}
/** Each word the same, so that it is known where a bit ends up. */
function constant(...bytes: readonly number[]): (length: number) => Uint8Array {
  return (length) => Uint8Array.from({ length }, (_, at) => bytes[at % bytes.length]!);
}

function waitOf(call: () => unknown, code: string): unknown {
  let found: unknown;
  throws(call, (error) => {
    found = error instanceof AshlarError && error.data["waitMillis"];
    return hasCode(error, code);
  });
  return found;
}

function rises(texts: readonly string[]): boolean {
  return texts.every((text, at) => at === 0 || text > texts[at - 1]!);
}

describe("UUIDs of RFC 9562", () => {
  test("A.1: version 1", () => {
    const uuids = new UuidTimeGenerator({ version: 1, random: random(), node: NODE, clockSequence: 0x33c8 });
    equal(uuids.next(RFC_MILLIS), "c232ab00-9414-11ec-b3c8-9f6bdeced846");
  });

  test("A.5: version 6", () => {
    const uuids = new UuidTimeGenerator({ version: 6, random: random(), node: NODE, clockSequence: 0x33c8 });
    equal(uuids.next(RFC_MILLIS), "1ec9414c-232a-6b00-b3c8-9f6bdeced846");
    equal(uuids.next(RFC_MILLIS), "1ec9414c-232a-6b01-b3c8-9f6bdeced846");
  });

  test("A.3: version 4 keeps 122 of the random bits", () => {
    const bytes = [0x91, 0x91, 0x08, 0xf7, 0x52, 0xd1, 0x33, 0x20, 0x5b, 0xac, 0xf8, 0x47, 0xdb, 0x41, 0x48, 0xa8];
    const uuids = new UuidV4Generator({ random: constant(...bytes) });
    equal(uuids.next(), "919108f7-52d1-4320-9bac-f847db4148a8");
    equal(formatUuid(uuids.nextBytes()), "919108f7-52d1-4320-9bac-f847db4148a8");
  });

  test("A.6: version 7 begins with the milliseconds", () => {
    const uuids = new UuidV7Generator({ random: random() });
    match(uuids.next(RFC_MILLIS), /^017f22e2-79b0-7[0-7][0-9a-f]{2}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test("text and bytes are the same UUID", () => {
    const property = fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const text = formatUuid(bytes);
      equal(text.replaceAll("-", ""), toHex(bytes));
      deepEqual(parseUuid(text), bytes);
      deepEqual(parseUuid(text.toUpperCase()), bytes);
      deepEqual(parseUlid(formatUlid(bytes)), bytes);
    });
    fc.assert(property);
    for (const make of [
      () => new UuidV7Generator({ random: random() }),
      () => new UuidTimeGenerator({ version: 6, random: random() }),
      () => new UlidGenerator({ random: random() }),
    ]) {
      const [texts, bytes] = [make(), make()];
      for (let at = 0; at < 20; at++) {
        const [text, raw] = [texts.next(RFC_MILLIS + (at >> 2)), bytes.nextBytes(RFC_MILLIS + (at >> 2))];
        equal(text, text.length === 26 ? formatUlid(raw) : formatUuid(raw));
      }
    }
  });

  test("what is not a UUID is refused", () => {
    const good = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";
    for (const text of [
      "",
      good.slice(1),
      `${good}0`,
      `{${good}}`,
      `urn:uuid:${good}`,
      good.replaceAll("-", ""),
      good.replace("f", "g"),
      ` ${good}`,
    ])
      throws(
        () => parseUuid(text),
        (error) => hasCode(error, "MALFORMED"),
      );
    throws(
      () => formatUuid(new Uint8Array(15)),
      (error) => hasCode(error, "MALFORMED"),
    );
  });
});

describe("version 7", () => {
  test("rises within a millisecond, beyond the 4,096 calls at which a counter of 12 bits wraps", () => {
    for (const counterBits of [12, 13, 20, 31, 32]) {
      const uuids = new UuidV7Generator({ random: random(), counterBits });
      const made = Array.from({ length: 3 * 4097 }, () => uuids.next(RFC_MILLIS));
      ok(rises(made), `${counterBits} bits`);
    }
  });

  test("a counter that is used up takes the time on by one millisecond, not for ever: the clock overtakes it", () => {
    const uuids = new UuidV7Generator({ random: constant(0xff), counterBits: 12 });
    const millisOf = (text: string): number => Number.parseInt(text.slice(0, 8) + text.slice(9, 13), 16) - RFC_MILLIS;
    const made = Array.from({ length: 2049 }, () => uuids.next(RFC_MILLIS));
    // All ones: the counter begins at 0x7ff, its guard bit clear, and has 2,049 values left.
    deepEqual([made[0]!.slice(14, 18), made[2048]!.slice(14, 18)], ["77ff", "7fff"]);
    deepEqual([millisOf(made[2048]!), millisOf(uuids.next(RFC_MILLIS))], [0, 1]);
    equal(millisOf(uuids.next(RFC_MILLIS + 2)), 2);
  });

  test("running ahead has a bound: then the caller is told how long to wait, and nothing is lost or repeated", () => {
    const uuids = new UuidV7Generator({ random: constant(0xff), counterBits: 12, aheadMillisMax: 1 });
    const made = Array.from({ length: 2 * 2049 }, () => uuids.next(RFC_MILLIS));
    for (let tries = 0; tries < 3; tries++)
      equal(
        waitOf(() => uuids.next(RFC_MILLIS), "UNIT_FULL"),
        1,
      );
    made.push(uuids.next(RFC_MILLIS + 1));
    ok(rises(made));
  });

  test("a clock that is set back changes nothing until the bound, and is refused beyond", () => {
    const uuids = new UuidV7Generator({ random: random() });
    const made = [0, -1, -10_000, -5000, 1].map((step) => uuids.next(RFC_MILLIS + step));
    ok(rises(made));
    equal(
      waitOf(() => uuids.next(RFC_MILLIS - 10_000), "CLOCK_BEHIND"),
      1,
    );
    ok(uuids.next(RFC_MILLIS) > made.at(-1)!);
    uuids.restart();
    ok(uuids.next(RFC_MILLIS - 10_000) < made[0]!);
  });

  test("draws 42 random bits for each, and those that its counter leaves", () => {
    const [uuids, short] = [
      new UuidV7Generator({ random: random() }),
      new UuidV7Generator({ random: random(), counterBits: 12 }),
    ];
    const tails = (from: number, generator: UuidV7Generator) =>
      new Set(Array.from({ length: 500 }, () => generator.next(RFC_MILLIS).slice(from)));
    equal(tails(28, uuids).size, 500);
    // The 20 bits behind the variant are chance where the counter has 12, and count where it has 32.
    ok(tails(19, short).size === 500);
    const middle = (text: string): string => text.slice(20, 23);
    ok(new Set(Array.from({ length: 50 }, () => middle(short.next(RFC_MILLIS)))).size > 40);
    ok(new Set(Array.from({ length: 50 }, () => middle(uuids.next(RFC_MILLIS)))).size <= 2);
  });

  test("time begins at 1970 and ends with 48 bits", () => {
    const uuids = new UuidV7Generator({ random: random() });
    for (const now of [-0.5, -1, -20_000]) {
      for (const fresh of [uuids, new UlidGenerator({ random: random() })])
        throws(
          () => fresh.next(now),
          (error) => hasCode(error, "CLOCK_BEFORE_EPOCH"),
        );
    }
    match(uuids.next(0), /^00000000-0000-7/);
    match(uuids.next(2 ** 48 - 1), /^ffffffff-ffff-7/);
    throws(
      () => uuids.next(2 ** 48),
      (error) => hasCode(error, "TIME_EXHAUSTED"),
    );
    throws(() => uuids.next(Number.NaN), /clock/);
  });
});

describe("versions 1 and 6", () => {
  test("10,000 in a millisecond count its units of 100 ns, then the time runs ahead until the bound", () => {
    const uuids = new UuidTimeGenerator({ version: 6, random: random(), aheadMillisMax: 1 });
    const made = Array.from({ length: 20_000 }, () => uuids.next(RFC_MILLIS));
    ok(rises(made));
    equal(
      waitOf(() => uuids.next(RFC_MILLIS), "UNIT_FULL"),
      1,
    );
    equal(
      waitOf(() => uuids.next(RFC_MILLIS - 5), "CLOCK_BEHIND"),
      5,
    );
    ok(uuids.next(RFC_MILLIS + 1) > made.at(-1)!);
  });

  test("a random node has the bit of multicast addresses; a restart takes another clock sequence", () => {
    const uuids = new UuidTimeGenerator({ version: 1, random: random() });
    const before = parseUuid(uuids.next(RFC_MILLIS));
    equal(before[10]! & 1, 1);
    uuids.restart();
    const after = parseUuid(uuids.next(RFC_MILLIS));
    deepEqual(after.subarray(0, 8), before.subarray(0, 8));
    notEqual(toHex(after.subarray(8, 10)), toHex(before.subarray(8, 10)));
    deepEqual(after.subarray(10), before.subarray(10));
  });

  test("time ends with 60 bits", () => {
    const uuids = new UuidTimeGenerator({ version: 6, random: random() });
    const last = Math.floor(2 ** 60 / 10_000) - 1 - 12_219_292_800_000;
    match(uuids.next(last), /^ffffffff-fff[0-9a-f]-6/);
    throws(
      () => uuids.next(last + 1),
      (error) => hasCode(error, "TIME_EXHAUSTED"),
    );
  });
});

describe("ULIDs", () => {
  test("the specification's example is read and printed", () => {
    const bytes = parseUlid("01ARZ3NDEKTSV4RRFFQ69G5FAV");
    equal(Number.parseInt(toHex(bytes.subarray(0, 6)), 16), 1_469_922_850_259);
    equal(formatUlid(bytes), "01ARZ3NDEKTSV4RRFFQ69G5FAV");
    match(new UlidGenerator({ random: random() }).next(1_469_918_176_385), /^01ARYZ6S41/);
  });

  test("count up by one within a millisecond, over every carry", () => {
    const beginnings: [number[], bigint][] = [
      [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0n],
      // From the words of chance: upper, lower, rest.
      [[0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0xff, 0, 0], 0xf_ffffn],
      [[0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0xff, 0, 0], 2n ** 40n - 1n],
      [[0, 0, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0], 2n ** 60n - 1n],
    ];
    for (const [words, first] of beginnings) {
      const ulids = new UlidGenerator({ random: constant(...words) });
      const numbers = Array.from({ length: 3 }, () => BigInt(`0x${toHex(ulids.nextBytes(5).subarray(6))}`));
      const from = numbers[0]!;
      deepEqual(numbers, [from, from + 1n, from + 2n]);
      equal(BigInt.asUintN(20, from), BigInt.asUintN(20, first));
    }
  });

  test("whose chance is used up take the time on, within the bound", () => {
    const ulids = new UlidGenerator({ random: constant(0xff), aheadMillisMax: 1 });
    deepEqual([ulids.next(0), ulids.next(0)], [`0000000000${"Z".repeat(16)}`, `0000000001${"Z".repeat(16)}`]);
    for (let tries = 0; tries < 2; tries++)
      equal(
        waitOf(() => ulids.next(0), "UNIT_FULL"),
        1,
      );
    equal(ulids.next(1), `0000000002${"Z".repeat(16)}`);
  });

  test("rise, whatever the clock does within the bound", () => {
    const ulids = new UlidGenerator({ random: random() });
    const prng = new Prng(3);
    ok(rises(Array.from({ length: 3000 }, () => ulids.next(RFC_MILLIS + prng.below(2000)))));
    equal(waitOf(() => ulids.next(RFC_MILLIS - 20_000), "CLOCK_BEHIND") !== undefined, true);
    ulids.restart();
    ulids.next(RFC_MILLIS - 20_000);
  });

  test("what is not a ULID is refused", () => {
    for (const text of ["", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAVV", "01ARZ3NDEKTSV4RRFFQ69G5FAU"])
      throws(
        () => parseUlid(text),
        (error) => hasCode(error, "MALFORMED"),
      );
    throws(
      () => parseUlid(`8${"Z".repeat(25)}`),
      (error) => hasCode(error, "OUT_OF_RANGE"),
    );
    throws(
      () => formatUlid(new Uint8Array(17)),
      (error) => hasCode(error, "MALFORMED"),
    );
  });
});
