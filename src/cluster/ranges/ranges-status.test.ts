import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY_CONFIGURATION } from "../../core/raft/index.ts";
import type { GroupRow } from "../../store/index.ts";
import type { GroupView } from "./group-views.ts";
import { stoppedWithout } from "./ranges-status.ts";

const MEMBERS = [1, 2, 3];

function row(id: number, state: GroupRow["state"] = "open", members: readonly number[] = MEMBERS): GroupRow {
  return { id, state, nodes: members, members };
}

/** Led by node 1. */
function view(group: number, alive: readonly number[], voters: readonly number[] = MEMBERS): GroupView {
  const progress = voters.map((id) => ({ id, match: 0, isAlive: alive.includes(id) }));
  const configuration = { ...EMPTY_CONFIGURATION, voters };
  return { ...{ group, leader: 1, lastIndex: 9, load: undefined, moving: undefined }, configuration, progress };
}

test("a group stops without a node that it needs for its quorum", () => {
  const groups = [row(2), row(3), row(4)];
  const views = [view(2, [1, 2, 3]), view(3, [1, 2]), view(4, [1, 3])];
  assert.deepEqual(stoppedWithout(groups, views, 2), [3]);
  assert.deepEqual(stoppedWithout(groups, views, 3), [4]);
  assert.deepEqual(stoppedWithout(groups, views, 4), []);
});

test("a group that nobody leads may wait for any of its members", () => {
  assert.deepEqual(stoppedWithout([row(2)], [], 3), [2]);
  assert.deepEqual(stoppedWithout([row(2)], [], 4), []);
  assert.deepEqual(stoppedWithout([{ ...row(2), nodes: [1, 2, 4] }], [], 4), [2]);
});

test("what is being founded or retired needs nobody", () => {
  assert.deepEqual(stoppedWithout([row(2, "founding"), row(3, "retiring")], [], 1), []);
});
