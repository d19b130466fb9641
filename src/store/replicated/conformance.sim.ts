import { describe, test } from "node:test";
import { SimScheduler } from "../../env/sim/index.ts";
import { storeConformance } from "../conformance.ts";
import { SimStore } from "../testing/hosted-store.ts";

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
