import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { configurationOf, type ProgressStatus, type RaftStatus } from "../core/raft/index.ts";
import { HandOver, successorOf } from "./hand-over.ts";

function member(id: number, match: number, more: Partial<ProgressStatus> = {}): ProgressStatus {
  return { id, match, recentActive: true, isWitness: false, isLost: false, ...more } as ProgressStatus;
}

const successor = (...progress: readonly ProgressStatus[]): number => {
  const configuration = configurationOf({ voters: [1, 2, 3, 4] });
  return successorOf({ id: 1, configuration, progress } as unknown as RaftStatus);
};

describe("a leader's successor", () => {
  test("is the voter that lacks least", () => {
    assert.equal(successor(member(1, 9), member(2, 7), member(3, 8), member(4, 8)), 3);
  });

  test("is none that is silent, keeps no data, lost its disk, or does not vote", () => {
    const unfit = [{ recentActive: false }, { isWitness: true }, { isLost: true }];
    for (const why of unfit) assert.equal(successor(member(1, 9), member(2, 9, why), member(3, 5)), 3);
    assert.equal(successor(member(1, 9), member(5, 9)), 0);
    assert.equal(successor(), 0);
  });
});

test("whoever hands over waits for five ticks, or until somebody else stands for election", async () => {
  const [slow, quick] = [new HandOver(), new HandOver()];
  quick.end();
  await quick.done;
  let isDone = false;
  const done = slow.done.then(() => (isDone = true));
  for (let tick = 0; tick < 4; tick++) slow.tick();
  await Promise.resolve();
  assert.equal(isDone, false);
  slow.tick();
  await done;
});
