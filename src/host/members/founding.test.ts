import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Holding } from "../transport/frame.ts";
import { Founding } from "./founding.ts";

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function fixture(others: readonly number[]) {
  const told: number[] = [];
  const founding = new Founding({ others, tell: (to) => told.push(to) });
  let result: unknown = "open";
  founding.result.then(
    (value) => (result = value),
    (error) => (result = error.code),
  );
  return { founding, told, result: () => settled().then(() => result) };
}

describe("founders", () => {
  test("begin once each of the others holds no more than the foundation", async () => {
    const { founding, result } = fixture([2, 3]);
    founding.heard(2, "nothing");
    assert.deepEqual(founding.missing, [3]);
    assert.equal(await result(), "open");
    founding.heard(3, "foundation");
    assert.equal(await result(), "founded");
  });

  test("come back as lost where one of the others holds more, whatever comes later", async () => {
    const { founding, result } = fixture([2, 3]);
    founding.heard(2, "nothing");
    founding.heard(3, "something");
    founding.heard(3, "nothing");
    assert.equal(await result(), "lost");
  });

  test("do not listen to a node that is none of them", async () => {
    const { founding, result } = fixture([2, 3]);
    for (const holding of ["something", "nothing"] as const) founding.heard(9, holding);
    founding.heard(2, "nothing");
    founding.heard(2, "nothing");
    assert.equal(await result(), "open");
  });

  test("tell each of the others again and again", () => {
    const { founding, told } = fixture([2, 3]);
    founding.tell();
    founding.tell();
    assert.deepEqual(told, [2, 3, 2, 3]);
  });

  test("stop waiting when their host ends", async () => {
    const { founding, result } = fixture([2]);
    founding.stop();
    assert.equal(await result(), "STOPPED");
  });
});

// Every way in which three founders can begin, vote, and lose a disk, with each of them in any order. A node is one
// word: what it holds, in which life it is, and whom it has met in that life. Frames that are on their way to a life
// that is over do not count, as the host sees to; those of an earlier life of their sender may still come.

type Disk = "nothing" | "foundation" | "something";
interface Node {
  readonly disk: Disk;
  readonly life: number;
  readonly isLost: boolean;
  readonly isFounding: boolean;
  /** In any of its lives. */
  readonly hasPromised: boolean;
  readonly met: readonly number[];
}
interface World {
  readonly nodes: readonly Node[];
  readonly frames: readonly { from: number; to: number; toLife: number; holding: Holding }[];
  readonly losses: number;
  readonly crashes: number;
}

const FRESH: Node = { disk: "nothing", life: 1, isLost: false, isFounding: true, hasPromised: false, met: [] };

const PROMISED: Partial<Node> = { disk: "something", hasPromised: true };

function withNode(world: World, at: number, change: Partial<Node>): World {
  return { ...world, nodes: world.nodes.map((node, index) => (index === at ? { ...node, ...change } : node)) };
}

/** The same for worlds that differ only in the order in which frames were sent: they arrive in any order. */
function keyOf({ nodes, frames, losses, crashes }: World): string {
  const of = (node: Node): string => {
    return `${node.disk[0]}${node.life}${node.isLost ? "l" : ""}${node.isFounding ? "f" : ""}${node.hasPromised ? "p" : ""}${node.met}`;
  };
  const sent = frames.map(({ from, to, toLife, holding }) => `${from}${to}${toLife}${holding[0]}`).sort();
  return `${nodes.map(of).join("|")} ${sent} ${losses}${crashes}`;
}

function* next(world: World): Generator<World> {
  const { nodes, frames } = world;
  for (const [at, node] of nodes.entries()) {
    for (const [to, other] of nodes.entries()) {
      if (to === at || node.isLost) continue;
      // A founder tells of itself; whoever holds the group answers founders only.
      if (!node.isFounding && !other.isFounding) continue;
      const frame = { from: at, to, toLife: other.life, holding: node.disk };
      const isOnItsWay = frames.some((one) => one.from === at && one.to === to);
      if (frames.length < 2 && !isOnItsWay) yield { ...world, frames: [...frames, frame] };
    }
    // An election: two members that hold the group make a quorum; both hold a promise then.
    for (const [to, other] of nodes.entries()) {
      const canLead = !node.isFounding && !node.isLost && !other.isFounding && !other.isLost && to !== at;
      if (canLead && (node.disk !== "something" || other.disk !== "something"))
        yield withNode(withNode(world, at, PROMISED), to, PROMISED);
    }
    if (world.crashes + world.losses < 1 && node.isFounding)
      yield { ...withNode(world, at, { life: node.life + 1, met: [] }), crashes: world.crashes + 1 };
    if (world.crashes + world.losses < 1 && node.disk !== "nothing")
      yield {
        ...withNode(world, at, { ...FRESH, life: node.life + 1, hasPromised: node.hasPromised }),
        losses: world.losses + 1,
      };
  }
  for (const [at, frame] of frames.entries()) {
    const rest = { ...world, frames: frames.filter((_, index) => index !== at) };
    const node = nodes[frame.to]!;
    if (!node.isFounding || frame.toLife !== node.life) {
      yield rest;
    } else if (frame.holding === "something") {
      yield withNode(rest, frame.to, { isFounding: false, isLost: true });
    } else {
      const met = [...new Set([...node.met, frame.from])].sort();
      if (met.length < 2) yield withNode(rest, frame.to, { met });
      else yield withNode(rest, frame.to, { met: [], isFounding: false, disk: "foundation" });
    }
  }
}

describe("three founders in every order, with a crash or a lost disk", () => {
  test("never begin anew where they had promised something, and without a loss two of them can always go on", () => {
    const start: World = { nodes: [FRESH, FRESH, FRESH], frames: [], losses: 0, crashes: 0 };
    const seen = new Set<string>([keyOf(start)]);
    const open = [start];
    let foundings = 0;
    let losses = 0;
    for (let before = open.pop(); before !== undefined; before = open.pop()) {
      for (const world of next(before)) {
        const key = keyOf(world);
        if (seen.has(key)) continue;
        seen.add(key);
        open.push(world);
        for (const [at, node] of world.nodes.entries()) {
          if (node.disk === "foundation" && before.nodes[at]!.disk === "nothing") {
            foundings++;
            assert.ok(!node.hasPromised, `${at} forgot what it promised: ${key}`);
          }
          if (node.isLost) losses++;
        }
        const active = world.nodes.filter(({ isLost }) => !isLost).length;
        if (world.losses === 0) assert.ok(active >= 2, `nobody can be elected: ${key}`);
      }
    }
    assert.ok(foundings > 1000 && losses > 1000);
  });
});
