// The Store of a cluster does what every engine does, whatever groups keep its keys and wherever those are.

import { describe, test } from "node:test";
import { SimScheduler } from "../../env/sim/index.ts";
import { storeConformance } from "../conformance.ts";
import { RangedCluster } from "../testing/ranged-cluster.ts";

const options = { checkpointBytesMin: 100_000, flushBytes: 20_000 };

describe("a Store over three groups, through a member of two of them", () => {
  const scheduler = new SimScheduler();
  let seed = Number(process.env["ASHLAR_SIM_SEED"] ?? 1);

  storeConformance({
    test: (name, settings, run) => test(name, settings, () => scheduler.settle(run(), 600_000)),
    name: "over three groups",
    async open() {
      const groups = [
        [1, 2, 3],
        [2, 3],
      ];
      const cluster = await RangedCluster.start({ seed: seed++, scheduler, nodes: 3, groups, store: options }, [
        "e",
        "s",
      ]);
      const [node] = cluster.nodes;
      return { store: node!.store, cluster, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() };
    },
    async reopen({ cluster }) {
      await cluster.reopenAll();
      return cluster.nodes[0]!.store;
    },
    async crash({ cluster }) {
      await cluster.crashAll();
      return cluster.nodes[0]!.store;
    },
    elapse: ({ cluster }, millis) => cluster.elapse(millis),
  });
});
