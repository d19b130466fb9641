import type { Draw, FaultTunings, Workload } from "../../kernel/index.ts";
import { CLUSTER } from "../index.ts";
import { type ClusterKnobs, drawKnobs } from "../knobs.ts";

export interface SeededBug {
  readonly bug: string;
  readonly workload: Workload;
  /** It is found within so many seeds, from the first on. */
  readonly seedsMax: number;
}

const KNOBS: Partial<ClusterKnobs> = {
  ...{ users: 3, keys: 2, thinkMillis: 60, bodyBytesMax: 512, transactors: 2, lists: 2 },
  ...{ operatorMillis: 0, actions: [], lostAnswerChance: 0 },
};

/** Where a kind of mistake shows itself soon: a small cluster, and little else than what leads to it. */
function ground(
  faults: FaultTunings,
  knobs: Partial<ClusterKnobs> = {},
  workload: Partial<Workload<ClusterKnobs>> = {},
): Workload<ClusterKnobs> {
  return {
    ...CLUSTER,
    seconds: 8,
    nodes: [3, 3],
    spares: 0,
    faults,
    meanGapMillis: [300, 900],
    networkMillisMax: 2,
    draw: (draw: Draw) => ({ ...drawKnobs(draw), ...KNOBS, ...knobs }),
    ...workload,
  };
}

const QUIET = ground({});
const POWER = ground({ crash: { millis: [20, 600] } }, {}, { meanGapMillis: [80, 250] });
const IMPOSTORS = ground(
  {},
  { operatorMillis: 300, actions: ["copied-directory", "old-directory"], thinkMillis: 300 },
  { spares: 2, seconds: 15 },
);
const LOSSES = ground(
  { "lost-disk": { millis: [12_000, 16_000] } },
  { operatorMillis: 3_000, actions: ["remove-dead"], thinkMillis: 300 },
  { seconds: 25 },
);

/** One line a mistake. */
export const SEEDED_BUGS: readonly SeededBug[] = [
  { bug: "judge-before-commit", workload: QUIET, seedsMax: 20 },
  { bug: "write-without-fence", workload: QUIET, seedsMax: 10 },
  { bug: "claim-from-any-directory", workload: IMPOSTORS, seedsMax: 10 },
  { bug: "remove-past-quorum", workload: LOSSES, seedsMax: 10 },
  { bug: "acknowledge-before-sync", workload: POWER, seedsMax: 10 },
];
