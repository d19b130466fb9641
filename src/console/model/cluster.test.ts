import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ClusterNode } from "../api/shapes.ts";
import { isAlone, lossTone, nodeMark, nodesInOrder } from "./cluster.ts";

const node = (fields: Partial<ClusterNode>): ClusterNode => ({
  ...{ id: 1, state: "active", role: "voter", zone: "", peer: "10.0.0.1:9200", endpoints: {}, alive: true },
  joinedAt: "2026-01-01T00:00:00Z",
  ...fields,
});

describe("how a cluster is shown", () => {
  test("one that may lose a node is good, one that may not is a warning, one that lost too many is bad", () => {
    assert.deepEqual([2, 1, 0, -1].map(lossTone), ["good", "good", "warning", "bad"]);
  });

  test("a node that does not answer is told before anything else about it", () => {
    assert.equal(nodeMark(node({})).word, "active");
    assert.equal(nodeMark(node({ role: "none" })).word, "being taken in");
    assert.equal(nodeMark(node({ alive: false, role: "none" })).tone, "bad");
    assert.equal(nodeMark(node({ alive: false, state: "draining" })).word, "draining, does not answer");
    assert.equal(nodeMark(node({ alive: false, state: "joining" })).tone, "quiet");
    assert.equal(nodeMark(node({ alive: false, state: "removed" })).word, "removed");
  });

  test("a node that can not reach its cluster is not taken for one that is alone", () => {
    const fault = { object: "cluster", severity: "error", since: "", what: "", command: "" } as const;
    assert.equal(isAlone({ faults: [] }), true);
    assert.equal(isAlone({ faults: [{ ...fault, object: "disk" }] }), true);
    assert.equal(isAlone({ faults: [fault] }), false);
  });

  test("removed nodes come last", () => {
    const nodes = [node({ id: 3 }), node({ id: 1, state: "removed" }), node({ id: 2, state: "draining" })];
    assert.deepEqual(
      nodesInOrder(nodes).map(({ id }) => id),
      [2, 3, 1],
    );
  });
});
