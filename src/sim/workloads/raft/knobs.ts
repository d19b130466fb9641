import type { CoreOptions, GroupLimits, HostLimits } from "../../../host/index.ts";
import type { LogOptions } from "../../../log/index.ts";
import type { Draw } from "../../kernel/index.ts";

/** What a seed decides about the hosts beside their number and their faults. */
export interface RaftKnobs {
  readonly core: CoreOptions;
  readonly host: Partial<HostLimits>;
  readonly group: Partial<GroupLimits>;
  readonly log: Partial<LogOptions>;
  readonly clients: number;
  readonly keys: number;
  /** Between two operations of one client. */
  readonly thinkMillis: number;
  /** What each client writes on top of a value's own text. */
  readonly paddingBytes: number;
  /** 0: never. */
  readonly membershipMillis: number;
  readonly transferMillis: number;
  /** Clients have sessions, of which so many are kept; 0: they have none. */
  readonly sessionsMax: number;
}

export function drawKnobs(draw: Draw): RaftKnobs {
  const hasLeases = draw.chance(0.25);
  return {
    core: {
      electionTicks: draw.pick([5, 10, 20]),
      preVote: draw.chance(0.85),
      checkQuorum: hasLeases || draw.chance(0.85),
      reads: hasLeases ? "lease-assuming-bounded-clock-drift" : "safe",
      messageBytesMax: draw.pick([64, 4_096, 65_536]),
      inflightMessagesMax: draw.pick([1, 4, 64]),
      quiesceTicks: draw.chance(0.15) ? 10 : 0,
      promotionLagMax: draw.pick([0, 128]),
    },
    host: { tickMillis: draw.pick([50, 100]), cacheBytesMax: draw.pick([4_096, 65_536, 1_048_576]) },
    group: {
      snapshotLogBytesMin: draw.pick([4_096, 32_768, 1_048_576]),
      timeoutTicks: draw.pick([20, 100]),
      entryBytesMax: draw.pick([256, 65_536]),
    },
    log: { segmentBytes: draw.pick([65_536, 262_144]), spareSegmentsMax: draw.pick([0, 2]), reserveBytes: 8_192 },
    clients: draw.integer(2, 5),
    keys: draw.integer(2, 6),
    thinkMillis: Math.round(draw.logarithmic([50, 800])),
    paddingBytes: draw.pick([0, 0, 100, 1_000]),
    membershipMillis: draw.chance(0.6) ? 0 : Math.round(draw.logarithmic([2_000, 15_000])),
    transferMillis: draw.chance(0.6) ? 0 : Math.round(draw.logarithmic([1_000, 10_000])),
    sessionsMax: draw.chance(0.3) ? draw.pick([3, 4_096]) : 0,
  };
}
