import assert from "node:assert/strict";
import { test } from "node:test";
import { markdownOf } from "./report.ts";

test("engines stand beside each other with medians, and those that did not run with the reason", () => {
  const text = markdownOf({
    engines: [
      { name: "own", version: "1" },
      { name: "other", version: "2" },
      { name: "absent", version: "", notRun: "it is not installed" },
    ],
    rows: [
      {
        workload: "get",
        rates: new Map([
          ["own", [1000, 2000, 4000]],
          ["other", [500, 500, 4000]],
        ]),
      },
    ],
  });
  assert.match(text, /\| absent \| not run: it is not installed \|/);
  assert.match(text, /\| get \| 2,000 \| 500 \| 0\.50 \|/);
});
