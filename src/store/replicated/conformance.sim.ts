import { describe, test } from "node:test";
import { SimScheduler } from "../../env/sim/index.ts";
import { storeConformance } from "../conformance.ts";
import { SimStore } from "../testing/hosted-store.ts";
import { StoreCluster } from "../testing/store-cluster.ts";

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
      const { store } = follower;
      return { store, cluster, follower, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() };
    },
    async reopen({ cluster, follower }) {
      await cluster.reopenAll();
      return follower.store;
    },
    async crash({ cluster, follower }) {
      await cluster.crashAll();
      return follower.store;
    },
    elapse: ({ cluster }, millis) => cluster.elapse(millis),
  });
});

describe("a group of three, asked by a node that is no member of it", () => {
  const scheduler = new SimScheduler();
  let seed = Number(process.env["ASHLAR_SIM_SEED"] ?? 1);

  storeConformance({
    test: (name, options, run) => test(name, options, () => scheduler.settle(run(), 600_000)),
    name: "from outside",
    async open() {
      const options = { checkpointBytesMin: 100_000, flushBytes: 20_000 };
      const cluster = await StoreCluster.start({ seed: seed++, scheduler, store: options });
      await cluster.leader();
      const store = await cluster.outsider();
      const close = async (): Promise<void> => {
        await store[Symbol.asyncDispose]();
        await cluster[Symbol.asyncDispose]();
      };
      return { store, cluster, [Symbol.asyncDispose]: close };
    },
    async reopen({ cluster, store }) {
      await cluster.reopenAll();
      return store;
    },
    async crash({ cluster, store }) {
      await cluster.crashAll();
      return store;
    },
    elapse: ({ cluster }, millis) => cluster.elapse(millis),
    skip: [
      {
        test: "a closed Store refuses every call, ends its watches, and has answered what was on its way",
        reason: "who only asks has nothing to close: the members do",
      },
    ],
  });
});
