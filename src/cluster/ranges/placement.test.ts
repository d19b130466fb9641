import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { GroupRow } from "../../store/index.ts";
import { nodeRow } from "../testing/rows.ts";
import { groupSize, placeGroup, settledNodes } from "./placement.ts";

const nodesOf = (count: number) => Array.from({ length: count }, (_, at) => nodeRow(at + 1));
const group = (id: number, nodes: readonly number[]): GroupRow => ({ id, state: "open", nodes, members: nodes });

describe("the nodes of a group", () => {
  test("are as many as vote in the root group, and an odd number", () => {
    const sizes = [0, 1, 2, 3, 4, 5, 6, 9].map((count) => groupSize(nodesOf(count)));
    assert.deepEqual(sizes, [0, 1, 1, 3, 3, 5, 5, 5]);
  });

  test("are those of the group that it splits from, as far as they are in use", () => {
    assert.deepEqual(placeGroup(nodesOf(9), [], [5, 6, 7, 8, 9]), [5, 6, 7, 8, 9]);
    const nodes = nodesOf(4).map((row) => (row.id === 2 ? { ...row, state: "draining" as const } : row));
    assert.deepEqual(placeGroup(nodes, [], [1, 2, 3]), [1, 3, 4]);
  });

  test("are in different zones, then those that have few groups", () => {
    const nodes = ["a", "a", "a", "b"].map((zone, at) => nodeRow(at + 1, { zone }));
    assert.deepEqual(placeGroup(nodes, [group(2, [1, 4])], []), [2, 3, 4]);
  });

  test("are replaced where they leave, and added where they are missing", () => {
    const nodes = nodesOf(4).map((row) => (row.id === 3 ? { ...row, state: "removed" as const } : row));
    assert.deepEqual(settledNodes(group(2, [1, 2, 3]), nodes, []), [1, 2, 4]);
    assert.deepEqual(settledNodes(group(2, [1]), nodesOf(3), []), [1, 2, 3]);
  });

  test("stay as they are where nothing is wrong with them", () => {
    assert.deepEqual(settledNodes(group(2, [4, 5, 6, 7, 8]), nodesOf(9), []), [4, 5, 6, 7, 8]);
  });

  test("stay where all of them are being drained and nobody could take over", () => {
    const nodes = [nodeRow(1, { state: "draining" })];
    assert.deepEqual(settledNodes(group(2, [1]), nodes, []), [1]);
  });

  test("are not decided while no node is known", () => {
    assert.deepEqual(settledNodes(group(2, [1, 2, 3]), [], []), []);
  });
});
