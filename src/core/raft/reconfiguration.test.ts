import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { EMPTY } from "../../std/bytes.ts";
import { type Change, ChangeType, type ConfChange, change, LEAVE_JOINT, type Transition } from "./conf-change.ts";
import { allMembers, type Configuration, configurationOf, isJoint, isVoter } from "./configuration.ts";
import { commitQuorumOf, electionQuorumOf } from "./quorum.ts";
import { changed, entersJoint } from "./reconfiguration.ts";

const conf = (transition: Transition, ...changes: readonly Change[]): ConfChange => ({
  transition,
  changes,
  context: EMPTY,
});

function tryChange(configuration: Configuration, one: ConfChange): Configuration {
  try {
    return changed(configuration, one);
  } catch {
    return configuration;
  }
}

const anyChange = fc
  .tuple(fc.constantFrom(...Object.values(ChangeType)), fc.integer({ min: 1, max: 6 }))
  .map(([type, number]) => (type === ChangeType.commitQuorum ? change(type, 0, number % 4) : change(type, number, 1)));
const anyConf: fc.Arbitrary<ConfChange> = fc.oneof(
  fc.constant(LEAVE_JOINT),
  fc.record({
    transition: fc.constantFrom<Transition>("auto", "implicit", "explicit"),
    changes: fc.array(anyChange, { minLength: 1, maxLength: 3 }),
    context: fc.constant(EMPTY),
  }),
);

/** Whether every quorum of one half meets every quorum of another, tried on all sets of their voters. */
function alwaysMeet(left: readonly number[], leftSize: number, right: readonly number[], rightSize: number): boolean {
  const both = left.filter((id) => right.includes(id)).length;
  // The sets that avoid each other best take their own voters first.
  const leftShared = Math.max(0, leftSize - (left.length - both));
  const rightShared = Math.max(0, rightSize - (right.length - both));
  return leftShared + rightShared > both;
}

describe("configurations", () => {
  test("a member is in one place only, and every list is sorted", () => {
    fc.assert(
      fc.property(fc.array(anyConf, { maxLength: 12 }), (changes) => {
        let configuration = configurationOf({ voters: [1, 2, 3] });
        for (const one of changes) {
          configuration = tryChange(configuration, one);
          const { voters, votersOutgoing, learners, learnersNext, joining, witnesses, rejoined } = configuration;
          assert(voters.length > 0);
          for (const id of learners) assert(!isVoter(configuration, id));
          for (const id of learnersNext) assert(votersOutgoing.includes(id) && !voters.includes(id));
          for (const id of joining) assert(learners.includes(id) || learnersNext.includes(id));
          for (const id of [...witnesses, ...rejoined.map((each) => each.id)]) {
            assert(allMembers(configuration).includes(id));
          }
          if (!isJoint(configuration)) assert(learnersNext.length === 0 && !configuration.autoLeave);
          for (const list of [voters, votersOutgoing, learners, learnersNext, joining, witnesses]) {
            assert.deepEqual(
              list,
              [...new Set(list)].sort((a, b) => a - b),
            );
          }
        }
      }),
    );
  });

  test("quorums of a configuration and of the one after it meet, with every size of quorum", () => {
    fc.assert(
      fc.property(fc.array(anyConf, { maxLength: 12 }), (changes) => {
        let configuration = configurationOf({ voters: [1, 2, 3], commitQuorum: 2 });
        for (const one of changes) {
          const next = tryChange(configuration, one);
          for (const before of halves(configuration)) {
            // Some half of the one must meet some half of the other: a decision takes a quorum of each half.
            const meets = (a: "commit" | "election", b: "commit" | "election"): boolean =>
              halves(configuration).some((x) => halves(next).some((y) => alwaysMeet(x.voters, x[a], y.voters, y[b])));
            assert(before.commit > 0);
            assert(meets("commit", "election") && meets("election", "commit") && meets("election", "election"));
          }
          configuration = next;
        }
      }),
    );
  });

  test("auto is simple for one change and joint for more, and for any while quorums are not majorities", () => {
    const three = configurationOf({ voters: [1, 2, 3] });
    const add = change(ChangeType.addVoter, 4);
    assert.equal(entersJoint(three, conf("auto", add)), false);
    assert.equal(entersJoint(three, conf("auto", add, change(ChangeType.removeNode, 1))), true);
    assert.equal(entersJoint(three, conf("explicit", add)), true);
    assert.equal(entersJoint(configurationOf({ voters: [1, 2, 3], commitQuorum: 2 }), conf("auto", add)), true);
    assert.equal(changed(three, conf("implicit", add)).autoLeave, true);
    assert.equal(changed(three, conf("explicit", add)).autoLeave, false);
  });

  test("a voter that is demoted in a joint configuration is a learner once it is left", () => {
    const joint = changed(configurationOf({ voters: [1, 2, 3] }), conf("explicit", change(ChangeType.addLearner, 3)));
    assert.deepEqual(
      [joint.voters, joint.votersOutgoing, joint.learners, joint.learnersNext],
      [[1, 2], [1, 2, 3], [], [3]],
    );
    const left = changed(joint, LEAVE_JOINT);
    assert.deepEqual([left.voters, left.votersOutgoing, left.learners, left.learnersNext], [[1, 2], [], [3], []]);
  });

  test("a node that lost its disk joins again if it voted, and stays a learner if it was one", () => {
    const before = configurationOf({ voters: [1, 2, 3], learners: [4] });
    const voter = changed(before, conf("auto", change(ChangeType.rejoin, 3, 77)));
    assert.deepEqual([voter.voters, voter.learners, voter.joining], [[1, 2], [3, 4], [3]]);
    assert.deepEqual(voter.rejoined, [{ id: 3, incarnation: 77 }]);
    const learner = changed(before, conf("auto", change(ChangeType.rejoin, 4, 78)));
    assert.deepEqual([learner.voters, learner.learners, learner.joining], [[1, 2, 3], [4], []]);
  });

  for (const [name, from, one] of [
    ["the last voter is not removed", { voters: [1] }, conf("auto", change(ChangeType.removeNode, 1))],
    [
      "a joint configuration is not entered twice",
      { voters: [1], votersOutgoing: [1, 2] },
      conf("explicit", change(ChangeType.addVoter, 3)),
    ],
    ["what is not joint is not left", { voters: [1] }, LEAVE_JOINT],
    ["a witness gets no data", { voters: [1, 2], witnesses: [2] }, conf("auto", change(ChangeType.addVoter, 2))],
    ["a member with data is no witness", { voters: [1, 2] }, conf("auto", change(ChangeType.addWitness, 2))],
    ["a stranger does not rejoin", { voters: [1, 2] }, conf("auto", change(ChangeType.rejoin, 5, 1))],
  ] as const) {
    test(name, () => {
      assert.throws(() => changed(configurationOf(from), one), { code: "CHANGE_INVALID" });
    });
  }
});

function halves({ voters, votersOutgoing, commitQuorum, commitQuorumOutgoing }: Configuration): readonly Half[] {
  const half = (ids: readonly number[], size: number): Half => ({
    voters: ids,
    commit: commitQuorumOf(ids.length, size),
    election: electionQuorumOf(ids.length, size),
  });
  const incoming = half(voters, commitQuorum);
  return votersOutgoing.length === 0 ? [incoming] : [incoming, half(votersOutgoing, commitQuorumOutgoing)];
}

interface Half {
  readonly voters: readonly number[];
  readonly commit: number;
  readonly election: number;
}
