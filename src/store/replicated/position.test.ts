import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { decodePosition, encodePosition } from "./position.ts";

test("a position gives its revision back, for its own range only", () => {
  for (const revision of [0, 1, 35, 36, 1_000_000, Number.MAX_SAFE_INTEGER]) {
    const position = encodePosition(7, revision);
    assert.match(position, /^p1-[0-9a-z.]+$/);
    assert.equal(decodePosition(position, 7), revision);
    assert.throws(
      () => decodePosition(position, 8),
      (error) => hasCode(error, "POSITION_INVALID"),
    );
  }
});

test("what no Store gave out is not a position", () => {
  for (const wrong of [
    "",
    "p1-",
    "p1-1",
    "p1-1.",
    "p2-1.1",
    "p1-1.1 ",
    "p1-1.-1",
    "p1-1.zzzzzzzzzzz",
    "p1-1.1\n",
    "p1-1.A",
  ]) {
    assert.throws(
      () => decodePosition(wrong, 1),
      (error) => hasCode(error, "POSITION_INVALID"),
      wrong,
    );
  }
});
