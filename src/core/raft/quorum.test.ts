import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { commitQuorumOf, committedIndex, electionQuorumOf, jointResult, majorityOf, voteResult } from "./quorum.ts";

const VOTES = [undefined, false, true] as const;

/** All ways to fill so many places. */
function* fillings<Value>(places: number, values: readonly Value[]): Generator<readonly Value[]> {
  if (places === 0) {
    yield [];
    return;
  }
  for (const rest of fillings(places - 1, values)) for (const value of values) yield [...rest, value];
}

const idsUpTo = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at + 1);

describe("quorums", () => {
  test("each commit quorum meets each election quorum, and two elections meet, for all sizes", () => {
    for (let voters = 1; voters <= 9; voters++) {
      for (let size = 0; size <= voters + 2; size++) {
        const commit = commitQuorumOf(voters, size);
        const election = electionQuorumOf(voters, size);
        assert(commit >= 1 && commit <= voters && election <= voters);
        assert(commit + election > voters, `${voters} voters, ${size} commit`);
        assert(election * 2 > voters, `${voters} voters, ${size} commit`);
      }
      assert.equal(commitQuorumOf(voters, 0), majorityOf(voters));
      assert.equal(electionQuorumOf(voters, 0), majorityOf(voters));
    }
  });

  test("an index is committed exactly if a quorum has acknowledged it", () => {
    for (let count = 1; count <= 5; count++) {
      const voters = idsUpTo(count);
      for (const acknowledged of fillings(count, [-1, 0, 2, 5])) {
        for (let size = 0; size <= count; size++) {
          const index = committedIndex(voters, size, { acknowledgedIndex: (id) => acknowledged[id - 1]! });
          const reaching = (at: number): number => acknowledged.filter((one) => one >= at).length;
          const needed = commitQuorumOf(count, size);
          assert(index === 0 || reaching(index) >= needed);
          assert(reaching(index + 1) < needed);
        }
      }
    }
  });

  test("an election is won, lost or open exactly as the missing votes allow", () => {
    for (let count = 1; count <= 5; count++) {
      const voters = idsUpTo(count);
      for (const given of fillings(count, VOTES)) {
        const votes = new Map<number, boolean>();
        for (const [at, vote] of given.entries()) if (vote !== undefined) votes.set(at + 1, vote);
        const granted = given.filter((vote) => vote === true).length;
        const missing = given.filter((vote) => vote === undefined).length;
        const quorum = majorityOf(count);
        const expected = granted >= quorum ? "won" : granted + missing >= quorum ? "pending" : "lost";
        assert.equal(voteResult(voters, quorum, votes), expected);
      }
    }
  });

  test("a joint decision needs both halves, and one that is lost decides", () => {
    assert.equal(jointResult("won", "won"), "won");
    assert.equal(jointResult("won", "pending"), "pending");
    assert.equal(jointResult("pending", "lost"), "lost");
    assert.equal(jointResult("lost", "won"), "lost");
  });

  test("an empty half agrees to everything", () => {
    assert.equal(committedIndex([], 0, { acknowledgedIndex: () => 1 }), Number.POSITIVE_INFINITY);
    assert.equal(voteResult([], 1, new Map()), "won");
  });
});
