import type { Draw } from "./draw.ts";
import type { FaultTunings } from "./fault-plan.ts";
import type { FaultEvent, Range } from "./faults.ts";
import type { NodeContext } from "./node.ts";
import type { SimRun } from "./run.ts";

/**
 * What is simulated: nodes, what befalls them, what must hold. A value without state; `open` begins one run of it.
 *
 * All that the workload does must follow from the seed: time, chance, disk and network come from the node's Env and its
 * endpoint, or from the run; never from Date, Math.random, timers, or the order of a Set of objects made elsewhere.
 */
export interface Workload<Knobs extends object = object> {
  readonly name: string;
  /** One sentence. */
  readonly summary: string;
  /** Virtual seconds with faults. */
  readonly seconds: number;
  /** Virtual seconds after the faults have ended in which the goal must be reached. */
  readonly recoverySeconds: number;
  /** How many nodes a seed may have. */
  readonly nodes: Range;
  /** Nodes that may join while the simulation runs. Default 0. */
  readonly spares?: number;
  /** Nodes and clients make no promises: then nothing needs to settle between two events, which takes half the time. */
  readonly isSynchronous?: boolean;
  /** What the nodes are meant to survive; each seed switches some of these on. */
  readonly faults: FaultTunings;
  /** Mean time between two faults: each seed draws it from this range. Default: 300 ms to 6 s. */
  readonly meanGapMillis?: Range;
  /** The slowest network that a seed may draw: one way, in ms. Default 40. */
  readonly networkMillisMax?: number;
  /** Mistakes that can be switched on, to see that they are found: name and one sentence. */
  readonly bugs?: Readonly<Record<string, string>>;
  /** What else each seed decides: limits, sizes, time-outs. Values are printed with a failing seed. */
  draw(draw: Draw): Knobs;
  open(run: SimRun<Knobs>): Scenario;
}

/** One run of a workload. A `Violation` or a false assertion, thrown anywhere in here or by a node, is a failed seed. */
export interface Scenario {
  /**
   * The node's process starts: at the beginning and after each crash. What it has in memory is what this call makes. A
   * promise stands for its whole start or life: an AshlarError that it rejects with ends the process, as a failed disk
   * does, and another one is started later.
   */
  start(node: NodeContext): void | Promise<void>;
  /** Once, after all nodes have been started: for clients and whatever else acts from outside. */
  begin?(): void;
  /** From time to time: invariants over all nodes. */
  check?(): void;
  /** Whether a fault of the schedule may happen now. What the nodes are not meant to survive is passed over. */
  permits?(fault: FaultEvent): boolean;
  /** The faults are over. What is returned must be reached in time. */
  heal?(): void;
  /** Undefined once the goal is reached, else what is still missing, one sentence. Asked for again and again. */
  missing(): string | undefined;
  /** At the very end: what can only be judged of the whole, as a history. */
  finish?(): void | Promise<void>;
  /** A message's bytes for the trace. */
  describe?(bytes: Uint8Array): string;
  /** What the run has come across, so that one sees that it tries what it is meant to try. */
  readonly counts?: Readonly<Record<string, number>>;
}
