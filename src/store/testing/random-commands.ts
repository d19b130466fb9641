import type { Entry } from "../../host/index.ts";
import type { Prng } from "../../std/prng.ts";
import type { Check, Commit } from "../store.ts";
import { absent, at, commit, end, expire, grant, put, revision } from "./machine-driver.ts";

/**
 * Entries of random commands over few rows, leases and sessions, so that they meet: checks that hold and fail, rows
 * that change their lease, requests that come again, leases that end while they are used.
 */
export function randomEntries(prng: Prng, count: number): Entry[] {
  const entries: Entry[] = [];
  let term = 1;
  for (let index = 1; index <= count; index++) {
    if (prng.chance(0.05)) term++;
    const commands = Array.from({ length: prng.below(5) }, () => randomCommand(prng, index, term));
    entries.push({ index, term, commands });
  }
  return entries;
}

function randomCommand(prng: Prng, age: number, term: number): Uint8Array {
  const choice = prng.unit();
  if (choice < 0.08) return grant(1000 + prng.below(1000));
  if (choice < 0.14) return end(1 + prng.below(8));
  if (choice < 0.2) return expire(1 + prng.below(8), Math.max(1, term - prng.below(2)));
  return commit(randomCommit(prng, age));
}

function randomCommit(prng: Prng, age: number): Commit {
  const names = shuffled(prng, ["a", "a\0", "a\0b", "b", "c", "\xff", ""]);
  const puts = names.splice(0, prng.below(4)).map((name) => put(name, `value ${prng.below(1000)}`));
  const deletes = names.splice(0, prng.below(3)).map((name) => at(name));
  const checks = Array.from({ length: prng.chance(0.4) ? prng.below(3) : 0 }, () => randomCheck(prng, age));
  const request = { session: 1 + prng.below(6), sequence: 1 + prng.below(20), acknowledged: prng.below(10) };
  return {
    checks,
    puts,
    deletes,
    ...(prng.chance(0.3) && { lease: 1 + prng.below(6) }),
    ...(prng.chance(0.3) && { request }),
  };
}

function randomCheck(prng: Prng, age: number): Check {
  const name = prng.pick(["a", "a\0", "b", "c"]);
  return prng.chance(0.5) ? absent(name) : revision(name, 1 + prng.below(age * 2));
}

function shuffled<T>(prng: Prng, items: readonly T[]): T[] {
  const left = [...items];
  const out: T[] = [];
  while (left.length > 0) out.push(...left.splice(prng.below(left.length), 1));
  return out;
}
