// What the Store asks of its Raft group, with the group's refusals as the Store's own.

import { AssertionError } from "../../std/assert.ts";
import { hasCode } from "../../std/errors.ts";
import { storeFailure } from "../errors.ts";
import type { CommandResult } from "../machine.ts";
import type { StoreCounters } from "./counters.ts";
import type { StoreGroup } from "./group.ts";

/** Rejects with OVERLOADED, NO_LEADER or STOPPED. */
export async function barrierOf(group: Pick<StoreGroup, "readBarrier">): Promise<void> {
  try {
    await group.readBarrier();
  } catch (cause) {
    throw hostRefusal(cause) ?? storeFailure("STOPPED", { cause });
  }
}

/** Rejects with OVERLOADED, NO_LEADER or TOO_LARGE where nothing was written, else with OUTCOME_UNKNOWN. */
export async function proposeTo(
  group: Pick<StoreGroup, "propose">,
  command: Uint8Array,
  counters: StoreCounters,
): Promise<CommandResult> {
  try {
    return await group.propose(command);
  } catch (cause) {
    const refusal = hostRefusal(cause);
    if (hasCode(refusal, "OVERLOADED")) counters.overloads++;
    throw refusal ?? storeFailure("OUTCOME_UNKNOWN", { cause });
  }
}

/** What of the host's errors says that nothing happened, as the Store's. Throws what is no operating error at all. */
function hostRefusal(cause: unknown): Error | undefined {
  if (cause instanceof AssertionError) throw cause;
  if (hasCode(cause, "OVERLOADED")) return storeFailure("OVERLOADED", { cause });
  if (hasCode(cause, "NO_LEADER")) return storeFailure("NO_LEADER", { cause });
  if (hasCode(cause, "COMMAND_TOO_LARGE")) return storeFailure("TOO_LARGE", { cause });
  return undefined;
}
