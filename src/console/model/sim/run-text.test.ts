import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Action, decodeAction, encodeAction, NODE_ACTIONS, NODES, type NodeActionKind } from "./action.ts";
import { decodeRun, encodeRun, parseSeed, type Run } from "./run-text.ts";

const RUN: Run = {
  seed: 4_294_967_295,
  actions: [
    { action: { kind: "propose", node: 3 }, millis: 1_000, events: 40 },
    { action: { kind: "cut", from: 1, to: 5 }, millis: 1_000, events: 40 },
    { action: { kind: "drop", percent: 35 }, millis: 90_000, events: 5_000 },
  ],
  end: { millis: 90_001, events: 5_001 },
  trace: "00ff00ff00ff00ff",
};

describe("a run as text", () => {
  test("is read back as it was", () => {
    assert.deepEqual(decodeRun(encodeRun(RUN)), RUN);
    assert.deepEqual(decodeRun(encodeRun({ ...RUN, actions: [] })), { ...RUN, actions: [] });
  });

  test("holds every action", () => {
    const kinds = Object.keys(NODE_ACTIONS) as NodeActionKind[];
    const actions: Action[] = [
      ...kinds.flatMap((kind) => NODES.map((node) => ({ kind, node }))),
      { kind: "mend", from: 2, to: 1 },
      { kind: "heal" },
      { kind: "drop", percent: 0 },
    ];
    for (const action of actions) assert.deepEqual(decodeAction(encodeAction(action)), action);
  });

  test("that is damaged or too long is refused with a reason", () => {
    const good = encodeRun(RUN);
    const bad = [
      "",
      "main",
      good.replace("v=1", "v=2"),
      good.replace("4294967295", "4294967296"),
      good.replace("trace=00", "trace=0"),
      good.replace("p3", "p6"),
      good.replace("c15", "c11"),
      good.replace("d35", "d99"),
      good.replace("p3", "h3"),
      good.replace("p3.", "p3.zzzzzz"),
      `${good}.1`,
      `${good}-h.zz.0`,
      `${good}${"-h.0.0".repeat(400)}`,
      `${good}${"-h.0.0".repeat(4_000)}`,
    ];
    for (const text of bad) assert.equal(typeof decodeRun(text), "string", text.slice(0, 120));
  });

  test("has a seed that is a whole number of 32 bits", () => {
    assert.equal(parseSeed("0"), 0);
    for (const text of ["", "-1", "1.5", "4294967296", "x", "99999999999"]) assert.equal(parseSeed(text), undefined);
  });
});
