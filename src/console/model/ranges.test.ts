import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Ranges, RangeTransfer } from "../api/shapes.ts";
import { moveLine, rangeLines, shownKey } from "./ranges.ts";

const transfer: RangeTransfer = {
  ...{ id: 9, from: "m", to: "t", source: 1, target: 4, phase: "bringing", attempt: 1, reason: "asked for" },
};

describe("how ranges are shown", () => {
  test("each has its keys, its group's members and leader, and what it holds as far as that is known", () => {
    const ranges: Ranges = {
      ranges: [
        { from: "", to: "m", group: 1, bytes: 2048, commitsPerSecond: 12 },
        { from: "m", group: 4 },
      ],
      groups: [{ id: 4, state: "open", nodes: [1, 2, 3], members: [1, 3], canLose: 0 }],
      transfers: [],
    };
    assert.deepEqual(rangeLines(ranges, 2), [
      { from: "begin", to: "m", group: 1, nodes: "all", leader: "2", size: "2 KiB", load: "12" },
      { from: "m", to: "end", group: 4, nodes: "1, 3", leader: "nobody", size: "", load: "" },
    ]);
    assert.equal(rangeLines(ranges, undefined)[0]!.leader, "nobody");
  });

  test("keys are text where they can be, and no two of them look alike", () => {
    const keys = ["a b", "a\u0000b", "a\\u{0}b", "a\u202eb", { base64: "/w==" }];
    const shown = keys.map(shownKey);
    assert.deepEqual(shown, ["a b", "a\\u{0}b", "a\\\\u{0}b", "a\\u{202e}b", "base64:/w=="]);
  });

  test("what is on its way is told with how far it is", () => {
    assert.equal(moveLine(transfer), "Keys from m to t go from group 1 to group 4: being copied (asked for).");
    const rest: RangeTransfer = { ...transfer, to: undefined, bytesBrought: 1024, phase: "givingUp" };
    assert.match(moveLine(rest), /^Keys from m to end .*: given up, staying where they are, 1 KiB brought/);
    assert.equal(
      moveLine({ ...transfer, phase: "holding", reason: "a backup" }),
      "All keys stay where they are: a backup.",
    );
  });
});
