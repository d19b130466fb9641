import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Prng } from "../std/prng.ts";
import { type Operation, parseHistory } from "./history.ts";
import { checkLinearizability } from "./linearizability.ts";
import { MODELS, type ModelName } from "./models/index.ts";
import { QUEUE } from "./models/queue.ts";
import { CAS_REGISTER, REGISTER } from "./models/register.ts";
import { checkObjectAgainstDefinition } from "./testing/agreement.ts";
import { historyOf, serially } from "./testing/notation.ts";
import { linesOf, type SimulatedParts, simulatedHistory } from "./testing/simulated.ts";

function simulated(seed: number, parts: SimulatedParts): Operation[] {
  return parseHistory(linesOf(simulatedHistory(new Prng(seed), parts)));
}

/** A read in the middle of a history that saw what had been overwritten long before. */
function withStaleRead(seed: number, parts: SimulatedParts): Operation[] {
  const operations = simulated(seed, parts);
  const reads = operations.filter(({ function: name, outcome }) => name === "read" && outcome === "ok");
  const middle = reads[reads.length >> 1]!;
  const old = reads.findLast(({ end, output }) => end < middle.start - 200 && output !== middle.output)!;
  return operations.map((each) => (each === middle ? { ...each, output: old.output } : each));
}

const NAMES = Object.keys(MODELS) as ModelName[];

describe("the search for an order", () => {
  for (const name of NAMES) {
    test(`accepts what a right ${name} did, whoever crashed`, () => {
      for (let seed = 1; seed <= 20; seed++) {
        for (const unknownChance of [0, 0.1]) {
          const values = name === "queue" ? 0 : 4;
          const operations = simulated(seed, { model: name, processes: 4, operations: 60, values, unknownChance });
          assert.equal(checkLinearizability(operations, MODELS[name]).verdict, "ok", `seed ${seed}`);
        }
      }
    });
  }

  test("agrees with the definition on small histories", () => {
    for (let seed = 1; seed <= 1_000; seed++)
      checkObjectAgainstDefinition(new Prng(seed), "linearizable", `seed ${seed}`);
  });

  test("checks a long history of many processes", () => {
    for (const [name, values] of [
      ["register", 0],
      ["register", 5],
      ["cas-register", 5],
      ["mutex", 0],
      ["queue", 0],
    ] as const) {
      const size = name === "queue" ? { processes: 8, operations: 1_000 } : { processes: 30, operations: 5_000 };
      const operations = simulated(3, { model: name, ...size, values });
      assert.equal(checkLinearizability(operations, MODELS[name]).verdict, "ok", `${name} ${values}`);
    }
  });
});

describe("a counter-example", () => {
  test("is a handful of a long history's operations, found without a search where values differ", () => {
    const operations = withStaleRead(7, { model: "register", processes: 20, operations: 5_000, values: 0 });
    const verdict = checkLinearizability(operations, REGISTER);
    assert.ok(verdict.verdict === "violation");
    assert.ok(verdict.operations.length <= 4, `${verdict.operations.length} operations`);
  });

  test("is a handful of a long history's operations where the search found it", () => {
    const operations = simulated(9, { model: "cas-register", processes: 4, operations: 2_000, values: 5 });
    const cas = operations.filter(({ function: name, outcome }) => name === "cas" && outcome === "ok")[50]!;
    const wrong = operations.map((each) => (each === cas ? { ...each, input: [99, 1] } : each));
    const verdict = checkLinearizability(wrong, CAS_REGISTER);
    assert.ok(verdict.verdict === "violation");
    assert.deepEqual(
      verdict.operations.map(({ id }) => id),
      [cas.id],
    );
  });

  test("says how far an order gets, and what can not follow", () => {
    const verdict = checkLinearizability(historyOf(serially("0 write 1", "0 write 2", "1 read -> 1")), REGISTER);
    assert.ok(verdict.verdict === "violation");
    assert.deepEqual(verdict.explanation, [
      "No order of these 3 operations keeps to real time and to what a register does.",
      "The longest order that can be found is: process 0: write 1 -> ok; process 0: write 2 -> ok.",
      "Then the value is 2, and what is left can not follow: process 1: read -> 1.",
    ]);
  });

  test("shows where its values came from", () => {
    const history = historyOf(serially("0 enqueue 1", "0 enqueue 2", "0 enqueue 3", "1 dequeue -> 2"));
    const verdict = checkLinearizability(history, QUEUE);
    assert.ok(verdict.verdict === "violation");
    assert.deepEqual(
      verdict.operations.map(({ input, output }) => [input, output]),
      [
        [1, null],
        [2, null],
        [null, 2],
      ],
    );
  });
});

describe("a search that would go on too long", () => {
  // A thousand operations of unknown outcome on six values: whichever of them took effect, there are others that could have.
  const endless = simulated(1, {
    model: "cas-register",
    processes: 30,
    operations: 20_000,
    values: 6,
    unknownChance: 0.05,
  });

  test("ends without a verdict where the caller's time is up", () => {
    let asked = 0;
    const verdict = checkLinearizability(endless, CAS_REGISTER, { isOver: () => ++asked === 3 });
    assert.deepEqual([verdict.verdict, asked], ["unknown", 3]);
    assert.ok(verdict.verdict === "unknown" && verdict.reason === "time");
  });

  test("ends without a verdict where it would remember too much", () => {
    const verdict = checkLinearizability(endless, CAS_REGISTER, { memoryBytesMax: 100_000 });
    assert.ok(verdict.verdict === "unknown" && verdict.reason === "memory");
  });

  test("does not hide the violation of another object", () => {
    const bad = historyOf(serially("900 write@easy 1", "900 cas@easy [2,3]"));
    const verdict = checkLinearizability([...endless, ...bad], CAS_REGISTER, { memoryBytesMax: 100_000 });
    assert.ok(verdict.verdict === "violation" && verdict.key === "easy");
  });
});
