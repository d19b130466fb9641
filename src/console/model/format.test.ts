import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  counted,
  formatAge,
  formatBytes,
  formatDay,
  formatDuration,
  formatInstant,
  formatMillis,
  formatRate,
  formatZone,
} from "./format.ts";

describe("quantities", () => {
  test("bytes have at most three digits and a binary unit", () => {
    const cases: [number, string][] = [
      [0, "0 B"],
      [999, "999 B"],
      [1000, "0.98 KiB"],
      [1024, "1 KiB"],
      [1536, "1.5 KiB"],
      [1024 * 99.96, "100 KiB"],
      [1024 * 999.4, "999 KiB"],
      [1024 * 999.6, "0.98 MiB"],
      [1024 ** 3 * 12.345, "12.3 GiB"],
      [1024 ** 6 * 5000, "5000 EiB"],
    ];
    for (const [bytes, text] of cases) assert.equal(formatBytes(bytes), text);
  });

  test("rates and latencies keep three digits over their whole range", () => {
    assert.deepEqual([0, 0.04, 0.5, 9.999, 123.4, 12_345.6].map(formatRate), [
      "0",
      "<0.1",
      "0.5",
      "10",
      "123",
      "12\u202f346",
    ]);
    assert.deepEqual([0, 0.001, 0.25, 12.34, 999.6, 61_000].map(formatMillis), [
      ...["0 ms", "<0.01 ms", "0.25 ms", "12.3 ms", "1 s", "61 s"],
    ]);
  });

  test("durations have their two largest units, ages one", () => {
    assert.deepEqual([0, 59_999, 60_000, 3_661_000, 90_000_000].map(formatDuration), [
      "0 s",
      "59 s",
      "1 min",
      "1 h 1 min",
      "1 d 1 h",
    ]);
    assert.deepEqual([0, 1000, 59_000, 7_200_000].map(formatAge), ["now", "1 s ago", "59 s ago", "2 h ago"]);
  });

  test("an instant is shown in the reader's zone, and text that is none as it is", () => {
    assert.equal(formatInstant("2026-11-21T23:30:00.000Z", -60), "2026-11-22 00:30:00");
    assert.equal(formatInstant("never", 0), "never");
  });

  test("the zone of an instant is its distance from UTC", () => {
    const zones = [0, -60, -330, 210, -765].map((offset) => formatZone("2026-11-21T23:30:00.000Z", offset));
    assert.deepEqual(zones, ["UTC", "+01:00", "+05:30", "-03:30", "+12:45"]);
    assert.equal(formatZone("never"), "");
  });

  test("what is known to the day is shown as that day", () => {
    assert.equal(formatDay("2026-11-22T00:00:00.000Z"), "2026-11-22");
  });

  test("a count names its things", () => {
    assert.deepEqual(
      [counted(1, "file"), counted(0, "file"), counted(1234, "entry", "entries")],
      [...["1 file", "0 files", "1\u202f234 entries"]],
    );
  });
});
