import { deepEqual, equal, fail, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Change,
  ChangeType,
  type Configuration,
  change,
  changedConfiguration,
  configurationOf,
} from "../core/raft/index.ts";
import { nextChange, nextGroupChange, replacedNodes, VOTERS_MAX } from "./next-change.ts";
import type { NodeRow, NodeState } from "./node-row.ts";
import { nodeRow } from "./testing/rows.ts";

/** Applies what is to be done until nothing is, and promotes who joins as a leader would. */
function settle(
  rows: readonly NodeRow[],
  from: Configuration,
  nextOf: (rows: readonly NodeRow[], configuration: Configuration) => readonly Change[] | undefined = nextChange,
): { readonly steps: number; readonly end: Configuration } {
  let configuration = from;
  for (let steps = 0; steps < 50; steps++) {
    const next = nextOf(rows, configuration);
    if (next !== undefined) configuration = applyChange(configuration, next);
    else if (configuration.joining.length > 0) {
      configuration = applyChange(configuration, [change(ChangeType.addVoter, configuration.joining[0]!)]);
    } else return { steps, end: configuration };
  }
  return fail("the members never settle");
}

function applyChange(configuration: Configuration, changes: readonly Change[]): Configuration {
  return changedConfiguration(configuration, { transition: "auto", changes, context: new Uint8Array(0) });
}

const rowsOf = (states: readonly NodeState[]): NodeRow[] => states.map((state, at) => nodeRow(at + 1, { state }));

describe("the members of the cluster's own group", () => {
  test("are all nodes; up to five of them vote", () => {
    for (let count = 1; count <= 9; count++) {
      const { end } = settle(rowsOf(Array(count).fill("active")), configurationOf({ voters: [1] }));
      equal(end.voters.length, Math.min(count, VOTERS_MAX));
      equal(end.voters.length + end.learners.length, count);
    }
  });

  test("vote in different zones, as evenly as there are nodes, in whatever order they came", () => {
    const zones = ["a", "a", "a", "a", "a", "a", "b", "b", "c"];
    for (let first = 0; first < zones.length; first++) {
      const rows = zones.map((_, at) => nodeRow(at + 1, { zone: zones[(at + first) % zones.length]! }));
      const { end } = settle(rows, configurationOf({ voters: [1] }));
      equal(end.voters.length, VOTERS_MAX);
      equal(end.learners.length, zones.length - VOTERS_MAX);
      const votes = end.voters.map((id) => rows[id - 1]!.zone).sort();
      deepEqual(votes, ["a", "a", "b", "b", "c"]);
    }
  });

  test("give no vote to a learner that does not answer", () => {
    const rows = [1, 2, 3, 4, 5, 6].map((id) => nodeRow(id, { zone: id === 6 ? "b" : "a" }));
    const configuration = configurationOf({ voters: [1, 2, 3, 4, 5], learners: [6] });
    equal(
      nextChange(rows, configuration, (id) => id !== 6),
      undefined,
    );
    deepEqual(nextChange(rows, configuration), [change(ChangeType.addJoining, 6)]);
  });

  test("do not include a node that has not started yet, or was removed", () => {
    const { end } = settle(rowsOf(["active", "joining", "removed", "active"]), configurationOf({ voters: [1, 3] }));
    deepEqual(end.voters, [1, 4]);
    deepEqual(end.learners, []);
  });

  test("change one at a time, and not in the middle of a change", () => {
    const rows = rowsOf(["active", "active", "active"]);
    deepEqual(nextChange(rows, configurationOf({ voters: [1] })), [change(ChangeType.addJoining, 2)]);
    equal(nextChange(rows, configurationOf({ voters: [1, 2], votersOutgoing: [1] })), undefined);
    equal(nextChange(rows, configurationOf({ voters: [1, 2, 3] })), undefined);
  });

  test("a learner votes in the place of a voter that is removed or drained", () => {
    const six = configurationOf({ voters: [1, 2, 3, 4, 5], learners: [6] });
    const removed = settle(rowsOf(["active", "removed", "active", "active", "active", "active"]), six);
    deepEqual(removed.end.voters, [1, 3, 4, 5, 6]);
    const drained = settle(rowsOf(["active", "draining", "active", "active", "active", "active"]), six);
    deepEqual([drained.end.voters, drained.end.learners], [[1, 3, 4, 5, 6], [2]]);
  });

  test("one learner votes in the place of a voter that is drained, however many there are", () => {
    const seven = configurationOf({ voters: [1, 2, 3, 4, 5], learners: [6, 7] });
    const drained = settle(rowsOf(["active", "draining", "active", "active", "active", "active", "active"]), seven);
    deepEqual(
      [drained.end.voters, drained.end.learners],
      [
        [1, 3, 4, 5, 6],
        [2, 7],
      ],
    );
  });

  test("the newest gives its vote back where a draining was ended too late", () => {
    const six = configurationOf({ voters: [1, 2, 3, 4, 5, 6] });
    const { end } = settle(rowsOf(["active", "active", "active", "active", "active", "active"]), six);
    deepEqual([end.voters, end.learners], [[1, 2, 3, 4, 5], [6]]);
  });

  test("a draining voter stays one where nobody can take its place", () => {
    const { end, steps } = settle(rowsOf(["active", "draining", "active"]), configurationOf({ voters: [1, 2, 3] }));
    deepEqual([end.voters, steps], [[1, 2, 3], 0]);
  });

  test("who replaces another one votes before that one goes", () => {
    const rows = [
      ...rowsOf(["active", "active", "active", "active", "active"]),
      nodeRow(6, { state: "active", replaces: 2 }),
    ];
    const before = configurationOf({ voters: [1, 2, 3, 4, 5] });
    deepEqual(nextChange(rows, before), [change(ChangeType.addJoining, 6)]);
    deepEqual(replacedNodes(rows, before), []);
    deepEqual(replacedNodes(rows, configurationOf({ voters: [1, 2, 3, 4, 5, 6] })), [2]);
    const next = [...rows, nodeRow(7, { state: "active", replaces: 6 })];
    deepEqual(replacedNodes(next, before), []);
    deepEqual(replacedNodes(next, configurationOf({ voters: [1, 2, 3, 4, 5, 7] })), [6, 2]);
    const gone = rows.map((row) => (row.id === 2 ? { ...row, state: "removed" as const } : row));
    deepEqual(replacedNodes(gone, configurationOf({ voters: [1, 2, 3, 4, 5, 6] })), []);
    deepEqual(settle(gone, configurationOf({ voters: [1, 2, 3, 4, 5, 6] })).end.voters, [1, 3, 4, 5, 6]);
  });

  test("who replaces a node that does not vote does not vote either", () => {
    const states: readonly NodeState[] = ["active", "active", "active", "active", "active", "active"];
    const rows = [...rowsOf(states), nodeRow(7, { state: "active", replaces: 6 })];
    const before = configurationOf({ voters: [1, 2, 3, 4, 5], learners: [6] });
    deepEqual(nextChange(rows, before), [change(ChangeType.addLearner, 7)]);
    deepEqual(replacedNodes(rows, before), []);
    const both = configurationOf({ voters: [1, 2, 3, 4, 5], learners: [6, 7] });
    deepEqual(replacedNodes(rows, both), [6]);
  });

  test("who replaces a node that was removed meanwhile votes only where a vote is free", () => {
    const states: readonly NodeState[] = ["active", "removed", "active", "active", "active", "active"];
    const rows = [...rowsOf(states), nodeRow(7, { state: "active", replaces: 2 })];
    const { end } = settle(rows, configurationOf({ voters: [1, 3, 4, 5, 6] }));
    deepEqual([end.voters, end.learners], [[1, 3, 4, 5, 6], [7]]);
  });

  test("whatever the states are, they settle, and no step takes away more than one voter", () => {
    const states: readonly NodeState[] = ["joining", "active", "draining", "removed"];
    for (let code = 0; code < states.length ** 5; code++) {
      const rows = rowsOf(["active", ...Array.from({ length: 5 }, (_, at) => states[Math.floor(code / 4 ** at) % 4]!)]);
      const { end } = settle(rows, configurationOf({ voters: [1, 2, 3] }));
      for (const { id, state } of rows) {
        if (state === "removed") ok(!end.voters.includes(id) && !end.learners.includes(id));
        if (state === "active") ok(end.voters.includes(id) || end.learners.includes(id));
      }
      ok(end.voters.length >= 1 && end.voters.length <= VOTERS_MAX);
    }
  });
});

describe("the members of a group that its row names", () => {
  const nodes = rowsOf(Array(10).fill("active"));
  const settleGroup = (wanted: readonly number[], rows: readonly NodeRow[], from: Configuration) =>
    settle(rows, from, (all, configuration) => nextGroupChange(wanted, all, configuration));

  test("come before others go, so that no member is missing on the way", () => {
    let fewest = 9;
    const watch = (all: readonly NodeRow[], configuration: Configuration) => {
      fewest = Math.min(fewest, configuration.voters.length);
      return nextGroupChange([4, 5, 6], all, configuration);
    };
    const { end } = settle(nodes, configurationOf({ voters: [1, 2, 3] }), watch);
    deepEqual([end.voters, end.learners], [[4, 5, 6], []]);
    equal(fewest, 3);
  });

  test("are replaced as a whole, also where they are as many as can vote", () => {
    const { end } = settleGroup([6, 7, 8, 9, 10], nodes, configurationOf({ voters: [1, 2, 3, 4, 5] }));
    deepEqual([end.voters, end.learners], [[6, 7, 8, 9, 10], []]);
  });

  test("lose a node at once that was removed from the cluster", () => {
    const rows = nodes.map((row) => (row.id === 1 ? { ...row, state: "removed" as const } : row));
    const from = configurationOf({ voters: [1, 2, 3] });
    deepEqual(nextGroupChange([2, 3, 4], rows, from), [change(ChangeType.removeNode, 1)]);
    deepEqual(settleGroup([2, 3, 4], rows, from).end.voters, [2, 3, 4]);
  });

  test("stay where none of those that are named votes yet", () => {
    const joining = nodes.map((row) => (row.id === 4 ? { ...row, state: "joining" as const } : row));
    equal(nextGroupChange([4], joining, configurationOf({ voters: [1] })), undefined);
  });

  test("are left alone where they are as the row says", () => {
    equal(nextGroupChange([1, 2, 3], nodes, configurationOf({ voters: [1, 2, 3] })), undefined);
  });
});
