import { raftFailure } from "./errors.ts";
import { NODE_ID_MAX } from "./messages.ts";
import type { RaftBugs } from "./seeded-bugs.ts";
import type { Storage } from "./storage.ts";

/**
 * How reads learn that they are current. `safe` asks a quorum each time (many reads share one round). With the other one a leader trusts
 * that nobody else was elected since its last check of the quorum: true only as long as no two members' clocks drift apart by more than
 * an election timeout in an election timeout, and no process stands still unnoticed. It needs checkQuorum.
 */
export type ReadMode = "safe" | "lease-assuming-bounded-clock-drift";

export interface RaftOptions {
  readonly id: number;
  readonly storage: Storage;
  /** A number in [0, 1): spreads the election timeouts of the members. */
  readonly random: () => number;
  /** A follower that hears nothing for this many to twice as many ticks starts an election. Default 10. */
  readonly electionTicks?: number;
  /** Between two heartbeats of a leader. Default 1. */
  readonly heartbeatTicks?: number;
  /** What the state machine holds already; the storage's compacted entries are applied in any case. */
  readonly applied?: number;
  /** The storage's configuration is as of this index; default: of `applied`. Changes up to it are not made a second time. */
  readonly configurationIndex?: number;
  /** Storage work goes out as messages to the node's own threads, several at a time, instead of by one Ready after the other. */
  readonly asyncStorageWrites?: boolean;
  /** Of an append's entries, at least one is sent. Default 1 MiB. */
  readonly messageBytesMax?: number;
  /** Committed entries that were handed out and are not applied yet. Default: messageBytesMax. */
  readonly applyingBytesMax?: number;
  /** Data of proposals that are not committed yet; beyond it they are dropped. Default 64 MiB. */
  readonly uncommittedBytesMax?: number;
  /** Appends on their way to one follower. Default 256 and 64 MiB. */
  readonly inflightMessagesMax?: number;
  readonly inflightBytesMax?: number;
  /** A leader that hears of no quorum for an election timeout steps down; followers of a live leader refuse to vote. Default true. */
  readonly checkQuorum?: boolean;
  /** Asks whether an election could be won before it raises the term. Default true. */
  readonly preVote?: boolean;
  readonly reads?: ReadMode;
  /** A follower passes proposals on to its leader. Default true. */
  readonly forwardProposals?: boolean;
  /** A leader refuses a change of membership while another one waits to be applied. Default true. */
  readonly validateChanges?: boolean;
  /** A leader that is removed or made a learner steps down at once, not when it sees that it can not lead. Default true. */
  readonly stepDownOnRemoval?: boolean;
  /** A joining learner becomes a voter once it lacks at most this many entries. Default 128. */
  readonly promotionLagMax?: number;
  /** After so many ticks without work the group falls silent; 0: never. Default 0. */
  readonly quiesceTicks?: number;
  /**
   * The storage is empty though a node of this id has run before, or might have: it neither votes nor acknowledges until the group has made
   * it a learner. Without it an empty storage is one of a founder, or of an id that was never used.
   */
  readonly lostDisk?: boolean;
  /** For tests of simulators. */
  readonly bugs?: RaftBugs | undefined;
}

export type ResolvedOptions = Required<Omit<RaftOptions, "bugs">> & Pick<RaftOptions, "bugs">;

const MEBIBYTE = 1024 * 1024;

/** Throws OPTIONS_INVALID. */
export function resolveOptions(options: RaftOptions): ResolvedOptions {
  const messageBytesMax = options.messageBytesMax ?? MEBIBYTE;
  const resolved: ResolvedOptions = {
    electionTicks: 10,
    heartbeatTicks: 1,
    applied: 0,
    configurationIndex: 0,
    asyncStorageWrites: false,
    messageBytesMax,
    applyingBytesMax: messageBytesMax,
    uncommittedBytesMax: 64 * MEBIBYTE,
    inflightMessagesMax: 256,
    inflightBytesMax: Math.max(64 * MEBIBYTE, messageBytesMax),
    checkQuorum: true,
    preVote: true,
    reads: "safe",
    forwardProposals: true,
    validateChanges: true,
    stepDownOnRemoval: true,
    promotionLagMax: 128,
    quiesceTicks: 0,
    lostDisk: false,
    ...options,
  };
  const { id, electionTicks, heartbeatTicks } = resolved;
  check(Number.isSafeInteger(id) && id > 0 && id <= NODE_ID_MAX, "id is from 1 to the largest node id");
  check(heartbeatTicks >= 1, "heartbeatTicks is at least 1");
  check(electionTicks > heartbeatTicks, "electionTicks is larger than heartbeatTicks");
  check(messageBytesMax > 0 && resolved.applyingBytesMax > 0, "messageBytesMax and applyingBytesMax are above 0");
  check(resolved.inflightMessagesMax >= 1, "inflightMessagesMax is at least 1");
  check(resolved.inflightBytesMax >= messageBytesMax, "inflightBytesMax is not below messageBytesMax");
  check(resolved.reads === "safe" || resolved.checkQuorum, "lease reads need checkQuorum");
  check(resolved.quiesceTicks === 0 || resolved.quiesceTicks > heartbeatTicks, "quiesceTicks is above heartbeatTicks");
  return resolved;
}

function check(holds: boolean, rule: string): void {
  if (!holds) throw raftFailure("OPTIONS_INVALID", { what: `An option of the group is out of its range: ${rule}.` });
}
