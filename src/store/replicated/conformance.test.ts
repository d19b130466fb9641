import { describe, test } from "node:test";
import { SimScheduler } from "../../env/sim/index.ts";
import { STORE_CONFORMANCE_TESTS, storeConformance } from "../conformance.ts";
import { calmEnv, HostedStore } from "../testing/hosted-store.ts";

describe("the replicated engine", () => {
  const scheduler = new SimScheduler();

  storeConformance({
    test: (name, options, run) => test(name, options, () => scheduler.settle(run())),
    name: "in memory",
    open: () => HostedStore.start(calmEnv(scheduler), { store: { checkpointBytesMin: 100_000, flushBytes: 20_000 } }),
    reopen: (hosted) => hosted.reopen(),
    elapse: (hosted, millis) => hosted.elapse(millis),
    skip: STORE_CONFORMANCE_TESTS.filter(({ needs }) => needs.includes("crash")).map(({ name }) => ({
      test: name,
      reason: "this disk has no crashes: conformance.sim.ts runs it",
    })),
  });
});
