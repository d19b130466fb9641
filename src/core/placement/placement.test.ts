import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type PlacementNode, placeCopies, rankNodes } from "./index.ts";

const KEYS = 6000;

function nodes(count: number, domains = 0, weight: (id: number) => number = () => 1): PlacementNode[] {
  return Array.from({ length: count }, (_, at) => {
    const domain = domains === 0 ? "" : `rack ${at % domains}`;
    return { id: at + 1, domain, weight: weight(at + 1) };
  });
}

/** How many of all keys' copies each node has. */
function loads(all: readonly PlacementNode[], copies: number): Map<number, number> {
  const counts = new Map(all.map(({ id }) => [id, 0]));
  for (let key = 0; key < KEYS; key++) {
    for (const id of placeCopies(key, all, { copies })) counts.set(id, counts.get(id)! + 1);
  }
  return counts;
}

/** Five deviations of a sum of so many independent draws. */
function isNear(count: number, draws: number, share: number): boolean {
  return Math.abs(count - draws * share) <= 5 * Math.sqrt(draws * share * (1 - share));
}

const anyNodes = fc.uniqueArray(
  fc.record({
    id: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    domain: fc.constantFrom("", "a", "b", "c"),
    weight: fc.double({ min: 0.1, max: 100, noNaN: true }),
  }),
  { selector: ({ id }) => id, minLength: 1, maxLength: 12 },
);
const anyKey = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const anyCopies = fc.integer({ min: 1, max: 6 });

describe("placement of copies", () => {
  test("nodes of one weight get even shares, a first copy as well as all of them", () => {
    const all = nodes(7);
    for (const copies of [1, 3]) {
      for (const [id, count] of loads(all, copies)) ok(isNear(count, KEYS, copies / 7), `node ${id}: ${count}`);
    }
  });

  test("a node of twice the weight gets first copies twice as often", () => {
    const all = nodes(5, 0, (id) => (id === 3 ? 2 : 1));
    for (const [id, count] of loads(all, 1)) ok(isNear(count, KEYS, (id === 3 ? 2 : 1) / 6), `node ${id}: ${count}`);
  });

  test("a node without weight gets nothing", () => {
    equal(
      loads(
        nodes(4, 0, (id) => (id === 2 ? 0 : 1)),
        3,
      ).get(2),
      0,
    );
  });

  test("copies lie in as many domains as there are, and no domain has two more than another that has room", () => {
    const property = fc.property(anyNodes, anyKey, anyCopies, (all, key, copies) => {
      const chosen = placeCopies(key, all, { copies }).map((id) => all.find((node) => node.id === id)!);
      const domain = (node: PlacementNode): string => node.domain || `alone ${node.id}`;
      const counts = new Map<string, number>();
      for (const node of chosen) counts.set(domain(node), (counts.get(domain(node)) ?? 0) + 1);
      const most = Math.max(...counts.values());
      for (const node of all) {
        if (!chosen.includes(node)) ok((counts.get(domain(node)) ?? 0) >= most - 1);
      }
    });
    fc.assert(property);
  });

  test("as many copies as asked for, or one on each node", () => {
    const property = fc.property(anyNodes, anyKey, anyCopies, (all, key, copies) => {
      const chosen = placeCopies(key, all, { copies });
      equal(new Set(chosen).size, Math.min(copies, all.length));
    });
    fc.assert(property);
  });

  test("the order in which the nodes are named makes no difference", () => {
    const property = fc.property(anyNodes, anyKey, anyCopies, (all, key, copies) => {
      deepEqual(placeCopies(key, [...all].reverse(), { copies }), placeCopies(key, all, { copies }));
    });
    fc.assert(property);
  });

  test("when a node goes, nothing moves but what it had, and of that one copy", () => {
    const property = fc.property(anyNodes, anyKey, anyCopies, (all, key, copies) => {
      const before = placeCopies(key, all, { copies });
      for (const gone of all) {
        const after = placeCopies(
          key,
          all.filter((node) => node !== gone),
          { copies },
        );
        const lost = before.filter((id) => !after.includes(id));
        deepEqual(lost, before.includes(gone.id) ? [gone.id] : []);
      }
    });
    fc.assert(property);
  });

  test("a node that comes takes about its share, and nothing moves between the others", () => {
    const [before, after] = [nodes(6), nodes(7)];
    let moved = 0;
    for (let key = 0; key < KEYS; key++) {
      const now = placeCopies(key, after, { copies: 3 });
      if (now.includes(7)) moved++;
      else deepEqual(now, placeCopies(key, before, { copies: 3 }));
    }
    ok(isNear(moved, KEYS, 3 / 7), `${moved} of ${KEYS}`);
  });

  test("copies that are there already stay where they are, and their domains count", () => {
    const all = nodes(6, 3);
    for (let key = 0; key < 200; key++) {
      const holders = [all[0]!, all[1]!];
      const [third, ...others] = placeCopies(key, all, { copies: 3, holders });
      deepEqual(others, []);
      ok(third === 3 || third === 6, "the third domain's nodes are 3 and 6");
    }
  });

  test("a holder that is not among the nodes any more counts, and is not named again", () => {
    const gone = { id: 9, domain: "", weight: 1 };
    equal(placeCopies(1, nodes(3), { copies: 3, holders: [gone] }).length, 2);
    deepEqual(placeCopies(1, nodes(3), { copies: 1, holders: [gone] }), []);
  });

  test("which node is best does not depend on which others there are", () => {
    const property = fc.property(anyNodes, anyKey, (all, key) => {
      const ranked = rankNodes(key, all);
      deepEqual(
        rankNodes(key, all.slice(1)),
        ranked.filter((node) => node !== all[0]),
      );
    });
    fc.assert(property);
  });
});
