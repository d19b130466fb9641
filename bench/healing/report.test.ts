import assert from "node:assert/strict";
import { test } from "node:test";
import { markdownOf } from "./report.ts";

test("healing is told with the medians of its rounds", () => {
  const rounds = [
    { seconds: 10, bytes: 100 << 20 },
    { seconds: 20, bytes: 100 << 20 },
    { seconds: 5, bytes: 100 << 20 },
  ];
  assert.match(markdownOf([{ workload: "some objects", rounds }]), /\| some objects \| 10\.0 \| 100 MiB \| 10 MiB \|/);
});
