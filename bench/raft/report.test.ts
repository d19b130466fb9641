import assert from "node:assert/strict";
import { test } from "node:test";
import type { RaftReport, Row } from "./bench.ts";
import type { Measurement } from "./peer.ts";
import { markdownOf } from "./report.ts";
import { WORKLOADS } from "./workloads.ts";

const measured = (operations: number, processorSeconds: number): Measurement => ({
  ...{ version: "v1", operations, seconds: 2, p50Millis: 1, p99Millis: 2.04, processorSeconds },
});
const rowOf = (name: string, cells: Record<string, Measurement[] | string>): Row => ({
  workload: WORKLOADS.find((workload) => workload.name === name)!,
  cells: new Map(Object.entries(cells)),
});
const linesOf = (report: Partial<RaftReport>): string[] =>
  markdownOf({ peers: [], rows: [], callers: new Map(), ...report }).split("\n");

test("a table tells medians of the rounds and ratios within them", () => {
  const row = rowOf("one process, 16 B, 1 group", {
    Ashlar: [measured(600_000, 2), measured(200_000, 1), measured(800_000, 4)],
    Dragonboat: [measured(200_000, 2), measured(200_000, 2), measured(200_000, 2)],
  });
  const lines = linesOf({ rows: [row] });
  assert.ok(lines.includes("| one process, 16 B, 1 group | Ashlar | 300,000 |  | 1.0 | 2.0 | 5.00 |  |"));
  assert.ok(lines.includes("| one process, 16 B, 1 group | Dragonboat | 100,000 | 3.00 | 1.0 | 2.0 | 10.00 | 2.00 |"));
});

test("a bar is met, not met, or not measured; a peer that did not run meets none", () => {
  const lines = linesOf({
    rows: [
      rowOf("one process, 16 B, 1 group", {
        Ashlar: [measured(499_000, 2)],
        Dragonboat: [measured(100_000, 1)],
        "Dragonboat, tan": "not run: no Go",
      }),
      rowOf("three processes, 1 KiB, 1 group", { Ashlar: [measured(1000, 1)], etcd: [measured(200, 1)] }),
      rowOf("three processes, 16 B, 1 group", { Ashlar: "failed: gone", etcd: [measured(200, 1)] }),
    ],
  });
  assert.deepEqual(lines.slice(lines.indexOf("| bar | found |  |") + 2), [
    "| one process, 16 B, 1 group: at least 250,000 proposals/s | 249,500 | not met |",
    "| one process, 16 B, 1 group: a CPU second, at least 1 of Dragonboat | 2.50 | met |",
    "| one process, 16 B, 1 group: a CPU second, at least 1 of Dragonboat, tan |  | not measured |",
    "| three processes, 1 KiB, 1 group: at least 5 of etcd | 5.00 | met |",
    "| three processes, 16 B, 1 group: at least 5 of etcd |  | not measured |",
  ]);
  assert.ok(lines.includes("| one process, 16 B, 1 group | Dragonboat, tan | not run: no Go |  |  |  |  |  |"));
});

test("runs without a sync and other sizes have no bar", () => {
  const cells = { Ashlar: [measured(1, 1)], Dragonboat: [measured(1, 1)], etcd: [measured(1, 1)] };
  const names = [
    "one process, 16 B, 1 group, no sync",
    "one process, 1 KiB, 1 group",
    "three processes, 16 B, 48 groups",
  ];
  const lines = linesOf({ rows: names.map((name) => rowOf(name, cells)) });
  assert.equal(lines.filter((line) => line.endsWith(" met |")).length, 0);
});

test("peers are told with their version, and callers with what became of their commands", () => {
  const lines = linesOf({
    peers: [{ name: "etcd", place: "three processes", durability: "fdatasync" }],
    rows: [rowOf("three processes, 16 B, 1 group", { etcd: [measured(1, 1)] })],
    callers: new Map([
      ["liferaft", { version: "1", proposed: 208, survived: 13, right: 0, sequentialPerSecond: 730.6 }],
    ]),
  });
  assert.ok(lines.includes("| etcd | three processes | v1 | fdatasync |"));
  assert.ok(lines.includes("| liferaft | 1 | 208 | 13 | 0 | 731/s |"));
});
