// A group as a driver of transfers needs it: a step is sent until its outcome is known, since none does harm twice.

import type { Clock, Timers } from "../../env/index.ts";
import { assert } from "../../std/assert.ts";
import { hasCode } from "../../std/errors.ts";
import { storeFailure } from "../errors.ts";
import type { GroupStore } from "./group-store.ts";
import type { TransferGroup } from "./transfer.ts";

export interface TransferGroupSettings {
  readonly group: Pick<GroupStore, "propose" | "exportPage" | "writtenPage">;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly pauseMillis: number;
  /** A call that has not succeeded by then rejects with what stood in its way. */
  readonly millisMax: number;
}

export function transferGroup(settings: TransferGroupSettings): TransferGroup {
  const { group } = settings;
  return {
    step: (step) =>
      untilKnown(settings, async () => {
        const result = await group.propose({ kind: "range", step });
        if (result.kind === "refused") throw storeFailure(result.code);
        assert(result.kind === "transferred", "a step of a transfer is answered with what became of it");
        return result;
      }),
    exportPage: (...page) => untilKnown(settings, () => group.exportPage(...page)),
    writtenPage: (...page) => untilKnown(settings, () => group.writtenPage(...page)),
  };
}

async function untilKnown<T>(settings: TransferGroupSettings, call: () => Promise<T>): Promise<T> {
  const { clock, timers, pauseMillis, millisMax } = settings;
  const deadline = clock.monotonic() + millisMax;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!PASSING.some((code) => hasCode(error, code)) || clock.monotonic() >= deadline) throw error;
    }
    await new Promise<void>((resolve) => timers.after(pauseMillis, resolve));
  }
}

const PASSING = ["OUTCOME_UNKNOWN", "NO_LEADER", "OVERLOADED"] as const;
