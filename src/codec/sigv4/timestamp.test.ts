import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { formatTimestamp, parseHttpDate, parseTimestamp } from "./timestamp.ts";

describe("timestamps", () => {
  test("come back from their text", () => {
    for (const millis of [Date.UTC(2013, 4, 24), Date.UTC(2028, 1, 29, 23, 59, 59), 0]) {
      assert.equal(parseTimestamp(formatTimestamp(millis)), millis);
    }
    assert.equal(formatTimestamp(Date.UTC(2013, 4, 24, 1, 2, 3, 999)), "20130524T010203Z");
  });

  test("days, hours and letters that do not exist are refused", () => {
    const bad = ["20130524T000000", "20130524 000000Z", "20130024T000000Z", "20131324T000000Z", "20130500T000000Z"];
    const worse = ["20130532T000000Z", "20130229T000000Z", "20130524T240000Z", "20130524T006000Z", "20130524T000060Z"];
    for (const text of [...bad, ...worse, "2013052aT000000Z", "", "-0130524T000000Z"]) {
      assert.equal(parseTimestamp(text), undefined, text);
    }
  });

  test("no request was signed before 1970", () => {
    for (const text of ["19700101T000000Z", "99991231T235959Z"]) assert.notEqual(parseTimestamp(text), undefined, text);
    for (const text of ["19691231T235959Z", "00000101T000000Z"]) assert.equal(parseTimestamp(text), undefined, text);
    assert.equal(parseHttpDate("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
    assert.equal(parseHttpDate("Fri, 07 Jul 1950 21:53:04 GMT"), undefined);
  });

  test("HTTP dates are read with the zones that clients write", () => {
    const noon = Date.UTC(2026, 10, 22, 12);
    assert.equal(parseHttpDate("Sun, 22 Nov 2026 12:00:00 GMT"), noon);
    assert.equal(parseHttpDate("Sun, 22 Nov 2026 12:00:00 UTC"), noon);
    assert.equal(parseHttpDate("Sun, 22 Nov 2026 12:00:00 +0000"), noon);
    assert.equal(parseHttpDate("22 nov 2026 13:30:00 +0130"), noon);
    assert.equal(parseHttpDate("22 Nov 2026 07:00:00 -0500"), noon);
    for (const text of [
      "",
      "Sun, 22 Nov 2026 12:00:00",
      "Sun, 31 Feb 2026 12:00:00 GMT",
      "22 Foo 2026 12:00:00 GMT",
      "2026-11-22",
    ]) {
      assert.equal(parseHttpDate(text), undefined, text);
    }
  });
});
