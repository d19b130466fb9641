import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { PeerLives } from "./peer-lives.ts";

describe("frames of another node", () => {
  test("count once and in their order, in each of its lives", () => {
    const lives = new PeerLives();
    const accepted = [
      [1, 1],
      [1, 1],
      [1, 3],
      [1, 2],
      [2, 1],
      [1, 4],
      [1, 4],
      [2, 1],
      [2, 2],
    ].map(([life, number]) => lives.accepts(7, { life: life!, number: number! }, 0));
    assert.deepEqual(accepted, [true, false, true, false, true, true, false, false, true]);
  });

  test("are told apart by node", () => {
    const lives = new PeerLives();
    assert.ok(lives.accepts(7, { life: 1, number: 1 }, 0));
    assert.ok(lives.accepts(8, { life: 1, number: 1 }, 0));
    assert.equal(lives.lastOf(7), 1);
    assert.equal(lives.lastOf(9), 0);
  });

  test("of the life that goes on are known however many others were heard of", () => {
    const lives = new PeerLives();
    lives.accepts(7, { life: 1, number: 1 }, 0);
    for (let life = 2; life < 40; life++) {
      lives.accepts(7, { life, number: 1 }, 0);
      assert.equal(lives.accepts(7, { life: 1, number: 1 }, 0), false);
      lives.accepts(7, { life: 1, number: life }, 0);
    }
  });

  test("also those that do not count say that it lives", () => {
    const lives = new PeerLives();
    lives.accepts(7, { life: 1, number: 1 }, 0);
    assert.deepEqual(lives.silentSince(9), []);
    assert.deepEqual(lives.silentSince(10), [7]);
    lives.accepts(7, { life: 1, number: 1 }, 10);
    assert.deepEqual(lives.silentSince(19), []);
  });
});
