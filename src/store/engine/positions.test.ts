import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { enginePositions } from "./positions.ts";

test("a position gives its revision back, to the engine and the place that it is of", () => {
  const positions = enginePositions("e1", "1k2j3");
  for (const revision of [0, 1, 35, 36, 1_000_000, Number.MAX_SAFE_INTEGER]) {
    assert.equal(positions.decode(positions.encode(revision)), revision);
  }
});

test("positions of other engines and places, and what is no position, are refused", () => {
  const positions = enginePositions("e1", "abc");
  const others = [enginePositions("e1", "abd"), enginePositions("q1", "abc"), enginePositions("e2", "abc")];
  const wrong = ["", "e1-abc", "e1-abc.", "e1-abc.!", "e1-abc.1\n", "e1-abc.zzzzzzzzzzz", "p1-1.1"];
  for (const position of [...others.map((other) => other.encode(5)), ...wrong]) {
    assert.throws(
      () => positions.decode(position),
      (error) => hasCode(error, "POSITION_INVALID"),
      position,
    );
  }
});
