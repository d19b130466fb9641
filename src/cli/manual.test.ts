import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { allCommands } from "./commands/index.ts";
import { cliManual } from "./manual.ts";

const MANUAL = cliManual(await allCommands());

test("docs/operations/cli.md is what the table of commands says; if not, run `node scripts/cli-table.ts`", () => {
  const page = readFileSync(new URL("../../docs/operations/cli.md", import.meta.url), "utf8");
  assert.equal(page, MANUAL);
});

test("no cell of a table breaks it", () => {
  for (const line of MANUAL.split("\n")) {
    if (!line.startsWith("| ")) continue;
    assert.ok([3, 4, 5].includes(line.split("|").length - 1), line);
  }
});
