// Damages an index's file at random. The walk may miss what does no harm, but what it calls sound must not end the
// process: a child opens it, reads every row and writes over all of it. ASHLAR_SIM_SEED is the seed of the first round,
// ASHLAR_FUZZ_RUNS how many there are.

import { equal, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { fuzzRuns, simulationSeeds } from "../../testing/seeds.ts";
import { temporaryFolder } from "../conformance/temporary-folder.ts";
import type { IndexRow } from "../env.ts";
import { LmdbIndexes } from "./lmdb-indexes.ts";
import { currentBootId, DATA_FILE, statData, writeState } from "./lmdb-state.ts";

const [SEED = 1] = simulationSeeds(1);
const ROUNDS = fuzzRuns(400);
const FOLDERS_PER_CHILD = 50;
const ROUNDS_THAT_TELL = 100;

if (process.argv[2] === "child") await useFolders(process.argv[3]!, process.argv.slice(4));
else registerTests();

function registerTests(): void {
  describe("damage that the walk misses", () => {
    test(`ends no process (seed ${SEED}, ${ROUNDS} rounds)`, async () => {
      await using root = await temporaryFolder();
      const pristine = await makeFile(root.path);
      let folders: string[] = [];
      let refused = 0;
      for (let seed = SEED; seed < SEED + ROUNDS; seed++) {
        const name = `damaged-${seed}`;
        await leaveOpen(join(root.path, name), damage(pristine, new Prng(seed)));
        folders.push(name);
        if (folders.length < FOLDERS_PER_CHILD && seed + 1 < SEED + ROUNDS) continue;
        refused += runChild(root.path, folders);
        for (const used of folders) await rm(join(root.path, used), { recursive: true });
        folders = [];
      }
      if (ROUNDS < ROUNDS_THAT_TELL) return;
      ok(refused > ROUNDS / 10, `only ${refused} of ${ROUNDS} damaged files were refused`);
    });
  });
}

/** How many of the folders the child refused; fails if it died. */
function runChild(root: string, folders: readonly string[]): number {
  const child = spawnSync(process.execPath, [import.meta.filename, "child", root, ...folders], { encoding: "utf8" });
  const done = child.stdout.split("\n").filter((line) => line !== "");
  equal(child.signal ?? child.status, 0, `died after ${done.at(-1)} (the number is the seed): ${child.stderr}`);
  return done.filter((line) => line.endsWith("refused")).length;
}

async function useFolders(root: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    try {
      await useIndex(root, name);
      process.stdout.write(`${name} used\n`);
    } catch (error) {
      if (!hasCode(error, "INDEX_DAMAGED")) throw error;
      process.stdout.write(`${name} refused\n`);
    }
  }
}

async function useIndex(root: string, name: string): Promise<void> {
  const index = await new LmdbIndexes(root).open(name);
  const rows = index.scan({ limit: 100_000 });
  for (const { key } of rows) ok(index.get(key) !== undefined);
  equal(index.scan({ limit: 100_000, reverse: true }).length, rows.length);
  const random = new Prng(rows.length);
  for (let round = 0; round < 40; round++) {
    const puts: IndexRow[] = [];
    for (let at = 0; at < 30; at++) puts.push({ key: random.bytes(8), value: new Uint8Array(random.below(9_000)) });
    index.write({ puts, deletes: rows.slice(round * 50, round * 50 + 50).map(({ key }) => key) });
  }
  await index.close();
}

async function makeFile(root: string): Promise<Uint8Array> {
  const index = await new LmdbIndexes(root).open("pristine");
  const random = new Prng(1);
  for (let batch = 0; batch < 60; batch++) {
    const puts = Array.from({ length: 40 }, () => ({
      key: random.bytes(1 + random.below(40)),
      value: new Uint8Array(random.chance(0.05) ? random.below(20_000) : random.below(200)),
    }));
    index.write({ puts, deletes: batch % 3 === 0 ? index.scan({ limit: 25 }).map(({ key }) => key) : [] });
  }
  await index.close();
  return readFile(join(root, "pristine", DATA_FILE));
}

async function leaveOpen(folder: string, data: Uint8Array): Promise<void> {
  await mkdir(folder);
  await writeFile(join(folder, DATA_FILE), data);
  await writeState(folder, { state: "open", bootId: await currentBootId(), ...(await statData(folder))! });
}

/** A few flipped bits, overwritten bytes, zeroed or exchanged pages; most of it where the structure is. */
function damage(pristine: Uint8Array, random: Prng): Uint8Array {
  const data = pristine.slice();
  const pages = Math.floor(data.length / 4_096);
  for (let harm = 1 + random.below(3); harm > 0; harm--) {
    const page = random.below(pages) * 4_096;
    const inHeader = random.chance(0.6) ? 60 : 4_096;
    const at = page + random.below(inHeader);
    const kind = random.below(5);
    if (kind <= 1) data[at]! ^= 1 << random.below(8);
    else if (kind === 2) data[at] = random.below(256);
    else if (kind === 3) data.fill(0, page, page + random.pick([512, 4_096]));
    else data.copyWithin(page, random.below(pages) * 4_096, random.below(pages) * 4_096 + 4_096);
  }
  return data;
}
