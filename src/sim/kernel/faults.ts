// What can befall a simulated cluster. A fault is one discrete event with everything drawn beforehand, so that a run
// with some of them left out still means the same by the others.

export type FaultKind =
  | "crash"
  | "kill"
  | "rolling-restart"
  | "pause"
  | "partition"
  | "isolate"
  | "slow-link"
  | "bad-network"
  | "slow-disk"
  | "full-disk"
  | "failed-sync"
  | "bit-rot"
  | "lost-disk"
  | "clock-jump"
  | "clock-drift";

export type Range = readonly [min: number, max: number];

export interface FaultKindEntry {
  readonly summary: string;
  /** How long it lasts, or how long the node is down; [0, 0] for what happens in a moment. */
  readonly millis: Range;
  /** By kind; [0, 0] where there is nothing to measure. */
  readonly amount: Range;
}

/** Lengths and amounts are spread evenly over their logarithms: short and long ones are equally usual. */
export const FAULT_KINDS: Readonly<Record<FaultKind, FaultKindEntry>> = {
  crash: {
    summary: "power fails: what was not synced is kept, lost or garbled; the node starts again afterwards",
    millis: [50, 8_000],
    amount: [0, 0],
  },
  kill: {
    summary: "the process is killed, its machine goes on: what was written is there",
    millis: [20, 4_000],
    amount: [0, 0],
  },
  "rolling-restart": {
    summary: "one node after the other is killed and started again; the amount is the pause between two in ms",
    millis: [50, 1_000],
    amount: [100, 3_000],
  },
  pause: {
    summary: "the process stands still, for longer than an election or a lease, then goes on as if nothing had been",
    millis: [100, 12_000],
    amount: [0, 0],
  },
  partition: {
    summary: "two sides do not hear each other, or one side does not hear the other",
    millis: [200, 15_000],
    amount: [0, 0],
  },
  isolate: {
    summary: "a node hears nobody, is heard by nobody, or both",
    millis: [200, 15_000],
    amount: [0, 0],
  },
  "slow-link": {
    summary: "one link is slower, one way, by the amount in ms",
    millis: [500, 10_000],
    amount: [5, 1_500],
  },
  "bad-network": {
    summary: "messages are lost, doubled and late, each with the amount's chance in percent",
    millis: [500, 10_000],
    amount: [1, 40],
  },
  "slow-disk": {
    summary: "each operation of a node's disk takes longer, by up to the amount in ms",
    millis: [500, 10_000],
    amount: [2, 500],
  },
  "full-disk": { summary: "a node's disk has no room left", millis: [200, 8_000], amount: [0, 0] },
  "failed-sync": { summary: "the next sync of a node's disk fails", millis: [0, 0], amount: [0, 0] },
  "bit-rot": { summary: "one bit of a node's disk flips, for good", millis: [0, 0], amount: [0, 0] },
  "lost-disk": {
    summary: "power fails and the disk is gone: the node starts on an empty one",
    millis: [50, 4_000],
    amount: [0, 0],
  },
  "clock-jump": {
    summary: "somebody sets a node's wall clock, by up to the amount in ms either way",
    millis: [0, 0],
    amount: [50, 600_000],
  },
  "clock-drift": {
    summary: "a node's clock runs too fast or too slow, by the amount in parts per million",
    millis: [2_000, 30_000],
    amount: [50, 50_000],
  },
};

export const ALL_FAULT_KINDS: readonly FaultKind[] = Object.keys(FAULT_KINDS) as FaultKind[];

/** Which ways an isolated node or a partition is deaf. */
export type Direction = "both" | "out" | "in";

export interface FaultEvent {
  /** Its number in the seed's schedule, from 1. */
  readonly id: number;
  readonly atMillis: number;
  readonly kind: FaultKind;
  /** The node that it befalls, or where a link begins; of all the nodes that there may be, from 1. */
  readonly node: number;
  /** Where a link ends. */
  readonly peer: number;
  /** One side of a partition. */
  readonly side: readonly number[];
  readonly direction: Direction;
  readonly durationMillis: number;
  readonly amount: number;
  /** For what else must be chosen, from 0 to before 1. */
  readonly place: number;
}

/** One line, as in `#3   12.400 s  pause n2 for 3.20 s`. */
export function faultText(event: FaultEvent): string {
  return `#${String(event.id).padEnd(3)} ${(event.atMillis / 1000).toFixed(3).padStart(7)} s  ${whatText(event)}`;
}

export function whatText(event: FaultEvent): string {
  const lasts = event.durationMillis === 0 ? "" : ` for ${(event.durationMillis / 1000).toFixed(2)} s`;
  return `${event.kind} ${targetText(event)}${lasts}`;
}

function targetText({ kind, node, peer, side, direction, amount }: FaultEvent): string {
  switch (kind) {
    case "partition":
      return `${side.map((id) => `n${id}`).join(",")} ${ARROWS[direction]} the others`;
    case "isolate":
      return `n${node} ${ARROWS[direction]}`;
    case "slow-link":
      return `n${node} -> n${peer} by ${amount.toFixed(0)} ms`;
    case "bad-network":
      return `${amount.toFixed(1)} %`;
    case "rolling-restart":
      return `of all, ${amount.toFixed(0)} ms apart`;
    case "slow-disk":
      return `of n${node} by ${amount.toFixed(0)} ms`;
    case "clock-jump":
      return `of n${node} by ${amount.toFixed(0)} ms`;
    case "clock-drift":
      return `of n${node} by ${amount.toFixed(0)} ppm`;
    case "full-disk":
    case "failed-sync":
    case "bit-rot":
      return `of n${node}`;
    default:
      return `n${node}`;
  }
}

const ARROWS: Readonly<Record<Direction, string>> = { both: "<-/->", out: "-/->", in: "<-/-" };
