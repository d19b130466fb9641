// Opening a replicated Store: what it is made of, in the order in which the parts need each other.

import type { Env } from "../../env/index.ts";
import { assert } from "../../std/assert.ts";
import { removeUnfinished } from "../checkpoint.ts";
import { encodeCommand } from "../command.ts";
import { STORE_LIMITS } from "../store.ts";
import { newCounters } from "./counters.ts";
import { LeaseService } from "./leases.ts";
import { REPLICATED_DEFAULTS, type ReplicatedOptions } from "./options.ts";
import { RebuildMark } from "./rebuild-mark.ts";
import { type OpenGroup, recover } from "./recovery.ts";
import { proposeTo, ReplicatedStore } from "./replicated-store.ts";
import { Upkeep } from "./upkeep.ts";
import { WatchHub } from "./watch.ts";

export interface OpenReplicatedStore {
  readonly env: Pick<Env, "clock" | "timers" | "disk" | "indexes">;
  /**
   * Opens the group over the machine: replays what the machine lacks, rejects with COMPACTED where the log no longer
   * has that. May be called several times, also behind a success whose group was disposed of: to ask whether the log
   * goes on.
   */
  readonly openGroup: OpenGroup;
  readonly options?: Partial<ReplicatedOptions>;
}

/**
 * Rejects with CHECKPOINT_DAMAGED where index, checkpoints and log together do not give the state back, with
 * FORMAT_NEWER where a newer version wrote them, or as `openGroup`. The Store owns the group from then on and closes
 * it.
 */
export async function openReplicatedStore({ env, openGroup, ...given }: OpenReplicatedStore): Promise<ReplicatedStore> {
  const options = { ...REPLICATED_DEFAULTS, ...given.options };
  assert(!`${options.folder}/`.startsWith(`${options.index}/`), "removing the index leaves the checkpoints alone");
  const counters = newCounters();
  const mark = new RebuildMark(env.disk, options.folder);
  await env.disk.makeDirectory(options.folder);
  await removeUnfinished(env.disk, options.folder);

  const watches = new WatchHub({
    eventsMax: STORE_LIMITS.watchHistoryEventsMax,
    bytesMax: options.historyBytesMax,
    watchersMax: options.watchersMax,
    group: options.group,
    counters,
  });
  let upkeep: Upkeep | undefined;
  let leases: LeaseService | undefined;
  const { index, machine, group } = await recover({
    ...{ env, options, openGroup, mark, counters },
    observe(source) {
      watches.begin(source.revision);
      return {
        applied(events, changes) {
          for (const event of events) watches.publish(event);
          leases?.applied(changes);
          upkeep?.check();
        },
        restored() {
          watches.skipTo(source.revision);
          leases?.restored();
          upkeep?.restored();
        },
      };
    },
  });
  await using opened = new AsyncDisposableStack();
  opened.defer(() => index.close());
  opened.use(group);
  const { disk, timers, clock } = env;
  upkeep = await Upkeep.begin({ disk, timers, index, machine, group, options, counters, mark });
  leases = new LeaseService({
    ...{ clock, timers, machine, group, counters, leasesMax: options.leasesMax, retryMillis: options.leaseRetryMillis },
    propose: (command) => proposeTo(group, encodeCommand(command), counters),
  });
  leases.begin();
  const parts = { env, index, machine, group, watches, leases, upkeep, options, counters, mark };
  const store = new ReplicatedStore(parts);
  opened.move();
  return store;
}
