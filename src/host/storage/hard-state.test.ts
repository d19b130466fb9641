import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { GroupIndex, HardState } from "../../log/index.ts";
import { hardStateAtStart } from "./hard-state.ts";

const STORED: HardState = { term: 4, vote: 2, commit: 5, incarnation: 0, isLost: false };
const SETTINGS = { isSole: false, applied: 0, committedAtLeast: 0, lostDisk: false, random: () => 0.5 };

function log(state: { hardState?: HardState; lastIndex?: number; lastTerm?: number; compacted?: number }): GroupIndex {
  const { hardState, lastIndex = 9, lastTerm = 4, compacted = 0 } = state;
  return { hardState, lastIndex, lastTerm, compaction: { index: compacted, term: 1 } } as GroupIndex;
}

describe("the hard state at the start", () => {
  test("is nothing where the log holds nothing", () => {
    assert.equal(hardStateAtStart(log({ lastIndex: 0, lastTerm: 0 }), SETTINGS), undefined);
  });

  test("is the stored one", () => {
    assert.deepEqual(hardStateAtStart(log({ hardState: STORED }), SETTINGS), STORED);
  });

  test("knows to be committed what was applied, compacted or vouched for, as far as the log goes", () => {
    const commitOf = (more: Partial<typeof SETTINGS>, compacted = 0): number | undefined => {
      return hardStateAtStart(log({ hardState: STORED, compacted }), { ...SETTINGS, ...more })?.commit;
    };
    assert.equal(commitOf({ applied: 7 }), 7);
    assert.equal(commitOf({ committedAtLeast: 8 }), 8);
    assert.equal(commitOf({}, 6), 6);
    assert.equal(commitOf({ committedAtLeast: 100 }), 9);
    assert.equal(commitOf({ isSole: true }), 9);
  });

  test("has no vote in the term of a later entry, whose hard state a crash took", () => {
    const { term, vote } = hardStateAtStart(log({ hardState: STORED, lastTerm: 6 }), SETTINGS)!;
    assert.deepEqual([term, vote], [6, 0]);
    assert.equal(hardStateAtStart(log({ hardState: STORED, lastTerm: 3 }), SETTINGS)!.vote, 2);
  });

  test("of a lost disk has a new incarnation, and stays lost over a restart", () => {
    const lost = hardStateAtStart(log({ hardState: STORED }), { ...SETTINGS, lostDisk: true })!;
    assert.equal(lost.isLost, true);
    assert.notEqual(lost.incarnation, 0);
    assert.deepEqual(hardStateAtStart(log({ hardState: lost }), SETTINGS), lost);
  });
});
