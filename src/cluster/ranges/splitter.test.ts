import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { configurationOf } from "../../core/raft/index.ts";
import { EMPTY, text, utf8 } from "../../std/bytes.ts";
import { encodeKeyBound, type GroupRow, RangeMap, type RangeRow, ROOT_GROUP } from "../../store/index.ts";
import type { GroupView } from "./group-views.ts";
import type { Layout } from "./layout.ts";
import { Balance, type Balancing } from "./splitter.ts";

const LIMITS = { rangeBytesMax: 1000, rangeCommitsPerSecondMax: 100 };

interface Given {
  readonly from: string;
  readonly group: number;
  readonly bytes?: number;
  readonly commits?: number;
  readonly middle?: string;
}

function ask(balance: Balance, given: readonly Given[], looks = 1): Balancing | undefined {
  const ranges = given.map(({ from, group }, at): RangeRow => {
    const next = given[at + 1];
    return { from: encodeKeyBound(utf8(from)), to: next ? encodeKeyBound(utf8(next.from)) : EMPTY, group };
  });
  const views = given.map(({ group, bytes, commits = 0, middle }, at): GroupView => {
    const { from, to } = ranges[at]!;
    const load = { commitsPerSecond: commits, ranges: [{ from, to, bytes, middle: middle && utf8(middle) }] };
    return {
      ...{
        group,
        leader: 1,
        lastIndex: 1,
        configuration: configurationOf({ voters: [1] }),
        progress: [],
        moving: undefined,
      },
      load,
    } as GroupView;
  });
  const groups = given.map(({ group }): GroupRow => ({ id: group, state: "open", nodes: [1], members: [1] }));
  const map = new RangeMap(
    ranges.map((range) => ({ ...range, revision: 1 })),
    1,
  );
  const layout: Layout = { nextId: 9, map, groups, transfers: [] };
  let next: Balancing | undefined;
  for (let look = 0; look < looks; look++) next = balance.next(layout, views);
  return next;
}

const keyOf = (next: Balancing | undefined): string | undefined => next && `${next.kind} at ${text(next.key)}`;

describe("what is split or merged", () => {
  test("a range that is too large is split in its middle, at once", () => {
    const next = ask(new Balance(LIMITS), [{ from: "", group: ROOT_GROUP, bytes: 1001, middle: "m" }]);
    assert.equal(keyOf(next), "split at m");
  });

  test("a range of one key is not split, however large", () => {
    assert.equal(ask(new Balance(LIMITS), [{ from: "", group: ROOT_GROUP, bytes: 5000 }], 5), undefined);
  });

  test("a busy range is split once it has been busy for a while", () => {
    const balance = new Balance(LIMITS);
    const busy = [{ from: "", group: ROOT_GROUP, bytes: 500, commits: 101, middle: "m" }];
    assert.equal(ask(balance, busy, 2), undefined);
    assert.equal(ask(balance, [{ ...busy[0]!, commits: 99 }]), undefined);
    assert.equal(ask(balance, busy, 2), undefined);
    assert.equal(keyOf(ask(balance, busy)), "split at m");
  });

  test("little neighbours are merged once they were little for a while, the smaller into the larger", () => {
    const little = [
      { from: "", group: ROOT_GROUP, bytes: 900 },
      { from: "d", group: 2, bytes: 100 },
      { from: "m", group: 3, bytes: 120 },
    ];
    const balance = new Balance(LIMITS);
    assert.equal(ask(balance, little, 2), undefined);
    assert.equal(keyOf(ask(balance, little)), "merge at d");
  });

  test("the root group's range takes its neighbour's keys, never the other way", () => {
    const right = [
      { from: "", group: ROOT_GROUP, bytes: 10 },
      { from: "d", group: 2, bytes: 100 },
    ];
    assert.deepEqual(keyOf(ask(new Balance(LIMITS), right, 3)), "merge at d");
    const left = [
      { from: "", group: 2, bytes: 100 },
      { from: "d", group: ROOT_GROUP, bytes: 10 },
    ];
    const next = ask(new Balance(LIMITS), left, 3);
    assert.deepEqual([keyOf(next), next?.kind === "merge" && next.into], ["merge at ", "right"]);
  });

  test("halves of what was split are not merged, nor what is busy, nor what nobody has looked at", () => {
    const halves = [
      { from: "", group: ROOT_GROUP, bytes: 500 },
      { from: "d", group: 2, bytes: 500 },
    ];
    assert.equal(ask(new Balance(LIMITS), halves, 5), undefined);
    const busy = [
      { from: "", group: ROOT_GROUP, bytes: 5, commits: 30 },
      { from: "d", group: 2, bytes: 5 },
    ];
    assert.equal(ask(new Balance(LIMITS), busy, 5), undefined);
    const unknown = [
      { from: "", group: ROOT_GROUP, bytes: 5 },
      { from: "d", group: 2 },
    ];
    assert.equal(ask(new Balance(LIMITS), unknown, 5), undefined);
  });
});
