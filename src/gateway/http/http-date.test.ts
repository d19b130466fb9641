import assert from "node:assert/strict";
import { test } from "node:test";
import { httpDate } from "../../std/time-text.ts";
import { DateHeader, parseHttpDate } from "./http-date.ts";

const MOMENT = Date.UTC(1994, 10, 6, 8, 49, 37);

test("a date is written in the fixed form of RFC 9110, section 5.6.7", () => {
  assert.equal(httpDate(MOMENT), "Sun, 06 Nov 1994 08:49:37 GMT");
});

test("all three spellings of RFC 9110 and ISO 8601 are read", () => {
  const spellings = [
    "Sun, 06 Nov 1994 08:49:37 GMT",
    "06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 UTC",
    "Sun, 06 Nov 1994 08:49:37 +0000",
    "Sunday, 06-Nov-94 08:49:37 GMT",
    "Sun Nov  6 08:49:37 1994",
    "1994-11-06T08:49:37Z",
    "1994-11-06T08:49:37.000Z",
  ];
  for (const spelling of spellings) assert.equal(parseHttpDate(spelling), MOMENT, spelling);
});

test("two digits of a year are of 1970 to 2069", () => {
  assert.equal(parseHttpDate("Thursday, 01-Jan-70 00:00:00 GMT"), 0);
  assert.equal(parseHttpDate("Tuesday, 01-Jan-69 00:00:00 GMT"), Date.UTC(2069, 0, 1));
});

test("what is no date, or no day of the calendar, is undefined", () => {
  const texts = [
    "",
    "yesterday",
    "Sun, 31 Feb 1994 08:49:37 GMT",
    "Sun, 06 Foo 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:37 PST",
    "1994-13-06T08:49:37Z",
    "0",
    "784111777",
  ];
  for (const text of texts) assert.equal(parseHttpDate(text), undefined, text);
});

test("the Date header follows the clock second by second", () => {
  let now = MOMENT;
  const header = new DateHeader({ now: () => now, monotonic: () => 0 });
  assert.equal(header.value(), "Sun, 06 Nov 1994 08:49:37 GMT");
  now += 999;
  assert.equal(header.value(), "Sun, 06 Nov 1994 08:49:37 GMT");
  now += 1;
  assert.equal(header.value(), "Sun, 06 Nov 1994 08:49:38 GMT");
  now = MOMENT;
  assert.equal(header.value(), "Sun, 06 Nov 1994 08:49:37 GMT", "a clock that was set back is followed too");
});
