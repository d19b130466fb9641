import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { OPERATION_ENTRIES } from "./index.ts";
import { apiManual } from "./manual.ts";

test("docs/protocols/api.md is what the table of operations says; if not, run `node scripts/api-table.ts`", () => {
  const page = readFileSync(new URL("../../../../docs/protocols/api.md", import.meta.url), "utf8");
  assert.equal(page, apiManual());
});

test("every operation says what it does in a few words, without a full stop", () => {
  for (const { name, summary, notes = [] } of OPERATION_ENTRIES) {
    assert.match(summary, /^[A-Z].*[^.]$/, name);
    assert.ok(summary.length <= 100, name);
    for (const note of notes) assert.match(note, /^[A-Z`-].*\.$/, `${name}: ${note}`);
  }
});

test("what an event says of an act names only parameters of its path", () => {
  for (const { name, act, path } of OPERATION_ENTRIES) {
    for (const [parameter] of (act ?? "").matchAll(/\{\w+\}/g))
      assert.ok(path.includes(parameter), `${name}: ${parameter}`);
    assert.match(act ?? "None", /^[A-Z].*[^.]$/, name);
  }
});

test("no cell of a table breaks it", () => {
  for (const line of apiManual().split("\n")) {
    if (!line.startsWith("| ")) continue;
    assert.ok([3, 4, 6].includes(line.split("|").length - 1), line);
  }
});
