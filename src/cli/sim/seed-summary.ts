import { runSeed, type SeedResult, type Workload } from "../../sim/kernel/index.ts";

/** One seed to play; what a worker thread is sent. */
export interface SeedTask {
  readonly workload: string;
  readonly seed: number;
  readonly bugs: readonly string[];
  /** Virtual seconds; 0: the workload's own. */
  readonly seconds: number;
  /** Each seed is played twice and must do the same. */
  readonly twice: boolean;
}

/** What is told of one seed; plain data, as it crosses threads. */
export interface SeedSummary {
  readonly seed: number;
  /** Undefined where all held. */
  readonly violation: string | undefined;
  readonly traceHash: string;
  /** False where a second run did something else. */
  readonly isRepeatable: boolean;
  readonly events: number;
  readonly virtualMillis: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** Errors that reach nobody, as a promise's rejection that nobody handles, belong to the seed that runs. */
let failSeed: ((error: unknown) => void) | undefined;

export function failRunningSeed(error: unknown): boolean {
  failSeed?.(error);
  return failSeed !== undefined;
}

export async function playSeed(workload: Workload, task: SeedTask): Promise<SeedResult> {
  const { seed, bugs, seconds } = task;
  try {
    return await runSeed(workload, {
      ...{ seed, bugs, ...(seconds > 0 && { seconds }) },
      onRun: (fail) => {
        failSeed = fail;
      },
    });
  } finally {
    failSeed = undefined;
  }
}

export async function summarize(workload: Workload, task: SeedTask): Promise<SeedSummary> {
  const { seed, failure, traceHash, events, virtualMillis, counts } = await playSeed(workload, task);
  const isRepeatable = !task.twice || (await playSeed(workload, task)).traceHash === traceHash;
  return { seed, violation: failure?.violation.message, traceHash, isRepeatable, events, virtualMillis, counts };
}
