import type { FailureReport } from "./report.ts";
import { runSeed, type SeedOptions, type SeedResult } from "./run-seed.ts";
import { type ShrinkOptions, shrink } from "./shrink.ts";
import { Trace } from "./trace.ts";
import type { Workload } from "./workload.ts";

export interface InvestigateOptions extends ShrinkOptions {
  /** Whether a smaller schedule is looked for. Default true. */
  readonly shrinks?: boolean;
  /** Last lines of the trace that are kept. Default 40. */
  readonly traceLinesMax?: number;
}

/**
 * Finds out about a failed seed what there is to tell: the smallest schedule that still fails, and, as nothing is traced
 * until there is a reason, the trace of another run of that.
 */
export async function investigate<Knobs extends object>(
  workload: Workload<Knobs>,
  failed: SeedResult,
  seedOptions: Omit<SeedOptions, "faults" | "trace">,
  options: InvestigateOptions = {},
): Promise<FailureReport> {
  const shrunk = options.shrinks === false ? undefined : await shrink(workload, failed, seedOptions, options);
  const smallest = shrunk?.result ?? failed;
  const trace = new Trace(options.traceLinesMax ?? 40);
  const again = await runSeed(workload, { ...seedOptions, faults: smallest.faults, trace });
  return {
    workload: workload.name,
    first: failed,
    shrunk,
    trace: trace.lines,
    bugs: seedOptions.bugs ?? [],
    seconds: seedOptions.seconds,
    isRepeatable: again.traceHash === smallest.traceHash,
  };
}
