import assert from "node:assert/strict";
import { test } from "node:test";
import { markdownOf } from "./report.ts";

test("commits over ranges are told beside those within one, as a ratio of each round", () => {
  const rates = new Map([
    ["one range", [1000, 2000]],
    ["two ranges", [500, 500]],
  ]);
  assert.match(markdownOf([{ clients: 64, rates }]), /\| 64 \| two ranges \| 500 \| 0\.38 \|/);
});
