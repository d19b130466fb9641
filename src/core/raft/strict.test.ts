import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EMPTY } from "../../std/bytes.ts";
import { type Change, ChangeType, change, LEAVE_JOINT } from "./conf-change.ts";
import { configurationOf } from "./configuration.ts";
import { canDecide } from "./quorum.ts";
import { Group } from "./testing/group.ts";

const OPTIONS = { checkQuorum: true };

function hazard(group: Group, ...changes: readonly Change[]): string | undefined {
  return group.node(1).changeHazard({ transition: "auto", changes, context: EMPTY });
}

/** Node 1 leads, and hears of all members that are not isolated. */
function led(voters: readonly number[], ...isolated: readonly number[]): Group {
  const group = new Group(voters, OPTIONS).campaign(1);
  group.isolate(...isolated);
  rounds(group, 25);
  return group;
}

function rounds(group: Group, count: number): void {
  for (let tick = 0; tick < count; tick++) group.tick(1).settle();
}

const remove = (id: number): Change => change(ChangeType.removeNode, id);
const addVoter = (id: number): Change => change(ChangeType.addVoter, id);

describe("a change of membership is a hazard", () => {
  test("where a sound voter goes and a silent one stays", () => {
    const group = led([1, 2, 3], 3);
    assert.match(hazard(group, remove(2))!, /would be 1, 3, .* does not hear 3/);
    assert.match(
      hazard(group, change(ChangeType.addLearner, 2))!,
      /does not hear 3/,
      "also where it becomes a learner",
    );
    assert.equal(hazard(group, remove(3)), undefined);
    assert.equal(hazard(group, remove(3), remove(2)), undefined, "through a joint one whose old half has its quorum");
  });

  test("where a voter comes that nobody has heard of, and one is silent already", () => {
    assert.equal(hazard(led([1, 2, 3]), addVoter(4)), undefined);
    const group = led([1, 2, 3], 3);
    assert.match(hazard(group, addVoter(4))!, /does not hear 3, 4/);
    assert.equal(hazard(group, change(ChangeType.addJoining, 4)), undefined, "a learner changes no quorum");
    group.change(1, "auto", change(ChangeType.addLearner, 4));
    assert.match(hazard(group, addVoter(4))!, /does not hear 3, 4/, "a learner that never answered is not alive");
    group.add(4);
    rounds(group, 2);
    assert.equal(hazard(group, addVoter(4)), undefined);
  });

  test("never because of the moment at which the quorum was just checked", () => {
    const group = led([1, 2, 3]);
    for (let tick = 0; tick < 30; tick++) {
      group.tick(1);
      assert.equal(hazard(group, remove(2)), undefined);
      group.settle();
    }
  });

  test("as soon as a member has not answered for two checks of the quorum", () => {
    const group = led([1, 2, 3]);
    group.isolate(3);
    rounds(group, 21);
    assert.match(hazard(group, remove(2))!, /does not hear 3/);
  });

  test("where its owner knows that a member is away", () => {
    const group = led([1, 2, 3]);
    const conf = { transition: "auto" as const, changes: [remove(2)], context: EMPTY };
    assert.match(group.node(1).changeHazard(conf, (id) => id === 3)!, /does not hear 3/);
  });

  test("only as far as a leader can say, and not where it leaves a joint configuration or is impossible", () => {
    const group = led([1, 2, 3], 3);
    const conf = { transition: "auto" as const, changes: [remove(2)], context: EMPTY };
    assert.equal(group.node(2).changeHazard(conf), undefined);
    assert.equal(group.node(1).changeHazard(LEAVE_JOINT), undefined);
    assert.equal(hazard(group, remove(1), remove(2), remove(3)), undefined);
  });
});

test("members can decide where they are a quorum of each half, and one of them holds data", () => {
  const can = (parts: Parameters<typeof configurationOf>[0], ...there: number[]): boolean =>
    canDecide(configurationOf(parts), (id) => there.includes(id));
  assert.ok(can({ voters: [1, 2, 3] }, 1, 3));
  assert.ok(!can({ voters: [1, 2, 3] }, 3, 4));
  assert.ok(!can({ voters: [1, 2, 3], votersOutgoing: [4, 5, 6] }, 1, 2, 4));
  assert.ok(can({ voters: [1, 2, 3], votersOutgoing: [4, 5, 6] }, 1, 2, 4, 5));
  assert.ok(!can({ voters: [1, 2, 3], witnesses: [2, 3] }, 2, 3));
  assert.ok(!can({ voters: [1, 2, 3, 4, 5], commitQuorum: 2 }, 1, 2, 3), "an election takes four then");
  assert.ok(can({ voters: [1, 2, 3, 4, 5], commitQuorum: 2 }, 1, 2, 3, 4));
});
