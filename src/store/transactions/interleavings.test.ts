// Every order of the commands of two transactions and a reader over two groups.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TransactionBug } from "../machine/prepared-bugs.ts";
import type { Commit } from "../store.ts";
import { type Operation, type Scenario, World } from "../testing/interleavings.ts";
import { absent, put } from "../testing/machine-driver.ts";

type Case = Omit<Scenario, "bugs">;

const BLIND: Case = {
  commits: [{ puts: [put("x", "0"), put("y", "0")] }, { puts: [put("y", "1"), put("x", "1")] }],
  reads: ["x", "y"],
  resolved: [],
};

/** Either may commit, never both. */
const SKEW: Case = {
  commits: [
    { checks: [absent("x")], puts: [put("y", "0")] },
    { checks: [absent("y")], puts: [put("x", "1")] },
  ],
  reads: ["x", "y"],
  resolved: [],
};

const RESOLVED: Case = { commits: [BLIND.commits[0]!], reads: ["y", "x", "y"], resolved: [0] };

const CASES: readonly (readonly [string, Case])[] = [
  ["that write the same rows", BLIND],
  ["that each check what the other writes", SKEW],
  ["of which one is resolved by who waits for it", RESOLVED],
];

describe("every order of the commands of transactions and a reader over two groups", () => {
  for (const [name, scenario] of CASES) {
    test(`is strictly serializable: ${name}`, () => {
      const { histories, fault } = explore({ ...scenario, bugs: new Set() });
      assert.equal(fault, undefined);
      assert.ok(histories > 10);
    });
  }

  const found: readonly (readonly [TransactionBug, Case])[] = [
    ["forget-checked-rows", SKEW],
    ["read-under-lock", BLIND],
    ["finish-before-decision", RESOLVED],
    ["decide-without-lock", RESOLVED],
    ["abort-over-decision", RESOLVED],
    ["prepare-behind-fence", RESOLVED],
  ];
  for (const [bug, scenario] of found) {
    test(`shows this mistake: ${bug}`, () => {
      assert.ok(explore({ ...scenario, bugs: new Set([bug]) }).fault !== undefined);
    });
  }
});

/** Runs all orders up to the first fault; two runs that have come to the same state go on as one. */
function explore(scenario: Scenario): { readonly histories: number; readonly fault: string | undefined } {
  const seen = new Set<string>();
  const ends = new Set<string>();
  const open: number[][] = [[]];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const world = new World(scenario);
    for (const choice of path) world.actions()[choice]!();
    const text = world.text();
    if (seen.has(text)) continue;
    seen.add(text);
    const actions = world.actions();
    for (const choice of actions.keys()) open.push([...path, choice]);
    if (actions.length > 0) continue;
    const end = JSON.stringify([world.operations, world.value("x"), world.value("y")]);
    if (ends.has(end)) continue;
    ends.add(end);
    const isClean = scenario.resolved.length > 0 || world.left === 0;
    if (!isClean || !isStrictlySerializable(scenario.commits, world)) return { histories: ends.size, fault: end };
  }
  return { histories: ends.size, fault: undefined };
}

/** Tries every order of the operations that took effect which keeps to the order in which they were seen. */
function isStrictlySerializable(commits: readonly Commit[], world: World): boolean {
  const rows = { x: world.value("x"), y: world.value("y") };
  const took = world.operations.filter(({ row, result }) => row !== undefined || result === "committed");
  const fits = (left: readonly Operation[], state: Readonly<Record<string, string>>): boolean => {
    if (left.length === 0) return state["x"] === rows.x && state["y"] === rows.y;
    return left.some((next) => {
      const others = left.filter((other) => other !== next);
      if (others.some(({ name }) => next.after.includes(name))) return false;
      const behind = effect(commits, next, state);
      return behind !== undefined && fits(others, behind);
    });
  };
  return fits(took, { x: "none", y: "none" });
}

/** The rows behind an operation, or undefined where it can not have been the next. */
function effect(
  commits: readonly Commit[],
  { row, number, result }: Operation,
  state: Readonly<Record<string, string>>,
): Record<string, string> | undefined {
  if (row !== undefined) return state[row] === result ? state : undefined;
  const { checks = [], puts = [] } = commits[number!]!;
  const text = (key: Uint8Array): string => new TextDecoder().decode(key);
  if (checks.some(({ key }) => state[text(key)] !== "none")) return undefined;
  return { ...state, ...Object.fromEntries(puts.map(({ key, value }) => [text(key), text(value)])) };
}
