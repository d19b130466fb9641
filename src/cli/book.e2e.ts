import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { simulationSeeds } from "../testing/seeds.ts";

// The book's commands do what its pages say: one with a seeded bug, or with a history that is wrong, ends with 1. A seed chooses a
// third of them, three seeds in a row (ASHLAR_SIM_SEEDS=3) all of them.

const root = fileURLToPath(new URL("../..", import.meta.url));
const book = join(root, "docs/book");

interface Quoted {
  readonly page: string;
  readonly words: readonly string[];
}

function quotedCommands(): readonly Quoted[] {
  return readdirSync(book)
    .filter((page) => page.endsWith(".md"))
    .flatMap((page) => {
      const blocks = readFileSync(join(book, page), "utf8").matchAll(/^```sh\n(.*?)^```$/gms);
      const lines = [...blocks].flatMap(([, block]) => block!.trim().split("\n"));
      return lines.map((line) => ({ page, words: line.split(" ") }));
    });
}

async function exitCode(words: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, words, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-20_000);
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

describe("the book", { concurrency: 2 }, () => {
  const commands = quotedCommands();
  test("quotes commands on its pages", () => assert.ok(commands.length > 15));

  const distinct = new Map(commands.map((quoted) => [quoted.words.join(" "), quoted]));
  const thirds = new Set(simulationSeeds(1).map((seed) => seed % 3));
  const chosen = [...distinct.values()].filter(({ words }) => words[0] === "npx").filter((_, at) => thirds.has(at % 3));
  for (const { page, words } of chosen) {
    const isFinding = words.includes("--bug") || words[2] === "check";
    test(`${page}: ${words.join(" ")} ${isFinding ? "finds the fault" : "holds"}`, async () => {
      assert.deepEqual(words.slice(0, 2), ["npx", "ashlar"]);
      // That the schedule of faults is made smaller as well is tested elsewhere. Two of these run at a time.
      const quick = words.includes("--bug") ? ["--no-shrink", "--jobs", "1"] : [];
      const { code, output } = await exitCode(["bin/ashlar.js", ...words.slice(2), ...quick]);
      assert.equal(code, isFinding ? 1 : 0, output);
    });
  }
});
