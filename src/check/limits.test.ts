import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../std/prng.ts";
import { checkHistory } from "./check-history.ts";
import { parseHistory } from "./history.ts";
import { checkObjectAgainstDefinition, checkTransactionsAgainstDefinition } from "./testing/agreement.ts";
import { historyOf, serially } from "./testing/notation.ts";
import { linesOf, simulatedHistory } from "./testing/simulated.ts";
import { transactionHistory } from "./testing/transactions.ts";

const right = parseHistory(
  linesOf(simulatedHistory(new Prng(1), { model: "kv", processes: 12, operations: 600, values: 3, keys: 3 })),
);

test("the search for a sequential order ends where time or memory does", () => {
  let asked = 0;
  const late = checkHistory(right, { model: "kv", consistency: "sequential", isOver: () => ++asked === 2 });
  assert.ok(late.verdict === "unknown" && late.reason === "time");
  const small = checkHistory(right, { model: "kv", consistency: "sequential", memoryBytesMax: 50_000 });
  assert.ok(small.verdict === "unknown" && small.reason === "memory");
});

test("causal consistency of values that are written again and again is not decided", () => {
  const reads = Array.from({ length: 14 }, (_, at) => `${at % 3} read -> 1`);
  const operations = historyOf(serially("0 write 1", "1 write 1", ...reads));
  const verdict = checkHistory(operations, { model: "register", consistency: "causal" });
  assert.ok(verdict.verdict === "unknown" && verdict.reason === "ambiguous");
  const over = checkHistory(operations.slice(0, 5), { model: "register", consistency: "causal", isOver: () => true });
  assert.ok(over.verdict === "unknown" && over.reason === "time");
});

test("transactions: without time there is no verdict, but what needs no cycle is found all the same", () => {
  const parts = { processes: 4, transactions: 50, keys: 3, stepsMax: 3, isolation: "serial" } as const;
  const operations = parseHistory(linesOf(transactionHistory(new Prng(1), parts)));
  const late = checkHistory(operations, { model: "list-append", isOver: () => true });
  assert.ok(late.verdict === "unknown" && late.reason === "time");
  const garbage = historyOf('0 invoke txn [["r","x",null]]\n0 ok [["r","x",[9]]]');
  assert.equal(checkHistory(garbage, { model: "list-append", isOver: () => true }).verdict, "violation");
});

test("thousands of right transactions show no anomaly", () => {
  const parts = { processes: 10, transactions: 3_000, keys: 60, stepsMax: 4, unknownChance: 0.02 } as const;
  const operations = parseHistory(linesOf(transactionHistory(new Prng(2), { ...parts, isolation: "serial" })));
  assert.equal(checkHistory(operations, { model: "list-append", consistency: "strict-serializable" }).verdict, "ok");
});

test("sequential orders and transactions agree with their definitions on small histories", () => {
  for (let seed = 1; seed <= 300; seed++) {
    checkObjectAgainstDefinition(new Prng(seed), "sequential", `seed ${seed}`);
    checkTransactionsAgainstDefinition(new Prng(seed), "serializable", `seed ${seed}`);
    checkTransactionsAgainstDefinition(new Prng(seed), "strict-serializable", `seed ${seed}`);
  }
});
