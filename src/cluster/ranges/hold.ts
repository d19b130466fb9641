// All ranges of a cluster held where they are: under one row of a transfer in phase `holding`, nothing else moves, the map
// stays as it is, and each group can be asked to note what is written, to freeze and to thaw, as for a transfer of its own.
// Who holds lives as long as the row of table `hold`, which is on his lease. Where that is gone, whoever drives transfers
// counts an attempt, from which on the groups refuse what the former one still asks, and lets go in his place.

import type { Clock, Timers } from "../../env/index.ts";
import { EMPTY } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import {
  type GroupRouter,
  HOLD,
  KEYS_FROM,
  type MappedRange,
  type ReplicatedStore,
  ROOT_GROUP,
  type Store,
  type TransferGroup,
  type TransferRow,
  transferGroup,
  untilDone,
} from "../../store/index.ts";
import { clusterFailure } from "../errors.ts";
import { Repeated } from "../repeated.ts";
import { changeLayout } from "./layout.ts";

export interface HoldSettings {
  readonly env: { readonly clock: Clock; readonly timers: Timers };
  readonly root: ReplicatedStore;
  readonly router: Pick<GroupRouter, "group">;
  readonly onError: (error: unknown) => void;
}

export interface HeldMap {
  readonly row: TransferRow;
  /** The number of the one at place N is N behind the row's id. */
  readonly ranges: readonly MappedRange[];
}

/** So long all stand still where whoever holds them dies. */
const LEASE_MILLIS = 10_000;
const KEEP_ALIVE_MILLIS = 2_000;
const STEP_PAUSE_MILLIS = 20;
/** Of one step; a group that does not answer by then fails the whole. */
const STEP_MILLIS_MAX = 8_000;
const STEPS_AT_ONCE = 64;
/** Somebody has let go in its place. */
const SUPERSEDED = "TRANSFER_SUPERSEDED";

/** Rejects with RANGES_BUSY where keys are on their way or held already. */
export async function holding<T>(settings: HoldSettings, work: (held: HeldMap) => Promise<T>): Promise<T> {
  const { env, root, onError } = settings;
  const { id: lease } = await root.grant(LEASE_MILLIS);
  await using parts = new AsyncDisposableStack();
  parts.defer(() => root.revoke(lease).catch(onError));
  const alive = new Repeated({
    ...{ timers: env.timers, pauseMillis: KEEP_ALIVE_MILLIS, onError },
    look: () => root.keepAlive(lease),
  });
  parts.use(alive);
  const { committed } = await root.commit({
    checks: [{ ...HOLD, absent: true }],
    puts: [{ ...HOLD, value: EMPTY }],
    lease,
  });
  if (!committed) throw clusterFailure("RANGES_BUSY", { what: "All ranges are held for a backup already." });
  const held = await holdMap(root);
  parts.defer(() => letGo(settings, held).catch((error) => void (hasCode(error, SUPERSEDED) || onError(error))));
  return await work(held);
}

/** Each range's group serves it again, and the row goes. */
export async function letGo(
  settings: Pick<HoldSettings, "env" | "router"> & { readonly root: Store },
  { row, ranges }: HeldMap,
): Promise<void> {
  const { id, attempt } = row;
  await eachRange(ranges, async ({ group }, at) => {
    const source = routedGroup(settings, group);
    await untilDone(() => source.step({ kind: "export-end", transfer: id + at, attempt, isMoved: false }));
  });
  await changeLayout(settings.root, ({ transfers }) => {
    const isOurs = transfers.some((one) => one.id === id && one.attempt === attempt);
    return isOurs ? { transfersGone: [id], result: undefined } : undefined;
  });
}

/** Some at a time; the others are waited for where one fails. */
export async function eachRange(
  ranges: readonly MappedRange[],
  run: (range: MappedRange, at: number) => Promise<void>,
): Promise<void> {
  for (let from = 0; from < ranges.length; from += STEPS_AT_ONCE) {
    const some = ranges.slice(from, from + STEPS_AT_ONCE);
    const ended = await Promise.allSettled(some.map((range, at) => run(range, from + at)));
    for (const one of ended) if (one.status === "rejected") throw one.reason;
  }
}

/** Where it is reached may change between two steps. */
export function routedGroup({ env, router }: Pick<HoldSettings, "env" | "router">, id: number): TransferGroup {
  return transferGroup({
    ...{ ...env, pauseMillis: STEP_PAUSE_MILLIS, millisMax: STEP_MILLIS_MAX },
    group: {
      propose: (command) => router.group(id).propose(command),
      exportPage: (...page) => router.group(id).exportPage(...page),
      writtenPage: (...page) => router.group(id).writtenPage(...page),
    },
  });
}

async function holdMap(root: Store): Promise<HeldMap> {
  const held = await changeLayout(root, ({ map: { ranges }, transfers, nextId }) => {
    const [first] = transfers;
    if (first !== undefined) throw clusterFailure("RANGES_BUSY", { data: { transfer: first.id } });
    const ends = { from: KEYS_FROM, to: EMPTY, source: ROOT_GROUP, target: ROOT_GROUP };
    const row: TransferRow = { id: nextId, ...ends, attempt: 1, phase: "holding", reason: "a backup" };
    return { nextId: nextId + ranges.length, transfers: [row], result: { row, ranges } };
  });
  return held!;
}
