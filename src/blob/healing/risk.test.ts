import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import type { VolumeRow } from "../volume-row.ts";
import { judgeSafety, type NodeCondition } from "./risk.ts";

const row = (members: string, fields: Partial<VolumeRow> = {}): VolumeRow => ({
  ...{ state: "sealed", kind: "needles", generation: 1, epoch: 1, writer: members[0]!, members: [...members] },
  ...{ tag: new Uint8Array(8), createdMillis: 0, switchedMillis: 0, durable: 100, gapBytes: 0 },
  ...fields,
});

function judge(rows: readonly VolumeRow[], conditions: Readonly<Record<string, NodeCondition>> = {}, copies = 3) {
  const volumes = rows.map((one, at) => ({ id: at + 1, row: one }));
  return judgeSafety({ volumes, conditionOf: (member) => conditions[member] ?? "there", copies });
}

describe("the safety of volumes", () => {
  test("with all copies there, as many nodes may go as leave one", () => {
    const safety = judge([row("abc"), row("bcd")]);
    deepEqual([safety.canLose, safety.atRisk, safety.missingBytes], [2, [], 0]);
  });

  test("nothing stored is as safe as anything could be", () => {
    equal(judge([]).canLose, 2);
    equal(judge([row("a", { state: "removed" })]).canLose, 2);
  });

  test("a node that has just gone silent costs safety at once, and a copy only later", () => {
    const silent = judge([row("abc")], { c: "away" });
    deepEqual([silent.canLose, silent.atRisk[0]!.missing], [1, 0]);
    const gone = judge([row("abc")], { c: "gone" });
    deepEqual([gone.canLose, gone.atRisk[0]!.missing, gone.atRisk[0]!.surplus, gone.missingBytes], [1, 1, ["c"], 100]);
  });

  test("the volume with the fewest copies comes first, of two alike the smaller one", () => {
    const rows = [row("abc", { durable: 9 }), row("ab", { durable: 7 }), row("a"), row("ba", { durable: 5 })];
    deepEqual(
      judge(rows).atRisk.map(({ id }) => id),
      [3, 4, 2],
    );
  });

  test("a node that is to be left is read from, and its copy is made elsewhere", () => {
    const { canLose, atRisk } = judge([row("abc")], { b: "leaving" });
    deepEqual([canLose, atRisk[0]!.missing, atRisk[0]!.surplus, atRisk[0]!.staying], [2, 1, ["b"], ["a", "c"]]);
    // As soon as there is one copy more, it is not needed.
    deepEqual(judge([row("abcd")], { b: "leaving" }).atRisk[0]!.missing, 0);
  });

  test("what nobody can read is told", () => {
    const safety = judge([row("ab"), row("cd")], { a: "away", b: "gone" });
    deepEqual([safety.canLose, safety.unreadable], [-1, 1]);
  });

  test("fewer copies are enough where there are fewer nodes", () => {
    deepEqual(judge([row("ab")], {}, 2).atRisk, []);
  });
});
