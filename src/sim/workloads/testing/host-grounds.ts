import type { Draw, FaultTunings, Workload } from "../../kernel/index.ts";
import { RAFT } from "../raft/index.ts";
import { drawKnobs, type RaftKnobs } from "../raft/knobs.ts";

// As the hunting grounds of the core, for mistakes of what is around it: `raft`, hosts with their logs, small limits, and
// a few faults in quick succession.

const BASE_FAULTS: FaultTunings = {
  crash: { millis: [20, 1_000], weight: 3 },
  partition: { millis: [50, 1_500], weight: 2 },
  isolate: { millis: [50, 1_500] },
};

const KNOBS: Partial<RaftKnobs> = {
  host: { tickMillis: 20, cacheBytesMax: 4_096 },
  group: { snapshotLogBytesMin: 4_096, timeoutTicks: 50, entryBytesMax: 256 },
  log: { segmentBytes: 16_384, spareSegmentsMax: 0, reserveBytes: 2_048 },
  ...{ clients: 5, keys: 3, thinkMillis: 20, paddingBytes: 50 },
  ...{ membershipMillis: 0, transferMillis: 0, sessionsMax: 0 },
};

function ground(
  faults: FaultTunings,
  knobs: Partial<RaftKnobs> = {},
  workload: Partial<Workload<RaftKnobs>> = {},
): Workload<RaftKnobs> {
  return {
    ...RAFT,
    seconds: 15,
    nodes: [3, 3],
    spares: 0,
    faults,
    meanGapMillis: [150, 600],
    networkMillisMax: 2,
    draw: (draw: Draw) => {
      const drawn = drawKnobs(draw);
      const core = { ...drawn.core, electionTicks: 5, quiesceTicks: 0, reads: "safe" as const };
      return { ...drawn, core, ...KNOBS, ...knobs };
    },
    ...workload,
  };
}

/** Power fails all the time, and logs and snapshots are short. */
export const POWER: Workload<RaftKnobs> = ground(BASE_FAULTS);

/** Leaders change, and messages come late or never. */
export const LINKS: Workload<RaftKnobs> = ground({
  partition: { millis: [50, 1_500], weight: 3 },
  isolate: { millis: [50, 1_500], weight: 2 },
  "slow-link": { amount: [20, 400], weight: 3 },
  "bad-network": { amount: [5, 40] },
});

/** Commands are sent again and again while members restart from snapshots. */
export const SESSIONS: Workload<RaftKnobs> = ground(
  { ...BASE_FAULTS, "slow-link": { amount: [20, 400], weight: 3 } },
  { sessionsMax: 3 },
);

/** Members come and go by snapshots. */
export const JOINERS: Workload<RaftKnobs> = ground(
  BASE_FAULTS,
  { membershipMillis: 400 },
  { nodes: [3, 3], spares: 3 },
);

/** Disks are lost. */
export const EMPTY_DISKS: Workload<RaftKnobs> = ground({
  ...BASE_FAULTS,
  "lost-disk": { millis: [20, 200], weight: 4 },
});
