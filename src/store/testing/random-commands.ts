import type { Entry } from "../../host/index.ts";
import { EMPTY, utf8 } from "../../std/bytes.ts";
import type { Prng } from "../../std/prng.ts";
import { encodeCommand } from "../command.ts";
import { prepareCommit } from "../commit-rules.ts";
import { encodeAddress, encodeKeyBound } from "../key-codec.ts";
import type { LentLeaseCommand } from "../machine/lent-leases.ts";
import type { RangeCommand } from "../machine/range-commands.ts";
import type { Check, Commit } from "../store.ts";
import { absent, at, commit, end, expire, grant, put, revision } from "./machine-driver.ts";

/**
 * Entries of random commands over few rows, leases and sessions, so that they meet: checks that hold and fail, rows
 * that change their lease, requests that come again, leases that end while they are used.
 */
export function randomEntries(prng: Prng, count: number, stepChance = 0): Entry[] {
  const entries: Entry[] = [];
  let term = 1;
  for (let index = 1; index <= count; index++) {
    if (prng.chance(0.05)) term++;
    const commands = Array.from({ length: prng.below(5) }, () => {
      if (!prng.chance(stepChance)) return randomCommand(prng, index, term);
      return prng.chance(0.3) ? randomLentLease(prng, index) : randomStep(prng);
    });
    entries.push({ index, term, commands });
  }
  return entries;
}

function randomCommand(prng: Prng, age: number, term: number): Uint8Array {
  const choice = prng.unit();
  if (choice < 0.08) return grant(1000 + prng.below(1000));
  if (choice < 0.14) return end(1 + prng.below(8));
  if (choice < 0.2) return expire(1 + prng.below(8), Math.max(1, term - prng.below(2)));
  if (choice < 0.55) return randomTransactionCommand(prng, age);
  return commit(randomCommit(prng, age));
}

function randomLentLease(prng: Prng, age: number): Uint8Array {
  const [lease, group] = [1 + prng.below(8), 2 + prng.below(3)];
  return encodeCommand(
    prng.pick<LentLeaseCommand>([
      { kind: "lend", lease, group, isEnding: prng.chance(0.3) },
      { kind: "adopt", lease, known: prng.below(age + 1) },
      { kind: "give-back", lease, groups: [group] },
      { kind: "bury", leases: [lease, lease + 1] },
    ]),
  );
}

/** Steps of a few transfers in any order, most of which are out of place. */
function randomStep(prng: Prng): Uint8Array {
  const bounds = ["", "a", "a\0b", "b", "c"].map((name) => encodeKeyBound(utf8(name)));
  const [from, to] = [prng.below(4), 1 + prng.below(4)];
  const name = { transfer: 1 + prng.below(4), attempt: 1 + prng.below(2) };
  const interval = { from: bounds[Math.min(from, to - 1)]!, to: to === 4 && prng.chance(0.5) ? EMPTY : bounds[to]! };
  const names = shuffled(prng, ["a", "a\0b", "b"]).slice(0, 2);
  const written = names.map((one) => ({ key: encodeAddress(at(one)), entry: 1 + prng.below(60) }));
  const rows = written.map(({ key }) => {
    const value = prng.chance(0.7) ? utf8("moved") : undefined;
    return { key, revision: 1 + prng.below(50), lease: prng.below(4), value };
  });
  const step = prng.pick<RangeCommand>([
    { kind: "export-begin", ...name, ...interval, target: 2 },
    { kind: "export-clean", ...name, rows: written },
    { kind: "export-freeze", ...name },
    { kind: "export-end", ...name, isMoved: prng.chance(0.5) },
    { kind: "import-begin", ...name, ...interval, source: 2 },
    { kind: "import-clear", ...name },
    { kind: "import-rows", ...name, piece: prng.below(3), rows },
    { kind: "import-finish", ...name, pieces: prng.below(3), revision: prng.below(100) },
    { kind: "import-end", ...name, isFinished: prng.chance(0.5) },
  ]);
  return encodeCommand({ kind: "range", step });
}

/** Of few transactions, in any order: also what no coordinator would send. */
function randomTransactionCommand(prng: Prng, age: number): Uint8Array {
  const transaction = new Uint8Array(16).fill(1 + prng.below(4));
  const { request, ...share } = prepareCommit(randomCommit(prng, age));
  const rows = ["a", "a\0", "a\0b", "b", "c", "\xff", ""].map((name) => encodeAddress(at(name)));
  const home = rows[prng.below(2)]!;
  const keys = rows.filter((row) => row === home || prng.chance(0.6));
  const revision = age * 4 + prng.below(40);
  const choice = prng.unit();
  if (choice < 0.45) {
    const known = prng.chance(0.5) ? prng.below(age * 3) : undefined;
    return encodeCommand({ kind: "prepare", transaction, home, known, ...share, request: known ? request : undefined });
  }
  if (choice < 0.65) {
    const others = prng.chance(0.5) ? [rows[6]!] : [];
    return encodeCommand({ kind: "decide", transaction, home, revision, request, keys, others });
  }
  if (choice < 0.72) return encodeCommand({ kind: "abort", transaction, home });
  if (choice < 0.78) return encodeCommand({ kind: "forget", records: [{ home, transaction }] });
  const conflict = request && prng.chance(0.3) ? { request, failedChecks: [prng.below(3)] } : undefined;
  return encodeCommand({ kind: "finish", transaction, revision: prng.chance(0.6) ? revision : 0, keys, conflict });
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
