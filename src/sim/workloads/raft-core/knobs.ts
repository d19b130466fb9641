import type { RaftOptions } from "../../../core/raft/index.ts";
import type { Draw } from "../../kernel/index.ts";

/** What a seed decides about a group beside its size and its faults. */
export interface RaftCoreKnobs {
  readonly tickMillis: number;
  readonly raft: Partial<RaftOptions>;
  /** Voters of the first configuration that hold no data; the last ids. */
  readonly witnesses: number;
  readonly commitQuorum: number;
  readonly proposalMillis: number;
  readonly proposalBytes: number;
  readonly readMillis: number;
  /** 0: never. */
  readonly membershipMillis: number;
  readonly transferMillis: number;
  readonly compactionMillis: number;
  readonly logFileBytesMax: number;
  /** What applying a batch of entries takes at most. */
  readonly applyMillisMax: number;
}

export function drawKnobs(draw: Draw): RaftCoreKnobs {
  const often = (): number => Math.round(draw.logarithmic([500, 10_000]));
  const hasWitness = draw.chance(0.15);
  const hasLeases = draw.chance(0.25);
  const checkQuorum = hasLeases || draw.chance(0.8);
  const raft: Partial<RaftOptions> = {
    electionTicks: draw.pick([5, 10, 20]),
    asyncStorageWrites: draw.chance(0.5),
    preVote: draw.chance(0.8),
    checkQuorum,
    reads: hasLeases ? "lease-assuming-bounded-clock-drift" : "safe",
    messageBytesMax: draw.pick([1, 64, 4_096]),
    inflightMessagesMax: draw.pick([1, 4, 32]),
    quiesceTicks: draw.chance(0.1) ? 5 : 0,
    promotionLagMax: draw.pick([0, 16, 128]),
  };
  return {
    tickMillis: draw.pick([20, 50, 100]),
    raft,
    witnesses: hasWitness ? 1 : 0,
    commitQuorum: draw.chance(0.1) ? 2 : 0,
    proposalMillis: Math.round(draw.logarithmic([20, 500])),
    proposalBytes: draw.pick([4, 4, 40, 400]),
    readMillis: Math.round(draw.logarithmic([50, 1_000])),
    membershipMillis: hasWitness || draw.chance(0.6) ? 0 : often(),
    transferMillis: draw.chance(0.5) ? 0 : often(),
    compactionMillis: draw.chance(0.3) ? 0 : often(),
    logFileBytesMax: draw.pick([2_048, 16_384]),
    applyMillisMax: draw.pick([0, 0, 5, 50]),
  };
}
