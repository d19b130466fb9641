// Scenes that show one thing each. A scene is set by actions like any reader's, so a link to it works, and it says what to look for.

import { NODES } from "./action.ts";
import type { Member } from "./member.ts";
import { Player } from "./player.ts";

export interface Exercise {
  readonly id: string;
  readonly title: string;
  /** What has been done, and what comes of it. */
  readonly text: string;
  set(): Player;
}

const ELECTION_MILLIS_MAX = 60_000;

export const EXERCISES: readonly Exercise[] = [
  {
    id: "check-quorum",
    title: "A leader without a quorum steps down",
    text: "The leader is cut off from three of the four others. It still hears one of them, so it can not know at once. Within two election timeouts its check of the quorum makes it a follower, and the other three elect a leader of a higher term.",
    set: () =>
      scene(3, (player, leader, others) => {
        for (const other of others.slice(1)) cutBoth(player, leader.id, other);
      }),
  },
  {
    id: "overwritten",
    title: "What a minority accepted is overwritten",
    text: "The leader and one other node are cut off from the rest, and a client proposes v2 there: it stays a dashed or uncommitted cell, for two of five are no majority. Wait until the other three have a leader, propose something through one of them, then mend all links: v2 disappears. Nobody had been told that it was committed.",
    set: () =>
      scene(11, (player, leader, others) => {
        player.act({ kind: "propose", node: leader.id });
        pass(player, 4_000);
        for (const mate of [leader.id, others[0]!]) for (const other of others.slice(1)) cutBoth(player, mate, other);
        player.act({ kind: "propose", node: leader.id });
      }),
  },
  {
    id: "one-way",
    title: "A deaf node does not disturb the group",
    text: "One follower no longer hears the leader, but all hear the follower. It asks again and again whether it could win, and the others refuse, for they hear their leader: that is pre-vote. Its term stays as it is. Without pre-vote it would raise the term each time and bring the leader down.",
    set: () =>
      scene(5, (player, leader, others) => {
        player.act({ kind: "cut", from: leader.id, to: others[0]! });
      }),
  },
  {
    id: "snapshot",
    title: "Who comes too late gets a snapshot",
    text: "A follower crashed, six values were committed without it, and the leader has compacted its log. Restart the crashed node: the leader looks for the place where the logs meet, finds that it has given it up, and sends a snapshot (S) before it goes on with entries.",
    set: () =>
      scene(8, (player, leader, others) => {
        player.act({ kind: "crash", node: others[0]! });
        for (let left = 6; left > 0; left--) {
          player.act({ kind: "propose", node: leader.id });
          pass(player, 300);
        }
        pass(player, 3_000);
        player.act({ kind: "snapshot", node: leader.id });
      }),
  },
  {
    id: "lost-disk",
    title: "A node that lost its disk must not vote",
    text: "A follower loses its disk. It has forgotten whom it voted for and what it acknowledged, so it keeps silent (R tells the leader) until the group has committed that it is a learner. Then it gets the log again, and when it has caught up the leader makes it a voter.",
    set: () =>
      scene(21, (player, leader, others) => {
        player.act({ kind: "propose", node: leader.id });
        pass(player, 3_000);
        player.act({ kind: "wipe", node: others[0]! });
      }),
  },
];

/** Runs until a leader has committed the entry that begins its term, then sets the scene. */
function scene(seed: number, set: (player: Player, leader: Member, others: readonly number[]) => void): Player {
  const player = new Player(seed);
  const { simulation } = player;
  const hasSettled = (): boolean => simulation.members.every(({ applied }) => applied >= 2);
  while (!hasSettled() && simulation.now.millis < ELECTION_MILLIS_MAX) pass(player, 100);
  const { leader } = simulation;
  if (leader === undefined) return player;
  set(
    player,
    leader,
    NODES.filter((id) => id !== leader.id),
  );
  return player;
}

function pass(player: Player, millis: number): void {
  player.advance(player.simulation.now.millis + millis);
}

function cutBoth(player: Player, one: number, other: number): void {
  player.act({ kind: "cut", from: one, to: other });
  player.act({ kind: "cut", from: other, to: one });
}
