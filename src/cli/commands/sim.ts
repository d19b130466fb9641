import { availableParallelism } from "node:os";
import {
  type ChosenFault,
  type FailureReport,
  failureLines,
  faultText,
  investigate,
  parseChosenFaults,
  replayCommand,
  runSeed,
  swarmLines,
  Trace,
  traceText,
  type Workload,
} from "../../sim/kernel/index.ts";
import { WORKLOADS } from "../../sim/workloads/index.ts";
import { AshlarError } from "../../std/errors.ts";
import { type Command, localCommand } from "../command.ts";
import { cliFailure } from "../errors.ts";
import { type Output, pairs, table } from "../output.ts";
import { playSeed } from "../sim/seed-summary.ts";
import { type Sweep, sweep } from "../sim/sweep.ts";

const EXIT_VIOLATION = 1;
const SHRINK_MILLIS_MAX = 60_000;
const JOBS_MAX = 8;

export const SIM_COMMANDS: readonly Command[] = [
  localCommand({
    words: "sim",
    summary: "Simulates a cluster under faults, seed by seed",
    notes: [
      "Without WORKLOAD it lists what can be simulated.",
      "Each seed draws a cluster, its settings and a schedule of faults; the same seed does the same again.",
      "After the first seed that fails it stops, looks for a smaller schedule that fails too, and prints how to play that again.",
      "docs/operations/simulator.md tells how to read what it prints.",
      "Exit codes: 0 all seeds held; 1 a seed failed, or was cut short; 2 the command line was not understood.",
    ],
    arguments: ["WORKLOAD?"],
    options: {
      seed: { type: "integer", unit: "count", default: 1, min: 0, max: 4_294_967_295, text: "The first seed." },
      seeds: {
        type: "integer",
        unit: "count",
        default: 0,
        min: 0,
        max: 1_000_000_000,
        text: "How many seeds, from the first on; 0: one, or with --minutes as many as there is time for.",
      },
      minutes: {
        type: "integer",
        unit: "count",
        default: 0,
        min: 0,
        max: 100_000,
        text: "Begin no seed after so many minutes; 0: no limit.",
      },
      jobs: {
        type: "integer",
        unit: "count",
        default: 0,
        min: 0,
        max: 256,
        text: `Seeds at a time, each in a thread of its own; 0: one a core, at most ${JOBS_MAX}.`,
      },
      seconds: {
        type: "integer",
        unit: "s",
        default: 0,
        min: 0,
        max: 86_400,
        text: "Virtual time with faults; 0: the workload's own.",
      },
      faults: {
        type: "text",
        text: "Play these faults of the seed's schedule only, as in 3,9:250,12 (the ninth for 250 ms); none: no faults.",
      },
      bug: { type: "list", default: [], text: "Switch on a seeded bug of the workload, to see it found." },
      twice: { type: "flag", default: false, text: "Play each seed twice: both runs must be the same." },
      trace: { type: "flag", default: false, text: "Print each event of the seed, and do not shrink." },
      shrink: { type: "flag", default: true, text: "Report the first schedule that failed as it is." },
    },
    examples: [
      "ashlar sim raft-core --seed 1 --seeds 200",
      "ashlar sim raft-core --bug commit-older-term --seeds 500",
      "ashlar sim raft-core --seed 17 --faults 3,9,12 --trace",
    ],
    async run({ output, options, signal, arguments: [name] }) {
      if (name === undefined) {
        listWorkloads(output);
        return 0;
      }
      const workload = workloadOf(name);
      checkBugs(workload, options.bug);
      const seeds = options.seeds > 0 ? options.seeds : options.minutes > 0 ? Number.POSITIVE_INFINITY : 1;
      const chosen = options.faults === undefined ? undefined : chosenOf(options.faults);
      if (chosen !== undefined || options.trace) {
        if (seeds !== 1) throw cliFailure("USAGE_OPTION", { what: "--faults and --trace are about one seed." });
        return await replay(workload, { ...options, chosen, output });
      }
      const startedMillis = performance.now();
      const overMillis = options.minutes > 0 ? startedMillis + options.minutes * 60_000 : Number.POSITIVE_INFINITY;
      const result = await sweep({
        ...{ workload, firstSeed: options.seed, seeds },
        threads: seeds === 1 ? 1 : options.jobs > 0 ? options.jobs : Math.min(JOBS_MAX, availableParallelism()),
        task: { bugs: options.bug, seconds: options.seconds, twice: options.twice },
        isOver: () => signal.aborted || performance.now() > overMillis,
        onSeed: (done) => output.progress(`${done} seeds of ${workload.name}`),
      });
      output.progress("");
      const seconds = (performance.now() - startedMillis) / 1000;
      const report = await reportOf(workload, result, options);
      const parts = { workload: workload.name, firstSeed: options.seed, seconds, report, isCut: signal.aborted };
      output.result(shapeOf(result, parts), () => sweepLines(result, parts));
      return result.failed.length > 0 || signal.aborted ? EXIT_VIOLATION : 0;
    },
  }),
];

function listWorkloads(output: Output): void {
  const shape = WORKLOADS.map(({ name, summary, seconds, nodes, faults, bugs = {} }) => {
    return { name, summary, seconds, nodes, faults: Object.keys(faults), bugs };
  });
  output.result(shape, () => [
    ...table(
      ["WORKLOAD", "NODES", "SECONDS", ""],
      WORKLOADS.map(({ name, nodes, seconds, summary }) => [name, `${nodes[0]} to ${nodes[1]}`, seconds, summary]),
    ),
  ]);
}

function workloadOf(name: string): Workload {
  const workload = WORKLOADS.find((one) => one.name === name);
  if (workload !== undefined) return workload;
  const known = WORKLOADS.map((one) => one.name).join(", ");
  throw cliFailure("USAGE_ARGUMENTS", { what: `There is no workload ${name}: there is ${known}.` });
}

function checkBugs({ name, bugs = {} }: Workload, given: readonly string[]): void {
  for (const bug of given) {
    if (bug in bugs) continue;
    const known = Object.keys(bugs).join(", ");
    throw cliFailure("USAGE_OPTION", { what: `${name} has no seeded bug ${bug}: it has ${known || "none"}.` });
  }
}

function chosenOf(text: string): readonly ChosenFault[] {
  try {
    return parseChosenFaults(text);
  } catch (error) {
    throw cliFailure("USAGE_OPTION", { what: `--faults: ${(error as AshlarError).message}` });
  }
}

interface ReplayOptions {
  readonly seed: number;
  readonly bug: readonly string[];
  readonly seconds: number;
  readonly trace: boolean;
  readonly chosen: readonly ChosenFault[] | undefined;
  readonly output: Output;
}

/** One seed as it is told, with each event on a line where that is asked for. */
async function replay(workload: Workload, options: ReplayOptions): Promise<number> {
  const { seed, bug: bugs, seconds, chosen, output } = options;
  const isPrinted = options.trace && !output.json;
  const trace = new Trace(0, isPrinted ? (line) => output.write(`${traceText(line)}\n`) : undefined);
  const result = await playOnce(workload, {
    ...{ seed, bugs, ...(seconds > 0 && { seconds }) },
    ...(chosen !== undefined && { faults: chosen }),
    ...(isPrinted && { trace }),
  });
  const { failure, configuration, faults, traceHash, events, counts } = result;
  const verdict = failure === undefined ? "held" : `failed: ${failure.violation.message}`;
  output.result(
    { workload: workload.name, seed, violation: failure?.violation.message, traceHash, events, counts },
    () => [
      ...swarmLines(configuration),
      ...faults.map(faultText),
      "",
      `seed ${seed} of ${workload.name} ${verdict}.`,
      `${events} events, trace ${traceHash}`,
    ],
  );
  return failure === undefined ? 0 : EXIT_VIOLATION;
}

async function playOnce(...args: Parameters<typeof runSeed>): ReturnType<typeof runSeed> {
  try {
    return await runSeed(...args);
  } catch (error) {
    if (error instanceof AshlarError) throw cliFailure("USAGE_OPTION", { what: error.message });
    throw error;
  }
}

async function reportOf(
  workload: Workload,
  { failed: [first] }: Sweep,
  {
    bug: bugs,
    seconds,
    shrink,
  }: { readonly bug: readonly string[]; readonly seconds: number; readonly shrink: boolean },
): Promise<FailureReport | undefined> {
  if (first === undefined || first.violation === undefined) return undefined;
  const { seed } = first;
  const result = await playSeed(workload, { workload: workload.name, seed, bugs, seconds, twice: false });
  if (result.failure === undefined) return undefined;
  const overMillis = performance.now() + SHRINK_MILLIS_MAX;
  const isOver = (): boolean => performance.now() > overMillis;
  return await investigate(
    workload,
    result,
    { seed, bugs, ...(seconds > 0 && { seconds }) },
    { shrinks: shrink, isOver },
  );
}

interface SweepParts {
  readonly workload: string;
  readonly firstSeed: number;
  readonly seconds: number;
  readonly report: FailureReport | undefined;
  readonly isCut: boolean;
}

function shapeOf(result: Sweep, { workload, firstSeed, seconds, report }: SweepParts): object {
  const { seeds, failed, events, virtualMillis, counts, traceHash } = result;
  return {
    ...{ workload, firstSeed, seeds, failed: failed.length, events, virtualSeconds: virtualMillis / 1000 },
    ...{ seconds, seedsPerMinute: seedsPerMinute(seeds, seconds), traceHash, counts },
    failures: failed.map(({ seed, violation, isRepeatable }) => ({ seed, violation, isRepeatable })),
    ...(report !== undefined && { replay: replayCommand(report) }),
  };
}

function sweepLines(result: Sweep, { workload, firstSeed, seconds, report, isCut }: SweepParts): string[] {
  const { seeds, failed, events, virtualMillis, counts, traceHash } = result;
  const lines = report === undefined ? [] : [...failureLines(report), ""];
  for (const { seed, violation, isRepeatable } of failed) {
    if (!isRepeatable) lines.push(`seed ${seed} did not do the same when it was played again`);
    else if (seed !== report?.first.seed) lines.push(`seed ${seed} failed: ${violation}`);
  }
  const rate = `${seedsPerMinute(seeds, seconds)} seeds a minute, ${Math.round(events / seconds)} events a second`;
  const ran = `${seeds} from ${firstSeed} on, ${failed.length} failed${isCut ? ", interrupted" : ""}`;
  lines.push(
    ...pairs([
      ["Workload", workload],
      ["Seeds", ran],
      ["Virtual time", `${(virtualMillis / 60_000).toFixed(1)} min in ${seconds.toFixed(1)} s`],
      ["Rate", rate],
      ["Trace", traceHash],
      [
        "Met",
        Object.entries(counts)
          .map(([name, count]) => `${count} ${name}`)
          .join(", "),
      ],
    ]),
  );
  return lines;
}

function seedsPerMinute(seeds: number, seconds: number): number {
  return Math.round((seeds * 60) / seconds);
}
