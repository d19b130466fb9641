import { Prng } from "../../std/prng.ts";
import { simFailure } from "./errors.ts";
import { type ChosenFault, choose, drawPlan } from "./fault-plan.ts";
import type { FaultEvent } from "./faults.ts";
import { Injector } from "./injector.ts";
import { SimRun } from "./run.ts";
import { drawSwarm, type SwarmConfiguration } from "./swarm.ts";
import type { Trace } from "./trace.ts";
import { Violation } from "./violation.ts";
import type { Scenario, Workload } from "./workload.ts";
import { type Failure, World } from "./world.ts";

const CHECK_MILLIS = 100;

export interface SeedOptions {
  readonly seed: number;
  /** Mistakes of the workload that are switched on. */
  readonly bugs?: readonly string[];
  /** Of the seed's schedule; all of them by default. */
  readonly faults?: readonly ChosenFault[];
  /** Virtual seconds with faults, in place of the workload's. */
  readonly seconds?: number;
  readonly trace?: Trace;
  /** Is given a function that fails the run: for errors that reach nobody else, as rejections that nobody handles. */
  readonly onRun?: (fail: (error: unknown) => void) => void;
}

export interface SeedResult {
  readonly seed: number;
  readonly failure: Failure | undefined;
  /** `faults`, `recovery` or `end`: what was under way when it failed, or ended. */
  readonly phase: "faults" | "recovery" | "end";
  /** Two runs that did the same have the same. */
  readonly traceHash: string;
  readonly events: number;
  readonly virtualMillis: number;
  readonly configuration: SwarmConfiguration;
  /** The whole schedule of the seed, and what of it was to be played. */
  readonly plan: readonly FaultEvent[];
  readonly faults: readonly FaultEvent[];
  readonly counts: Readonly<Record<string, number>>;
}

/** Plays one seed of a workload from its start to its end or to the first violation. Throws BUG_UNKNOWN and FAULTS_INVALID. */
export async function runSeed<Knobs extends object>(
  workload: Workload<Knobs>,
  options: SeedOptions,
): Promise<SeedResult> {
  const { seed, bugs = [], seconds = workload.seconds } = options;
  for (const bug of bugs) checkBug(workload, bug);
  const prng = new Prng(seed);
  const configuration = drawSwarm(workload, prng.fork());
  const nodesMax = configuration.nodes + (workload.spares ?? 0);
  const millis = seconds * 1000;
  const { kinds, meanGapMillis } = configuration;
  const plan = drawPlan(prng.fork(), { millis, nodes: nodesMax, kinds, meanGapMillis, tunings: workload.faults });
  const faults = options.faults === undefined ? plan : choose(plan, options.faults);
  const world: World = new World(
    prng.fork(),
    configuration,
    {
      start: (node) => scenario.start(node),
      describe: (bytes) => scenario.describe?.(bytes) ?? `${bytes.length} bytes`,
    },
    options.trace,
  );
  const run = new SimRun(world, {
    ...{ seed, size: configuration.nodes, knobs: configuration.knobs, bugs: new Set(bugs), nodesMax },
    prng: prng.fork(),
  });
  options.onRun?.((error) => world.failed(error));
  const scenario = workload.open(run);
  const injector = new Injector(world, configuration.network, (fault) => scenario.permits?.(fault) ?? true);
  const play = new Play(workload, { world, run, scenario, injector });
  await play.all(millis, configuration.nodes, faults);
  return {
    seed,
    failure: world.failure,
    phase: play.phase,
    traceHash: world.scheduler.traceHash,
    events: world.scheduler.eventsRun,
    virtualMillis: world.nowMillis,
    configuration,
    plan,
    faults,
    counts: { ...scenario.counts, "faults played": injector.played, "faults passed over": injector.passedOver },
  };
}

interface PlayParts<Knobs extends object> {
  readonly world: World;
  readonly run: SimRun<Knobs>;
  readonly scenario: Scenario;
  readonly injector: Injector;
}

/** The phases of one run: with faults, without them until the goal is reached, and the judgement of the whole. */
class Play<Knobs extends object> {
  phase: "faults" | "recovery" | "end" = "faults";
  readonly #workload: Workload<Knobs>;
  readonly #parts: PlayParts<Knobs>;
  #isReached = false;

  constructor(workload: Workload<Knobs>, parts: PlayParts<Knobs>) {
    this.#workload = workload;
    this.#parts = parts;
  }

  async all(millis: number, nodes: number, faults: readonly FaultEvent[]): Promise<void> {
    const { world, run, scenario, injector } = this.#parts;
    try {
      for (let count = 0; count < nodes; count++) world.addNode();
      for (const node of [...world.nodes]) node.start();
      scenario.begin?.();
      this.#checkRegularly();
      injector.plan(faults);
      await this.#go(millis);
      if (world.failure !== undefined) return;
      this.phase = "recovery";
      world.trace("-", "phase", () => "the faults are over");
      run.healed();
      injector.heal();
      scenario.heal?.();
      await this.#go(millis + this.#workload.recoverySeconds * 1000);
      if (world.failure !== undefined) return;
      const missing = this.#isReached ? undefined : scenario.missing();
      if (missing !== undefined) throw new Violation("a healed cluster makes no progress", missing);
      this.phase = "end";
      await scenario.finish?.();
    } catch (error) {
      world.failed(error);
    }
  }

  async #go(untilMillis: number): Promise<void> {
    const { world } = this.#parts;
    const isDone = (): boolean => world.failure !== undefined || this.#isReached;
    if (this.#workload.isSynchronous === true) world.scheduler.runSynchronously(untilMillis, isDone);
    else await world.scheduler.run(untilMillis, isDone);
  }

  #checkRegularly(): void {
    const { world, scenario } = this.#parts;
    world.after(CHECK_MILLIS, "check", () => {
      scenario.check?.();
      if (this.phase === "recovery") this.#isReached = scenario.missing() === undefined;
      this.#checkRegularly();
    });
  }
}

function checkBug<Knobs extends object>({ name, bugs = {} }: Workload<Knobs>, bug: string): void {
  if (bug in bugs) return;
  const known = Object.keys(bugs);
  const list = known.length === 0 ? "it has none" : `it has ${known.join(", ")}`;
  throw simFailure("BUG_UNKNOWN", { what: `The workload ${name} has no seeded bug "${bug}": ${list}.`, data: { bug } });
}
