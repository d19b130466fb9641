import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MessageType } from "../../../core/raft/index.ts";
import { EXERCISES } from "./exercises.ts";
import type { Player } from "./player.ts";

// What the text of each exercise promises.

function begun(id: string): Player {
  const player = EXERCISES.find((each) => each.id === id)!.set();
  assert.ok(
    player.simulation.members.some(({ node }) => node?.role === "leader"),
    "the scene has a leader",
  );
  assert.ok("text" in player.link());
  return player;
}

const pass = (player: Player, seconds: number): void => player.advance(player.simulation.now.millis + seconds * 1_000);
const told = (player: Player, text: RegExp): boolean =>
  player.simulation.journal.lines.some((line) => text.test(line.text));

describe("the exercises", () => {
  test("a leader without a quorum steps down within two election timeouts, and the others elect one", () => {
    const player = begun("check-quorum");
    const { simulation } = player;
    const { id, node } = simulation.leader!;
    const term = node!.currentTerm;
    pass(player, 4.1);
    assert.notEqual(simulation.member(id).node!.role, "leader");
    pass(player, 8);
    assert.notEqual(simulation.leader!.id, id);
    assert.ok(simulation.leader!.node!.currentTerm > term);
  });

  test("what a minority accepted is overwritten", () => {
    const player = begun("overwritten");
    const { simulation } = player;
    pass(player, 12);
    assert.equal(simulation.proposals.newest.at(-1)!.index, undefined);
    player.act({ kind: "propose", node: simulation.leader!.id });
    pass(player, 3);
    assert.notEqual(simulation.proposals.newest.at(-1)!.index, undefined);
    player.act({ kind: "heal" });
    pass(player, 6);
    assert.deepEqual(
      simulation.proposals.newest.map(({ label, appliedBy }) => [label, appliedBy.length]),
      [
        ["v1", 5],
        ["v2", 0],
        ["v3", 5],
      ],
    );
    assert.ok(told(player, /gives up its entr/));
  });

  test("a deaf node does not disturb the group", () => {
    const player = begun("one-way");
    const { simulation } = player;
    const { id, node } = simulation.leader!;
    const term = node!.currentTerm;
    const asked = new Set<number>();
    for (let left = 600; left > 0; left--) {
      pass(player, 0.1);
      for (const { type, sequence } of simulation.flights.all) if (type === MessageType.preVote) asked.add(sequence);
    }
    assert.deepEqual([simulation.leader!.id, simulation.leader!.node!.currentTerm], [id, term]);
    assert.ok(asked.size > 20, `${asked.size} times somebody was asked for a pre-vote`);
    assert.ok(simulation.members.every((member) => member.node!.currentTerm === term));
  });

  test("who comes too late gets a snapshot", () => {
    const player = begun("snapshot");
    const { simulation } = player;
    const late = simulation.members.find(({ state }) => state === "crashed")!;
    player.act({ kind: "restart", node: late.id });
    pass(player, 10);
    assert.ok(told(player, new RegExp(`Node ${late.id} takes over the snapshot`)));
    assert.equal(late.machine.count, 6);
  });

  test("a node that lost its disk is a learner before it votes again", () => {
    const player = begun("lost-disk");
    const { simulation } = player;
    const blank = simulation.members.find(({ node }) => node!.isLost)!;
    assert.notEqual(blank, undefined);
    let wasLearner = false;
    for (let left = 200; left > 0; left--) {
      pass(player, 0.1);
      wasLearner ||= simulation.leader!.node!.configuration.learners.includes(blank.id);
    }
    assert.ok(wasLearner);
    assert.ok(simulation.leader!.node!.configuration.voters.includes(blank.id));
    assert.equal(blank.machine.count, 1);
  });
});
