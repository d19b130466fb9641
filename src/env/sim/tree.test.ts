import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import { Prng } from "../../std/prng.ts";
import { scanTree, Tree, type TreeState } from "./tree.ts";

describe("Tree", () => {
  test("every order of inserting and deleting a few keys agrees with a sorted list", () => {
    const keys = [1, 2, 3, 4, 5];
    for (const inserts of permutations(keys)) {
      for (const deletes of [inserts, inserts.toReversed(), keys]) {
        const tree = new Tree();
        for (const key of inserts) tree.put(Uint8Array.of(key), Uint8Array.of(key * 2));
        deepEqual(numbers(tree.state()), keys);
        const left = new Set(keys);
        for (const key of deletes) {
          tree.delete(Uint8Array.of(key));
          left.delete(key);
          deepEqual(numbers(tree.state()), [...left].sort());
        }
      }
    }
  });

  test("grown and shrunk through several levels, in order, against it and at random, it keeps all states", () => {
    for (const order of ["ascending", "descending", "random"]) {
      const random = new Prng(order.length);
      const keys = Array.from({ length: 5_000 }, (_, at) => at);
      if (order === "descending") keys.reverse();
      if (order === "random") keys.sort(() => random.unit() - 0.5);
      const tree = new Tree();
      const states: [TreeState, number][] = [];
      keys.forEach((key, at) => {
        tree.put(keyOf(key), keyOf(key));
        if (at % 500 === 499) states.push([tree.state(), at + 1]);
      });
      for (const key of keys.slice(0, 4_990)) tree.delete(keyOf(key));
      deepEqual(
        numbers(tree.state()),
        keys.slice(4_990).sort((left, right) => left - right),
      );
      for (const key of keys.slice(4_990)) tree.delete(keyOf(key));
      deepEqual(numbers(tree.state()), []);
      for (const [state, size] of states) {
        deepEqual(
          numbers(state),
          keys.slice(0, size).sort((left, right) => left - right),
        );
      }
    }
  });

  test("a state does not see what is put over it in place", () => {
    const tree = new Tree();
    tree.put(keyOf(1), Uint8Array.of(1));
    const before = tree.state();
    tree.put(keyOf(1), Uint8Array.of(2));
    equal(new Tree(before).get(keyOf(1))?.[0], 1);
    equal(tree.get(keyOf(1))?.[0], 2);
  });
});

function keyOf(number: number): Uint8Array {
  return Uint8Array.of(number >> 8, number & 0xff);
}

function numbers(state: TreeState): number[] {
  const rows = scanTree(state, { limit: 100_000 });
  deepEqual(scanTree(state, { limit: 100_000, reverse: true }), rows.toReversed());
  return rows.map(({ key }) => key.reduce((sum, byte) => sum * 256 + byte, 0));
}

function* permutations(items: readonly number[]): Generator<number[], void, void> {
  if (items.length === 0) yield [];
  for (const first of items) {
    for (const rest of permutations(items.filter((item) => item !== first))) yield [first, ...rest];
  }
}
