import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Prng } from "../../../std/prng.ts";
import { type Action, NODE_ACTIONS, NODES, type NodeActionKind } from "./action.ts";
import { COMMITTED_MAX, TERMS_MAX } from "./invariants.ts";
import { JOURNAL_LINES_MAX } from "./journal.ts";
import { Player } from "./player.ts";
import { PROPOSALS_MAX } from "./proposals.ts";
import { ACTIONS_MAX, decodeRun, type Run } from "./run-text.ts";
import { FLIGHTS_MAX, INBOX_MAX, LOG_ENTRIES_MAX } from "./timing.ts";
import { CELLS_MAX, cellsOf, sentencesOf, viewOf, windowOf } from "./view.ts";

function linkOf(player: Player): Run {
  const link = player.link();
  assert.ok("text" in link);
  const run = decodeRun(link.text);
  assert.ok(typeof run !== "string", String(run));
  return run;
}

const KINDS = Object.keys(NODE_ACTIONS) as NodeActionKind[];

function someAction(prng: Prng): Action {
  const node = prng.pick(NODES);
  const chance = prng.unit();
  if (chance < 0.35) return { kind: "propose", node };
  if (chance < 0.45) return { kind: "heal" };
  if (chance < 0.48) return { kind: "drop", percent: prng.below(5) * 10 };
  if (chance < 0.58) return { kind: prng.pick(["cut", "mend"]), from: node, to: (node % 5) + 1 };
  if (chance < 0.7) return { kind: prng.pick(["restart", "resume", "connect"]), node };
  return { kind: prng.pick(KINDS), node };
}

/** Steps and stretches of time with actions between them. */
function play(player: Player, prng: Prng, actions: number, without: readonly string[] = []): void {
  for (let left = actions; left > 0; left--) {
    if (prng.chance(0.3)) player.step();
    else player.advance(player.simulation.now.millis + prng.below(1_500));
    const action = someAction(prng);
    if (!without.includes(action.kind)) player.act(action);
  }
  player.advance(player.simulation.now.millis + 777);
}

/** Until all have applied the same and somebody leads, at most a minute. */
function settle({ simulation }: Player): void {
  const isSettled = (): boolean => {
    const last = simulation.leader?.node?.status.lastIndex;
    return last !== undefined && simulation.members.every(({ applied }) => applied === last);
  };
  const end = simulation.now.millis + 60_000;
  while (!isSettled() && simulation.now.millis < end) simulation.run(simulation.now.millis + 100);
  assert.ok(isSettled(), "the group settles");
}

describe("a run", () => {
  test("is repeated by its link event for event, whatever was done in it", () => {
    for (let seed = 1; seed <= 6; seed++) {
      const player = new Player(seed);
      play(player, new Prng(seed), 60);
      const run = linkOf(player);
      const again = new Player(run);
      assert.ok(again.isReplaying);
      again.advance(run.end.millis + 60_000);
      assert.deepEqual(again.replay, { end: run.end, isSame: true }, `seed ${seed}`);
      assert.deepEqual(again.simulation.now, player.simulation.now, "it stops where the link was made");
      assert.deepEqual(again.simulation.journal.lines, player.simulation.journal.lines);
      assert.deepEqual(again.simulation.members.map(viewOf), player.simulation.members.map(viewOf));
      assert.deepEqual(linkOf(again), run, "and has the same link again");
    }
  });

  test("is repeated in pieces and step by step as in one piece", () => {
    const player = new Player(9);
    play(player, new Prng(9), 20);
    const run = linkOf(player);
    const inPieces = new Player(run);
    while (inPieces.isReplaying) inPieces.advance(run.end.millis, 100);
    assert.equal(inPieces.replay?.isSame, true);
    const byStep = new Player(run);
    for (let left = run.end.events + run.actions.length + 1; left > 0 && byStep.isReplaying; left--) byStep.step();
    assert.equal(byStep.replay?.isSame, true);
  });

  test("that goes another way than its link says is noticed", () => {
    const player = new Player(4);
    player.advance(10_000);
    const run = { ...linkOf(player), trace: "0123456789abcdef" };
    const again = new Player(run);
    again.advance(10_000);
    assert.equal(again.replay?.isSame, false);
  });

  test("goes the reader's way from where the reader does something", () => {
    const player = new Player(4);
    player.advance(5_000);
    player.act({ kind: "crash", node: 1 });
    player.advance(6_000);
    const again = new Player(linkOf(player));
    again.advance(3_000);
    again.act({ kind: "pause", node: 2 });
    assert.deepEqual([again.isReplaying, again.replay], [false, undefined]);
    again.advance(6_000);
    assert.equal(again.simulation.member(1).state, "running", "what the link still had is not done");
  });

  test("differs from a run with another seed", () => {
    const traces = [1, 2].map((seed) => {
      const player = new Player(seed);
      player.advance(10_000);
      return player.simulation.trace;
    });
    assert.notEqual(traces[0], traces[1]);
  });

  test("has no link once it has more actions than a link holds, and goes on", () => {
    const player = new Player(1);
    for (let left = ACTIONS_MAX; left > 0; left--) player.act({ kind: "heal" });
    assert.ok("text" in player.link());
    player.act({ kind: "crash", node: 1 });
    assert.equal(player.simulation.member(1).state, "crashed");
    assert.match(JSON.stringify(player.link()), /more than 400 actions/);
    assert.equal(player.actionsTaken, ACTIONS_MAX);
  });
});

describe("the group in a run", () => {
  test("violates nothing under random actions, and its pages can be shown at any moment", () => {
    for (let seed = 1; seed <= 8; seed++) {
      const player = new Player(seed);
      const { simulation } = player;
      const prng = new Prng(seed * 7919);
      for (let round = 0; round < 20; round++) {
        play(player, prng, 4);
        const window = windowOf(simulation);
        for (const member of simulation.members) {
          assert.ok(sentencesOf(member).length > 0);
          assert.ok(cellsOf(member, window).length <= CELLS_MAX);
        }
      }
      assert.equal(simulation.violation, undefined, `seed ${seed}: ${simulation.violation?.text}`);
    }
  });

  test("comes to agree once all is healed, as long as nobody is removed or loses a disk", () => {
    for (let seed = 1; seed <= 8; seed++) {
      const player = new Player(seed);
      play(player, new Prng(seed * 104_729), 60, ["remove", "add", "wipe"]);
      player.act({ kind: "heal" });
      player.act({ kind: "drop", percent: 0 });
      for (const node of NODES) {
        player.act({ kind: "restart", node });
        player.act({ kind: "resume", node });
      }
      settle(player);
      const { members, violation } = player.simulation;
      assert.equal(violation, undefined, `seed ${seed}: ${violation?.text}`);
      assert.equal(new Set(members.map(({ machine }) => JSON.stringify(machine))).size, 1, `seed ${seed}`);
    }
  });

  test("elects, commits a value proposed through any node, and goes on without its leader", () => {
    const player = new Player(7);
    const { simulation } = player;
    settle(player);
    for (const node of NODES) player.act({ kind: "propose", node });
    settle(player);
    assert.deepEqual(
      simulation.proposals.newest.map(({ label, appliedBy }) => [label, appliedBy.length]),
      ["v1", "v2", "v3", "v4", "v5"].map((label) => [label, 5]),
    );
    assert.equal(new Set(simulation.members.map(({ machine }) => machine.digest)).size, 1);
    const first = simulation.leader!;
    player.act({ kind: "crash", node: first.id });
    player.advance(simulation.now.millis + 15_000);
    assert.notEqual(simulation.leader, undefined);
    assert.notEqual(simulation.leader!.id, first.id);
    player.act({ kind: "propose", node: first.id });
    assert.match(simulation.proposals.newest.at(-1)!.refusal ?? "", /has crashed/);
    player.act({ kind: "restart", node: first.id });
    settle(player);
    assert.equal(simulation.member(first.id).machine.count, 5);
  });

  test("loses in a crash what the disk had not synced, and nothing else", () => {
    const player = new Player(7);
    const { simulation } = player;
    settle(player);
    const leader = simulation.leader!;
    for (const node of NODES) if (node !== leader.id) player.act({ kind: "cut", from: leader.id, to: node });
    const before = leader.disk.storage.lastIndex;
    player.act({ kind: "propose", node: leader.id });
    assert.deepEqual(leader.disk.log.map(({ isSynced }) => isSynced).slice(-2), [true, false]);
    player.act({ kind: "crash", node: leader.id });
    assert.deepEqual([leader.disk.storage.lastIndex, leader.disk.log.at(-1)?.entry.index], [before, before]);
    player.act({ kind: "restart", node: leader.id });
    assert.equal(leader.node!.lastIndex, before);
  });

  test("hands over the lead, removes a member and takes it back", () => {
    const player = new Player(13);
    const { simulation } = player;
    settle(player);
    const heir = NODES.find((id) => id !== simulation.leader!.id)!;
    player.act({ kind: "transfer", node: heir });
    player.advance(simulation.now.millis + 4_000);
    assert.equal(simulation.leader?.id, heir);
    const gone = NODES.find((id) => id !== heir)!;
    player.act({ kind: "remove", node: gone });
    player.advance(simulation.now.millis + 4_000);
    assert.equal(simulation.leader!.node!.configuration.voters.includes(gone), false);
    player.act({ kind: "add", node: gone });
    settle(player);
    player.advance(simulation.now.millis + 4_000);
    assert.deepEqual(simulation.leader!.node!.configuration.voters, NODES);
    player.act({ kind: "remove", node: gone });
    player.act({ kind: "remove", node: gone });
    player.advance(simulation.now.millis + 4_000);
    assert.equal(simulation.violation, undefined, "an impossible change is refused");
  });

  test("takes nothing more for a node that stands still than its inbox holds, and the node catches up", () => {
    const player = new Player(2);
    const { simulation } = player;
    settle(player);
    const still = NODES.find((id) => id !== simulation.leader!.id)!;
    player.act({ kind: "pause", node: still });
    player.advance(simulation.now.millis + 120_000);
    assert.equal(simulation.member(still).waitingMessages, INBOX_MAX);
    assert.match(sentencesOf(simulation.member(still))[0]!, /64 messages wait/);
    player.act({ kind: "propose", node: simulation.leader!.id });
    player.act({ kind: "resume", node: still });
    settle(player);
    assert.equal(simulation.member(still).machine.count, 1);
  });

  test("loses the share of messages that it is told to", () => {
    const player = new Player(2);
    player.act({ kind: "drop", percent: 30 });
    player.advance(300_000);
    const { sent, lost } = player.simulation.flights.counts;
    assert.ok(lost > sent * 0.25 && lost < sent * 0.35, `${lost} of ${sent}`);
    assert.equal(player.simulation.violation, undefined);
  });

  test("drops proposals that a leader can not commit, rather than keep them all", () => {
    const player = new Player(2);
    const { simulation } = player;
    settle(player);
    const { id } = simulation.leader!;
    player.act({ kind: "isolate", node: id });
    for (let left = 200; left > 0; left--) player.act({ kind: "propose", node: id });
    assert.match(simulation.proposals.newest.at(-1)!.refusal!, /too much uncommitted/);
    assert.ok(simulation.member(id).disk.log.length < 150);
  });

  test("stays within its bounds for 100,000 events of work, losses and elections", () => {
    const player = new Player(5);
    const prng = new Prng(5);
    const { simulation } = player;
    while (simulation.now.events < 100_000) {
      player.advance(simulation.now.millis + 1_000);
      player.act({ kind: "propose", node: prng.pick(NODES) });
      const chance = prng.unit();
      if (chance < 0.02) player.act({ kind: "crash", node: prng.pick(NODES) });
      else if (chance < 0.3) player.act({ kind: "restart", node: prng.pick(NODES) });
      assert.ok(simulation.flights.counts.flying <= FLIGHTS_MAX);
    }
    assert.equal(simulation.violation, undefined);
    assert.ok(simulation.journal.lines.length <= 2 * JOURNAL_LINES_MAX);
    assert.ok(simulation.invariants.size <= TERMS_MAX + COMMITTED_MAX);
    assert.ok(simulation.proposals.newest.length <= PROPOSALS_MAX);
    assert.ok(
      simulation.members.some(({ machine }) => machine.count > 500),
      "values were committed all the time",
    );
    for (const { disk } of simulation.members) assert.ok(disk.log.length <= 2 * LOG_ENTRIES_MAX);
    assert.equal(player.actionsTaken, ACTIONS_MAX);
  });

  test("sends no more than fits on the links", () => {
    const player = new Player(2);
    const { simulation } = player;
    settle(player);
    const follower = NODES.find((id) => id !== simulation.leader!.id)!;
    for (let left = FLIGHTS_MAX + 1; left > 0; left--) player.act({ kind: "propose", node: follower });
    assert.equal(simulation.flights.counts.flying, FLIGHTS_MAX);
    assert.ok(simulation.flights.counts.lost > 0);
    player.advance(simulation.now.millis + 20_000);
    assert.equal(simulation.violation, undefined);
  });
});
