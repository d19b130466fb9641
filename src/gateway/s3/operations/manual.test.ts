import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readRecord, summaryOf } from "../../../../interop/peers-suite/suite-record.ts";
import { FEATURES, OPERATIONS } from "./index.ts";
import { s3Manual } from "./manual.ts";

test("docs/protocols/s3.md is what the table of operations says; if not, run `node scripts/s3-table.ts`", () => {
  const page = readFileSync(new URL("../../../../docs/protocols/s3.md", import.meta.url), "utf8");
  assert.equal(page, s3Manual(summaryOf(readRecord())));
});

test("each feature that is not built is the reason for some operation or header", () => {
  const used = new Set(OPERATIONS.map(({ notBuilt }) => notBuilt));
  // Of these there are headers only.
  for (const feature of ["acl", "append", "mfaDelete"]) used.add(feature as keyof typeof FEATURES);
  assert.deepEqual(
    Object.keys(FEATURES).filter((feature) => !used.has(feature as keyof typeof FEATURES)),
    [],
  );
});

test("no cell of the table breaks it", () => {
  for (const line of s3Manual(summaryOf(readRecord())).split("\n")) {
    if (!line.startsWith("| ")) continue;
    assert.match(line, /\|$/);
    assert([3, 4, 6].includes(line.split("|").length - 1), line);
  }
});
