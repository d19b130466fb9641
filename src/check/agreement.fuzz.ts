import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../std/prng.ts";
import { fuzzRuns, simulationSeeds } from "../testing/seeds.ts";
import {
  checkCausalAgainstDefinition,
  checkObjectAgainstDefinition,
  checkTransactionsAgainstDefinition,
} from "./testing/agreement.ts";

// Each checker beside the definition of what it checks, tried out in full, on random small histories: half of them right by construction.

const [SEED = 1] = simulationSeeds(1);
const RUNS = fuzzRuns(10_000);

function agreement(name: string, runs: number, run: (prng: Prng, seed: string) => boolean): void {
  test(`${name}: the checker and its definition agree on ${runs} small histories`, (context) => {
    let violations = 0;
    for (let at = 0; at < runs; at++) {
      const seed = SEED * 1_000_003 + at;
      if (run(new Prng(seed), `seed ${seed}`)) violations++;
    }
    context.diagnostic(`${violations} of ${runs} were violations`);
    assert.ok(runs < 100 || (violations > runs / 50 && violations < runs), `${violations} violations of ${runs}`);
  });
}

agreement("linearizability of all models", RUNS, (prng, seed) =>
  checkObjectAgainstDefinition(prng, "linearizable", seed),
);
agreement("sequential consistency of all models", RUNS, (prng, seed) =>
  checkObjectAgainstDefinition(prng, "sequential", seed),
);
agreement("causal consistency of registers", RUNS, checkCausalAgainstDefinition);
agreement("serializability of lists", RUNS, (prng, seed) =>
  checkTransactionsAgainstDefinition(prng, "serializable", seed),
);
agreement("strict serializability of lists", RUNS, (prng, seed) =>
  checkTransactionsAgainstDefinition(prng, "strict-serializable", seed),
);
