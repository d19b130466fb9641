import { ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FAULT_KINDS } from "./faults.ts";

test("the manual of the simulator describes every fault as its table does", () => {
  const page = readFileSync(new URL("../../../docs/operations/simulator.md", import.meta.url), "utf8");
  for (const [kind, { summary }] of Object.entries(FAULT_KINDS))
    ok(page.includes(`| \`${kind}\` | ${summary} |`), kind);
});
