import type { Draw, FaultTunings, Workload } from "../../kernel/index.ts";
import { RAFT_CORE } from "../raft-core/index.ts";
import { drawKnobs, type RaftCoreKnobs } from "../raft-core/knobs.ts";

// Where a kind of mistake shows itself soon: `raft-core` with a few faults in quick succession and settings that lead
// into the corner in question. A general seed comes there too, but seldom.

const BASE_FAULTS: FaultTunings = {
  crash: { millis: [20, 1_000] },
  partition: { millis: [50, 1_500], weight: 3 },
  isolate: { millis: [50, 1_500], weight: 2 },
};

function ground(
  faults: FaultTunings,
  knobs: Partial<RaftCoreKnobs> & { readonly raft?: RaftCoreKnobs["raft"] },
  nodes: readonly [number, number] = [3, 4],
): Workload<RaftCoreKnobs> {
  return {
    ...RAFT_CORE,
    seconds: 30,
    nodes,
    faults,
    meanGapMillis: [150, 600],
    networkMillisMax: 2,
    draw: (draw: Draw) => {
      const drawn = drawKnobs(draw);
      const quiet = { tickMillis: 20, witnesses: 0, commitQuorum: 0, membershipMillis: 0, transferMillis: 0 };
      const raft = { ...drawn.raft, electionTicks: 5, quiesceTicks: 0, reads: "safe" as const, ...knobs.raft };
      return { ...drawn, ...quiet, compactionMillis: 0, proposalMillis: 20, readMillis: 200, ...knobs, raft };
    },
  };
}

const LOOSE = { preVote: false, checkQuorum: false } as const;

/** Nodes stand for election all the time, and old leaders go on for a while. */
export const ELECTIONS: Workload<RaftCoreKnobs> = ground(BASE_FAULTS, { raft: { ...LOOSE, messageBytesMax: 1 } });

/** As ELECTIONS, over a network that loses, doubles and delays. */
export const BAD_NETWORK: Workload<RaftCoreKnobs> = ground(
  { ...BASE_FAULTS, "bad-network": { weight: 3 }, "slow-link": { amount: [50, 400], weight: 3 } },
  { raft: { ...LOOSE, messageBytesMax: 64 } },
);

/** Members come and go, and some nodes are late to know. */
export const MEMBERSHIP: Workload<RaftCoreKnobs> = {
  ...ground(
    BASE_FAULTS,
    {
      ...{ membershipMillis: 250, applyMillisMax: 200, proposalMillis: 60 },
      raft: { ...LOOSE, asyncStorageWrites: true, promotionLagMax: 0, messageBytesMax: 4_096 },
    },
    [3, 4],
  ),
  spares: 10,
};

export const LOST_DISKS: Workload<RaftCoreKnobs> = ground(
  { ...BASE_FAULTS, "lost-disk": { millis: [10, 100], weight: 6 }, "slow-link": { amount: [50, 400], weight: 2 } },
  { raft: LOOSE },
  [3, 3],
);

/** Many reads while leaders change. */
export const READS: Workload<RaftCoreKnobs> = ground(
  { ...BASE_FAULTS, "slow-link": { amount: [20, 200] } },
  { readMillis: 10, transferMillis: 400 },
);

export const LEASES: Workload<RaftCoreKnobs> = ground(
  { ...BASE_FAULTS, kill: { millis: [10, 60], weight: 3 } },
  {
    readMillis: 5,
    transferMillis: 300,
    raft: { checkQuorum: true, reads: "lease-assuming-bounded-clock-drift", electionTicks: 10 },
  },
);

export const SNAPSHOTS: Workload<RaftCoreKnobs> = ground(
  { ...BASE_FAULTS, "bad-network": { amount: [20, 60], weight: 3 } },
  { compactionMillis: 100, logFileBytesMax: 2_048 },
);

export const WITNESSES: Workload<RaftCoreKnobs> = ground(BASE_FAULTS, { witnesses: 1 });
