import assert from "node:assert/strict";
import { test } from "node:test";
import { parseTime } from "./time.ts";

test("all forms of the W3C's profile are read", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["2020", "2020-01-01T00:00:00.000Z"],
    ["2020-02", "2020-02-01T00:00:00.000Z"],
    ["2020-02-29", "2020-02-29T00:00:00.000Z"],
    ["2020-02-29T10:20Z", "2020-02-29T10:20:00.000Z"],
    ["2020-02-29T10:20:30Z", "2020-02-29T10:20:30.000Z"],
    ["2020-02-29T10:20:30.57Z", "2020-02-29T10:20:30.570Z"],
    ["2020-02-29T10:20:30.4569Z", "2020-02-29T10:20:30.456Z"],
    ["2020-02-29T10:20:30+01:30", "2020-02-29T08:50:30.000Z"],
    ["2020-02-29T22:20:30-05:00", "2020-03-01T03:20:30.000Z"],
    ["1583000000", "2020-02-29T18:13:20.000Z"],
    ["1583000000.5", "2020-02-29T18:13:20.500Z"],
  ];
  for (const [text, expected] of cases) {
    const millis = parseTime(text);
    assert.equal(millis === undefined ? undefined : new Date(millis).toISOString(), expected, text);
  }
});

test("days and hours that do not exist are refused, and so is everything else", () => {
  for (const text of [
    "",
    "x",
    "2021-02-29",
    "2020-13",
    "2020-00",
    "2020-01-32",
    "2020-01-01T24:00Z",
    "2020-01-01T10:60Z",
    "2020-01-01T10:00:61Z",
    "2020-01-01T10:00",
    "2020-01-01 10:00Z",
    "2020-1-1",
    "0099",
    "-5",
    "*",
    "9".repeat(80),
  ]) {
    assert.equal(parseTime(text), undefined, text);
  }
});
