// Opening a replicated Store: what it is made of, in the order in which the parts need each other.

import type { Env } from "../../env/index.ts";
import { assert } from "../../std/assert.ts";
import { removeUnfinished } from "../checkpoint.ts";
import { type Command, encodeCommand } from "../command.ts";
import { NO_TRANSACTION_BUGS, type TransactionBugs } from "../machine/prepared-bugs.ts";
import type { CommandResult, StoreMachine } from "../machine.ts";
import type { GroupCalls } from "../ranges/group-calls.ts";
import { STORE_LIMITS } from "../store.ts";
import { ROOT_GROUP } from "../tables.ts";
import { LocalParticipant } from "../transactions/local-participant.ts";
import { LockWaits } from "../transactions/lock-waits.ts";
import type { LockedBy, Participants } from "../transactions/participant.ts";
import { Resolver } from "../transactions/resolver.ts";
import { Sweeper } from "../transactions/sweeper.ts";
import { newCounters } from "./counters.ts";
import type { StoreGroup } from "./group.ts";
import { barrierOf, proposeTo } from "./group-calls.ts";
import { type LeaseGroups, NO_OTHER_GROUPS } from "./lease-groups.ts";
import { LeaseService } from "./leases.ts";
import { REPLICATED_DEFAULTS, type ReplicatedOptions } from "./options.ts";
import { positionsOf } from "./position.ts";
import { RebuildMark } from "./rebuild-mark.ts";
import { type OpenGroup, recover } from "./recovery.ts";
import { ReplicatedStore } from "./replicated-store.ts";
import { StubKeeper } from "./stub-keeper.ts";
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
  /** Left out, the members do not ask each other: a lease is kept alive on the one that leads. */
  readonly calls?: GroupCalls | undefined;
  /** Who serves the rows that commits over several groups touch; without it, this group serves all. */
  readonly participants?: Participants;
  /** Left out, no other group holds rows of this one's leases, or the other way round. */
  readonly leaseGroups?: LeaseGroups;
  readonly bugs?: TransactionBugs;
}

/**
 * Rejects with CHECKPOINT_DAMAGED where index, checkpoints and log together do not give the state back, with
 * FORMAT_NEWER where a newer version wrote them, or as `openGroup`. The Store owns the group from then on and closes
 * it.
 */
export async function openReplicatedStore({
  env,
  openGroup,
  calls,
  ...given
}: OpenReplicatedStore): Promise<ReplicatedStore> {
  const options = { ...REPLICATED_DEFAULTS, ...given.options };
  const { bugs = NO_TRANSACTION_BUGS, leaseGroups = NO_OTHER_GROUPS } = given;
  assert(!`${options.folder}/`.startsWith(`${options.index}/`), "removing the index leaves the checkpoints alone");
  const counters = newCounters();
  const mark = new RebuildMark(env.disk, options.folder);
  await env.disk.makeDirectory(options.folder);
  await removeUnfinished(env.disk, options.folder);

  const watches = new WatchHub({
    eventsMax: STORE_LIMITS.watchHistoryEventsMax,
    bytesMax: options.historyBytesMax,
    watchersMax: options.watchersMax,
    positions: positionsOf(options.group),
    counters,
    served: () => ({ group: options.group, state: machineOf?.ranges }),
  });
  let machineOf: StoreMachine | undefined;
  let upkeep: Upkeep | undefined;
  let leases: LeaseService | undefined;
  let waits: LockWaits | undefined;
  const { index, machine, group } = await recover({
    ...{ env, options, openGroup, mark, counters, bugs },
    observe(source) {
      machineOf = source;
      watches.begin(source.revision);
      return {
        applied(events, changes, released) {
          for (const event of events) watches.publish(event);
          watches.reach(source.revision);
          // Who waits for rows that are another group's now asks there.
          if (events.some(({ moved }) => moved !== undefined)) waits?.wakeAll();
          leases?.applied(changes);
          if (released.length > 0) waits?.released(released);
          upkeep?.check();
        },
        restored() {
          watches.skipTo(source.revision);
          leases?.restored();
          waits?.wakeAll();
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
  const propose = (command: Command): Promise<CommandResult> => proposeTo(group, encodeCommand(command), counters);
  const self = new LocalParticipant({ id: options.group, machine, propose, readable: () => readable(machine, group) });
  const { participants = { of: () => self } } = given;
  const shared = { clock, timers, machine, self, participants, bugs, options: options.transactions };
  const resolver = new Resolver(shared);
  const unlocked = (lock: LockedBy): Promise<void> => waits!.wait(lock, waits!.deadline());
  leases = new LeaseService({
    ...{ clock, timers, machine, group, counters, leasesMax: options.leasesMax, retryMillis: options.leaseRetryMillis },
    ...{ propose, unlocked },
    endElsewhere: async (lease, groups) => {
      await Promise.all(groups.map((other) => leaseGroups.end(lease, other)));
      await propose({ kind: "give-back", lease, groups });
    },
  });
  waits = new LockWaits({ ...shared, resolver });
  leases.begin();
  const sweeper = new Sweeper({ ...shared, resolver, leads: () => group.isLeader });
  const { sweepMillis, abortsKeptMillis } = options.transactions;
  const stubs =
    options.group === ROOT_GROUP
      ? undefined
      : new StubKeeper({
          ...{ group: options.group, clock, timers, machine, leases: leaseGroups, propose },
          ...{ leads: () => group.isLeader, lookMillis: sweepMillis, endedKeptMillis: abortsKeptMillis },
        });
  const transactions = { self, waits, sweeper, stubs, bugs };
  const parts = { env, index, machine, group, watches, leases, upkeep, transactions, options, counters, mark, calls };
  const store = new ReplicatedStore(parts);
  opened.move();
  return store;
}

/** Resolves in a turn in which the machine holds all that was acknowledged before the call. */
async function readable(machine: StoreMachine, group: StoreGroup): Promise<void> {
  await barrierOf(group);
  while (machine.restoring !== undefined) await machine.restoring;
}
