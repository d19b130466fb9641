import { equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { runSeed } from "../kernel/index.ts";
import { CLUSTER } from "./index.ts";

// One short run without faults, so that a change which breaks much is seen at once; cluster.sim.ts plays many.

test("three whole servers found a cluster, serve S3 and the Store, and come to full health", async () => {
  const workload = {
    ...CLUSTER,
    nodes: [3, 3] as const,
    draw: (draw: Parameters<typeof CLUSTER.draw>[0]) => ({ ...CLUSTER.draw(draw), operatorMillis: 0 }),
  };
  const { failure, counts } = await runSeed(workload, { seed: 1, seconds: 4, faults: [] });
  equal(failure?.violation.message, undefined);
  equal(counts["joined"], 2);
  for (const name of ["requests", "transactions"]) ok(counts[name]! > 0, name);
});
