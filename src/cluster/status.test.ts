import { deepEqual } from "node:assert/strict";
import { describe, test } from "node:test";
import type { DataSafety } from "../blob/index.ts";
import type { GroupStatus, RangesStatus } from "./ranges/ranges-status.ts";
import { type ClusterStatus, type NodeStatus, withData, withGroups } from "./status.ts";

const status = (canLose: number): ClusterStatus => ({
  ...{ name: "east", id: "00", self: 1, leader: canLose < 0 ? 0 : 1, nodes: [], canLose, data: undefined },
  summary: canLose < 0 ? "Too few nodes answer: nothing can be written." : "Can lose some more nodes.",
});

const safety = (fields: Partial<DataSafety>): DataSafety => ({
  ...{ volumes: 9, atRisk: [], unreadable: 0, missingBytes: 0, canLose: 2 },
  ...fields,
});

const risk = { id: 4, bytes: 10, readable: 1, staying: ["1"], missing: 1, surplus: [] };

describe("a cluster and its volumes", () => {
  const told = (rows: number, data: DataSafety | undefined): readonly [number, string] => {
    const { canLose, summary } = withData(status(rows), data);
    return [canLose, summary];
  };

  test("is as safe as the less safe of its rows and its volumes", () => {
    deepEqual(told(1, safety({})), [1, "Can lose 1 more node."]);
    deepEqual(told(2, safety({ canLose: 1 })), [1, "Can lose 1 more node."]);
  });

  test("says how many volumes have too few copies", () => {
    const one = safety({ canLose: 0, atRisk: [risk] });
    deepEqual(told(1, one), [0, "Can lose 0 more nodes. 1 volume has too few copies."]);
    const two = safety({ canLose: 0, atRisk: [risk, risk] });
    deepEqual(told(1, two), [0, "Can lose 0 more nodes. 2 volumes have too few copies."]);
  });

  test("says what nobody can read, and not that it could lose anything", () => {
    const lost = safety({ canLose: -1, unreadable: 2, atRisk: [{ ...risk, missing: 0 }] });
    deepEqual(told(1, lost), [-1, "No node that answers has a copy of 2 volumes."]);
  });

  test("that has lost its majority says that first, whatever its volumes", () => {
    deepEqual(told(-1, safety({})), [-1, "Too few nodes answer: nothing can be written."]);
    deepEqual(told(1, undefined), [1, "Can lose some more nodes."]);
  });
});

describe("a cluster and its groups of ranges", () => {
  const nodes = [1, 2, 3, 4].map((id): NodeStatus => {
    const place = { zone: "", peer: `n${id}:9200`, endpoints: {}, joinedMillis: 0, certificateEndMillis: 0 };
    return { ...place, id, state: "active", role: "voter", isAlive: true, entriesBehind: 0, groups: 0 };
  });
  const group = (id: number, canLose: number, members: readonly number[] = [1, 2, 3]): GroupStatus => {
    return { id, state: "open", nodes: members, members, leader: canLose < 0 ? 0 : 1, canLose };
  };
  const from = new Uint8Array(2);
  const ranges = (groups: readonly GroupStatus[], serving: readonly number[]): RangesStatus => ({
    ranges: serving.map((id) => ({ from, to: from, group: id, bytes: undefined, commitsPerSecond: undefined })),
    ...{ groups, transfers: [] },
  });
  const told = (given: RangesStatus): readonly [number, string] => {
    const { canLose, summary } = withGroups({ ...status(2), nodes }, given);
    return [canLose, summary];
  };

  test("is as safe as the least safe of those that serve something", () => {
    deepEqual(told(ranges([group(2, 2), group(3, 1)], [2, 3])), [1, "Can lose 1 more node."]);
    deepEqual(told(ranges([group(2, 2), group(3, -1)], [2])), [2, "Can lose some more nodes."]);
  });

  test("says how many are not served", () => {
    const told1 = told(ranges([group(2, -1), group(3, 1)], [2, 3]));
    deepEqual(told1, [-1, "Too few nodes answer: 1 group of ranges is not served."]);
  });

  test("says of each node how many groups are on it, or are to be", () => {
    const { nodes: counted } = withGroups(
      { ...status(2), nodes },
      ranges([group(2, 2), group(3, 2, [2, 3, 4])], [2, 3]),
    );
    deepEqual(
      counted.map(({ groups }) => groups),
      [1, 2, 2, 1],
    );
  });
});
