import assert from "node:assert/strict";
import type { Prng } from "../../std/prng.ts";
import { checkHistory } from "../check-history.ts";
import { parseHistory } from "../history.ts";
import { MODELS, type ModelName } from "../models/index.ts";
import { isCausalMemory, isLinearizable, isSequential, isSerializable } from "./brute-force.ts";
import { linesOf, mutated, type SimulatedEvent, simulatedHistory } from "./simulated.ts";
import { transactionHistory } from "./transactions.ts";

// One random small history, checked and compared with the definition. Each says whether it was a violation; where the two differ, the
// assertion shows the seed and the history.

const NAMES = Object.keys(MODELS) as ModelName[];

export function checkObjectAgainstDefinition(
  prng: Prng,
  consistency: "linearizable" | "sequential",
  seed: string,
): boolean {
  const name = prng.pick(NAMES);
  const isRight = prng.chance(0.5);
  const events = maybeMutated(prng, isRight, {
    model: name,
    processes: 2 + prng.below(3),
    operations: 3 + prng.below(5),
    values: prng.below(4),
    keys: 1 + prng.below(2),
    unknownChance: prng.pick([0, 0.2, 0.4]),
  });
  const history = linesOf(events);
  const operations = parseHistory(history);
  const model = MODELS[name];
  const isDefined = consistency === "linearizable" ? isLinearizable : isSequential;
  const expected = isDefined(operations, model);
  if (isRight) assert.ok(expected, `${seed}: right by construction\n${history}`);
  const verdict = checkHistory(operations, { model: name, consistency });
  assert.equal(verdict.verdict, expected ? "ok" : "violation", `${seed}: ${name}, ${consistency}\n${history}`);
  if (verdict.verdict !== "violation") return false;
  // What is shown is a violation by itself, and stays one whatever the others did.
  const shown = verdict.operations;
  assert.ok(shown.length > 0 && !isDefined(shown, model), `${seed}: ${name}, the counter-example\n${history}`);
  return true;
}

export function checkCausalAgainstDefinition(prng: Prng, seed: string): boolean {
  const isRight = prng.chance(0.2);
  const parts = { processes: 2 + prng.below(2), operations: 4 + prng.below(4), values: prng.pick([0, 0, 2, 3]) };
  const events = maybeMutated(prng, isRight, { model: "register", keys: 1 + prng.below(2), ...parts });
  const history = linesOf(events);
  const operations = parseHistory(history);
  const expected = isCausalMemory(operations);
  const verdict = checkHistory(operations, { model: "register", consistency: "causal" });
  assert.equal(verdict.verdict, expected ? "ok" : "violation", `${seed}: causal\n${history}`);
  if (verdict.verdict !== "violation") return false;
  assert.ok(!isCausalMemory(verdict.operations), `${seed}: causal, the counter-example\n${history}`);
  return true;
}

export function checkTransactionsAgainstDefinition(
  prng: Prng,
  consistency: "serializable" | "strict-serializable",
  seed: string,
): boolean {
  const isolation = prng.pick(["serial", "dirty", "snapshot", "stale"] as const);
  const parts = { processes: 2 + prng.below(2), transactions: 2 + prng.below(4), keys: 1 + prng.below(2), stepsMax: 3 };
  const history = linesOf(transactionHistory(prng, { ...parts, isolation, unknownChance: prng.pick([0, 0.2]) }));
  const operations = parseHistory(history);
  const expected = isSerializable(operations, consistency === "strict-serializable");
  if (isolation === "serial") assert.ok(expected, `${seed}: right by construction\n${history}`);
  const verdict = checkHistory(operations, { model: "list-append", consistency });
  assert.equal(verdict.verdict, expected ? "ok" : "violation", `${seed}: ${consistency}\n${history}`);
  return verdict.verdict === "violation";
}

function maybeMutated(prng: Prng, isRight: boolean, parts: Parameters<typeof simulatedHistory>[1]): SimulatedEvent[] {
  let events = simulatedHistory(prng, parts);
  for (let times = isRight ? 0 : 1 + prng.below(3); times > 0; times--) events = mutated(prng, events);
  return events;
}
