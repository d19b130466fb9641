import assert from "node:assert/strict";
import { test } from "node:test";
import { Prng } from "../../../std/prng.ts";
import { fuzzRuns, simulationSeeds } from "../../../testing/seeds.ts";
import { Wildcard, wildcardTokens } from "./wildcard.ts";

const RUNS = fuzzRuns(20_000);
const [SEED = 1] = simulationSeeds(1);

/** A row of a table for each character of the pattern: quadratic, and plain to see that it is right. */
function matchesByTable(pattern: readonly string[], text: readonly string[]): boolean {
  let row = [true, ...text.map(() => false)];
  for (const token of pattern) {
    const next = [token === "*" && row[0]!];
    for (const [at, character] of text.entries()) {
      if (token === "*") next.push(next[at]! || row[at + 1]!);
      else next.push(row[at]! && (token === "?" || token === character));
    }
    row = next;
  }
  return row.at(-1)!;
}

function draw(prng: Prng, length: number, alphabet: readonly string[]): string {
  return Array.from({ length }, () => prng.pick(alphabet)).join("");
}

/** A text that the pattern matches, or nearly. */
function textFor(prng: Prng, pattern: string): string {
  let text = "";
  for (const token of pattern) {
    if (token === "*") text += draw(prng, prng.below(8), ["a", "b", "/"]);
    else text += token === "?" || prng.chance(0.02) ? prng.pick(["a", "b", "😀"]) : token;
  }
  return text;
}

test("random patterns match random texts as a table of all places does", () => {
  for (let run = 0; run < RUNS; run++) {
    const seed = SEED + run;
    const prng = new Prng(seed);
    const alphabet = prng.chance(0.3) ? ["a", "*", "?"] : ["a", "b", "/", "😀", "*", "?"];
    const pattern = draw(prng, prng.below(prng.chance(0.1) ? 90 : 12), alphabet);
    const text = prng.chance(0.7) ? textFor(prng, pattern) : draw(prng, prng.below(20), ["a", "b", "/", "😀"]);
    const found = new Wildcard(wildcardTokens(pattern)).matches(text);
    assert.equal(found, matchesByTable([...pattern], [...text]), `seed ${seed}: ${pattern} on ${text}`);
  }
});
