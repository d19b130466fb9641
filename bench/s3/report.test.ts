import assert from "node:assert/strict";
import { test } from "node:test";
import type { S3Report } from "./bench.ts";
import type { Measurement } from "./measure.ts";
import { markdownOf, SINGLE_BARS } from "./report.ts";
import { WORKLOADS } from "./workloads.ts";

const measured = (operations: number, processorSeconds: number): Measurement => ({
  ...{ operations, seconds: 1, bytes: operations * 4096, p50Millis: 1, p99Millis: 2 },
  ...{ processorSeconds, peakResidentBytes: 1 },
});

test("a table tells medians, ratios within rounds, bars, and what was not run", () => {
  const put = WORKLOADS.find(({ name }) => name === "PUT 4 KiB")!;
  const get = WORKLOADS.find(({ name }) => name === "GET 4 KiB")!;
  const report: S3Report = {
    peers: [
      { name: "Ashlar", version: "1", durability: "synced", notRun: undefined },
      { name: "SeaweedFS", version: "2", durability: "synced too", notRun: undefined },
      { name: "MinIO", version: "", durability: "", notRun: "not to be had" },
    ],
    rows: [
      {
        workload: put,
        cells: new Map([
          ["Ashlar", [measured(3000, 1), measured(1000, 1), measured(4000, 2)]],
          ["SeaweedFS", [measured(1000, 1), measured(1000, 2), measured(1000, 1)]],
        ]),
      },
      {
        workload: get,
        cells: new Map<string, Measurement[] | string>([
          ["Ashlar", [measured(10, 1)]],
          ["SeaweedFS", "failed: gone"],
        ]),
      },
    ],
    streams: [],
  };
  const lines = markdownOf(report, SINGLE_BARS).split("\n");
  assert.ok(lines.includes("| MinIO |  | not run: not to be had |"));
  assert.ok(lines.includes("| PUT 4 KiB | 3,000 requests/s | 2,000 | 1,000 requests/s | 3.00 | 2.00 |"));
  assert.ok(lines.includes("| GET 4 KiB | 10 requests/s | 10 | failed: gone |  |  |"));
  assert.ok(lines.includes("| PUT 4 KiB: at least 2 of SeaweedFS | 3.00 | met |"));
  assert.ok(!lines.some((line) => line.startsWith("| GET 4 KiB: at least")), "what failed has no bar");
});
