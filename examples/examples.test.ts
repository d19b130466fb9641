import { equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import { runSeed } from "ashlar/sim";
import { registerWorkload } from "./simulate-your-state-machine.ts";

describe("simulate-your-state-machine", () => {
  test("finds the careless failover within 20 seeds, and nothing wrong with the careful one", async () => {
    let found = 0;
    for (let seed = 1; seed <= 20; seed++) {
      if ((await runSeed(registerWorkload("careless"), { seed })).failure !== undefined) found++;
      equal((await runSeed(registerWorkload("careful"), { seed })).failure, undefined, `seed ${seed}`);
    }
    ok(found > 0);
  });
});
