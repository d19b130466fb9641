import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { encodePosition } from "../replicated/position.ts";
import { decodeSeen, encodeSeen, POSITION_GROUPS_MAX } from "./seen-position.ts";

const LARGEST = 3_656_158_440_062_975; // 36 ** 10 - 1

describe("positions of several groups", () => {
  test("come back as they were, with what was seen, what is known and the map", () => {
    const position = {
      seen: new Map([
        [2, 77],
        [300, LARGEST],
      ]),
      known: new Map([[1, 5]]),
      map: 40,
    };
    assert.deepEqual(decodeSeen(encodeSeen(position)), position);
    assert.equal(encodeSeen(position), "p1-2.25,8c.zzzzzzzzzz;1.5@14");
  });

  test("of one group look as that group's own", () => {
    assert.equal(encodeSeen({ seen: new Map([[2, 77]]) }), encodePosition(2, 77));
    assert.deepEqual(decodeSeen(encodePosition(2, 77)), { seen: new Map([[2, 77]]), known: new Map(), map: 0 });
  });

  test("that no Store gave out are refused, also very long ones", () => {
    const many = Array.from({ length: POSITION_GROUPS_MAX * 4 }, (_, at) => `${at.toString(36)}.zzzzzzzzzz`).join(",");
    for (const wrong of ["", "p1-", "p1-1", "p1-1.2,", "p1-1.2;", "p1-1.2@", "p1-1.2@x@y", "p1-1.2\n", `p1-${many}`]) {
      assert.throws(
        () => decodeSeen(wrong),
        (error) => hasCode(error, "POSITION_INVALID"),
      );
    }
  });
});
