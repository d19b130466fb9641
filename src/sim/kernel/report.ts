import { chosenText } from "./fault-plan.ts";
import { faultText } from "./faults.ts";
import type { SeedResult } from "./run-seed.ts";
import type { Shrunk } from "./shrink.ts";
import { swarmLines } from "./swarm.ts";
import { type TraceLine, traceText } from "./trace.ts";

/** What is told of a failed seed. */
export interface FailureReport {
  readonly workload: string;
  readonly first: SeedResult;
  /** Undefined where nothing was shrunk. */
  readonly shrunk: Shrunk | undefined;
  /** The end of the run with the smallest schedule. */
  readonly trace: readonly TraceLine[];
  readonly bugs: readonly string[];
  /** Virtual seconds, where they were not the workload's. */
  readonly seconds: number | undefined;
  /** False where the same seed did not do the same again: then the workload draws on something beside its seed. */
  readonly isRepeatable: boolean;
}

/** The command that plays the smallest failing run again. */
export function replayCommand({ workload, first, shrunk, bugs, seconds }: FailureReport): string {
  const { plan, faults } = shrunk?.result ?? first;
  const words = [`ashlar sim ${workload} --seed ${first.seed}`];
  if (bugs.length > 0) words.push(`--bug ${bugs.join(",")}`);
  if (seconds !== undefined) words.push(`--seconds ${seconds}`);
  if (faults.length < plan.length || faults.some((event, at) => event.durationMillis !== plan[at]!.durationMillis)) {
    words.push(`--faults ${chosenText(plan, faults)}`);
  }
  return `${words.join(" ")} --trace`;
}

export function failureLines(report: FailureReport): string[] {
  const { first, shrunk, trace, isRepeatable } = report;
  const result = shrunk?.result ?? first;
  const { violation, atMillis, who, cause } = result.failure!;
  const lines = [`seed ${first.seed} of ${report.workload} failed: ${violation.invariant}.`];
  if (violation.detail !== "") lines.push(`  ${violation.detail}`);
  lines.push(`  at ${(atMillis / 1000).toFixed(6)} s${who === "-" ? "" : ` in ${who}`}, ${PHASES[result.phase]}`);
  if (cause !== violation && cause instanceof Error) lines.push(...(cause.stack ?? "").split("\n").slice(1, 5));
  if (!isRepeatable) lines.push("  It did not fail again in the same way: the workload draws on more than its seed.");
  lines.push("", ...swarmLines(result.configuration).map((line) => `  ${line}`), "");
  const { faults } = result;
  const how = shrunk === undefined ? "" : `, of ${first.faults.length}, after ${shrunk.runs} runs`;
  lines.push(`  ${faults.length} faults${how}${shrunk?.isMinimal === false ? " (the search was cut short)" : ""}`);
  for (const event of faults) lines.push(`    ${faultText(event)}`);
  lines.push("", ...trace.map((line) => `  ${traceText(line)}`), "", `  ${replayCommand(report)}`);
  return lines;
}

const PHASES = {
  faults: "while there were faults",
  recovery: "after the faults had ended",
  end: "when all was over",
} as const;
