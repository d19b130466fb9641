import assert from "node:assert/strict";
import { test } from "node:test";
import { BARE_GET } from "./http.ts";
import { markdownOf } from "./report.ts";

test("a ratio is the median of those within a round, and bars are told as met or not", () => {
  const text = markdownOf({
    versions: new Map([["uuid", "1"]]),
    rows: [
      {
        workload: "UUID version 7, text",
        rates: new Map([
          ["Ashlar", [4e6, 2e6, 9e6]],
          ["uuid", [1e6, 2e6, 3e6]],
        ]),
      },
    ],
    limits: [{ form: "batches", idsSecond: [4.09e6, 4.1e6, 2e6], coreShare: [0.1, 0.3, 0.3] }],
    http: [
      { form: BARE_GET, ids: 0, requestsSecond: [5000], requestsProcessorSecond: [6000] },
      { form: "single", ids: 1, requestsSecond: [9000], requestsProcessorSecond: [15_000] },
      { form: "batch", ids: 1000, requestsSecond: [1900], requestsProcessorSecond: [2000] },
    ],
  });
  assert.match(text, /^uuid 1\n/);
  assert.match(text, /\| UUID version 7, text \| Ashlar \| 4\.00 \| {2}\|/);
  assert.match(text, /\| UUID version 7, text \| uuid \| 2\.00 \| 3\.00 \|/);
  assert.match(text, /\| batches \| 4\.09 \| 0\.30 \|/);
  assert.match(text, /2 times uuid \| 3\.00 \| met \|/);
  assert.match(text, /\(batches\) with 0\.25 of a core at most \| 0\.30 \| not met \|/);
  assert.match(text, /\| single \| 9,000 \| 15,000 \| 0\.01 \|/);
  assert.match(text, /\| single: .*, 1 at least \| 2\.50 \| met \|/);
  assert.match(text, /\| batch: 2\.00 million ids a second \| 1\.90 \| not met \|/);
});

test("what was not chosen is not there", () => {
  assert.doesNotMatch(markdownOf({ versions: new Map(), rows: [], limits: [], http: [] }), /bar \|.*\n.*\n\|/);
});
