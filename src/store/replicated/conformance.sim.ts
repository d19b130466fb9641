import { describe, test } from "node:test";
import { SimScheduler } from "../../env/sim/index.ts";
import { storeConformance } from "../conformance.ts";
import { SimStore } from "../testing/hosted-store.ts";
import { askingLeader, StoreCluster } from "../testing/store-cluster.ts";

describe("the replicated engine on a simulated machine", () => {
  const scheduler = new SimScheduler();
  let seed = Number(process.env["ASHLAR_SIM_SEED"] ?? 1);

  storeConformance({
    test: (name, options, run) => test(name, options, () => scheduler.settle(run())),
    name: "in a group of one",
    open: () =>
      SimStore.begin({ seed: seed++, scheduler }, { store: { checkpointBytesMin: 100_000, flushBytes: 20_000 } }),
    reopen: (started) => started.reopen(),
    crash: (started) => started.crash(),
    elapse: (started, millis) => started.elapse(millis),
  });
});

describe("the replicated engine, through a follower of three", () => {
  const scheduler = new SimScheduler();
  let seed = Number(process.env["ASHLAR_SIM_SEED"] ?? 1);

  storeConformance({
    test: (name, options, run) => test(name, options, () => scheduler.settle(run(), 600_000)),
    name: "in a group of three",
    async open() {
      const options = { checkpointBytesMin: 100_000, flushBytes: 20_000 };
      const cluster = await StoreCluster.start({ seed: seed++, scheduler, store: options });
      const follower = await cluster.follower();
      const store = askingLeader(follower.store, cluster);
      return { store, cluster, follower, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() };
    },
    async reopen({ cluster, follower }) {
      await cluster.reopenAll();
      return askingLeader(follower.store, cluster);
    },
    async crash({ cluster, follower }) {
      await cluster.crashAll();
      return askingLeader(follower.store, cluster);
    },
    elapse: ({ cluster }, millis) => cluster.elapse(millis),
  });
});
