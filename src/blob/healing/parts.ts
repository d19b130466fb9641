import type { Clock } from "../../env/index.ts";
import { Pacer } from "../pacer.ts";
import type { Neighbours } from "../replicas/neighbours.ts";
import type { Scrub } from "../scrub.ts";
import type { Sleeper } from "../sleeper.ts";
import { CopyIn, type CopyInContext } from "./copy-in.ts";
import { Healer, type HealerContext } from "./healer.ts";
import { Mender, type MenderContext } from "./mender.ts";
import { ReadRepair, type ReadRepairContext } from "./read-repair.ts";

type Context = Omit<CopyInContext, "pacer" | "neighbours" | "remote" | "departures"> &
  Omit<HealerContext, "neighbours" | "capacities"> &
  Omit<ReadRepairContext, "neighbours" | "remote"> &
  Omit<MenderContext, "pacer" | "remote" | "scrub"> & {
    readonly clock: Clock;
    readonly sleeper: Sleeper;
    readonly neighbours: Neighbours | undefined;
    readonly capacities: HealerContext["capacities"] | undefined;
    readonly remote: CopyInContext["remote"] | undefined;
    readonly departures: CopyInContext["departures"] | undefined;
  };

export interface HealingParts {
  readonly repair: ReadRepair;
  readonly copyIn: CopyIn;
  readonly healer: Healer;
  readonly menderAfter: (scrub: Scrub) => Mender;
}

/** Undefined for a node that is alone: nobody else has its bytes. What comes here and what is mended share one rate. */
export function healingParts({
  neighbours,
  capacities,
  remote,
  departures,
  ...base
}: Context): HealingParts | undefined {
  if (neighbours === undefined || capacities === undefined) return undefined;
  if (remote === undefined || departures === undefined) return undefined;
  const pacer = new Pacer(base.clock, base.sleeper, base.options.healBytesPerSecond);
  const context = { ...base, neighbours, capacities, remote, departures, pacer };
  return {
    repair: new ReadRepair(context),
    copyIn: new CopyIn(context),
    healer: new Healer(context),
    menderAfter: (scrub) => new Mender({ ...context, scrub }),
  };
}
