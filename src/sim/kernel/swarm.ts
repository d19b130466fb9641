import type { LinkFaults, SimDiskOptions } from "../../env/sim/index.ts";
import type { Prng } from "../../std/prng.ts";
import { Draw } from "./draw.ts";
import type { FaultKind } from "./faults.ts";
import type { Workload } from "./workload.ts";

/**
 * What one seed decides before it runs. Each seed has faults and knobs of its own: a run with everything on meets other
 * states than one in which a single fault has the time to work (swarm testing, Groce and others 2012).
 */
export interface SwarmConfiguration<Knobs extends object = object> {
  readonly nodes: number;
  readonly kinds: readonly FaultKind[];
  readonly meanGapMillis: number;
  readonly network: Partial<LinkFaults>;
  readonly disk: Partial<SimDiskOptions>;
  readonly knobs: Knobs;
}

export function drawSwarm<Knobs extends object>(workload: Workload<Knobs>, prng: Prng): SwarmConfiguration<Knobs> {
  const draw = new Draw(prng);
  const nodes = draw.integer(...workload.nodes);
  const share = draw.pick([0.25, 0.5, 0.8]);
  const kinds = (Object.keys(workload.faults) as FaultKind[]).filter(() => draw.chance(share));
  const meanGapMillis = Math.round(draw.logarithmic(workload.meanGapMillis ?? [300, 6_000]));
  const delayMillisMin = round(draw.logarithmic([0.05, workload.networkMillisMax ?? 40]));
  return {
    nodes,
    kinds,
    meanGapMillis,
    network: {
      delayMillisMin,
      delayMillisMax: round(delayMillisMin * draw.logarithmic([1.1, 10])),
      lossChance: draw.pick([0, 0, 0.002, 0.02]),
      duplicateChance: draw.pick([0, 0, 0.01]),
      stallChance: draw.pick([0, 0, 0.01]),
      stallMillisMax: draw.pick([5, 50, 500]),
    },
    disk: {
      delayMillis: draw.pick([
        [0.02, 0.1],
        [0.05, 0.3],
        [0.5, 5],
      ] as const),
    },
    knobs: workload.draw(new Draw(prng.fork())),
  };
}

/** For people: what the seed drew, one line each. */
export function swarmLines({ nodes, kinds, meanGapMillis, network, disk, knobs }: SwarmConfiguration): string[] {
  const every = kinds.length === 0 ? "" : `, one every ${(meanGapMillis / 1000).toFixed(1)} s`;
  const { delayMillisMin, delayMillisMax, lossChance = 0, duplicateChance = 0, stallChance = 0 } = network;
  const percent = (chance: number): string => `${+(chance * 100).toFixed(1)} %`;
  const chances = `lost ${percent(lossChance)}, doubled ${percent(duplicateChance)}, late ${percent(stallChance)}`;
  return [
    `nodes    ${nodes}`,
    `faults   ${kinds.length === 0 ? "none" : kinds.join(", ")}${every}`,
    `network  ${delayMillisMin} to ${delayMillisMax} ms; ${chances}`,
    `disk     ${disk.delayMillis?.join(" to ")} ms`,
    `knobs    ${JSON.stringify(knobs)}`,
  ];
}

function round(millis: number): number {
  return Math.round(millis * 100) / 100;
}
