import type { Workload } from "../../sim/kernel/index.ts";
import { SeedPool } from "./seed-pool.ts";
import { type SeedSummary, type SeedTask, summarize } from "./seed-summary.ts";

export interface SweepOptions {
  readonly workload: Workload;
  readonly firstSeed: number;
  /** Infinity: until `isOver` says so. */
  readonly seeds: number;
  readonly threads: number;
  readonly task: Pick<SeedTask, "bugs" | "seconds" | "twice">;
  /** Asked before each seed. */
  isOver(): boolean;
  onSeed(done: number): void;
}

/** What many seeds came to. */
export interface Sweep {
  readonly seeds: number;
  /** In the order of their seeds. After the first failure no other seed is begun. */
  readonly failed: readonly SeedSummary[];
  readonly events: number;
  readonly virtualMillis: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Of all seeds; the same for the same seeds, in whatever order they ended. */
  readonly traceHash: string;
}

export async function sweep(options: SweepOptions): Promise<Sweep> {
  const summaries: SeedSummary[] = [];
  const done = (summary: SeedSummary): void => {
    summaries.push(summary);
    options.onSeed(summaries.length);
  };
  const hasFailed = (): boolean => summaries.some(isFailed);
  const task = (at: number): SeedTask => ({
    ...options.task,
    workload: options.workload.name,
    seed: (options.firstSeed + at) >>> 0,
  });
  const isOver = (at: number): boolean => at >= options.seeds || options.isOver() || hasFailed();
  if (options.threads <= 1) {
    for (let at = 0; !isOver(at); at++) done(await summarize(options.workload, task(at)));
  } else {
    await using pool = new SeedPool(Math.min(options.threads, options.seeds));
    const running: Promise<void>[] = [];
    for (let at = 0; !isOver(at); at++) {
      const { summary } = await pool.start(task(at));
      running.push(summary.then(done));
    }
    await Promise.all(running);
  }
  return total(summaries);
}

export function isFailed({ violation, isRepeatable }: SeedSummary): boolean {
  return violation !== undefined || !isRepeatable;
}

function total(summaries: SeedSummary[]): Sweep {
  summaries.sort((left, right) => left.seed - right.seed);
  const counts: Record<string, number> = {};
  let hash = 0x811c9dc5;
  for (const summary of summaries) {
    for (const [name, count] of Object.entries(summary.counts)) counts[name] = (counts[name] ?? 0) + count;
    for (const digit of summary.traceHash) hash = Math.imul(hash ^ digit.charCodeAt(0), 0x01000193);
  }
  return {
    seeds: summaries.length,
    failed: summaries.filter(isFailed),
    events: summaries.reduce((sum, { events }) => sum + events, 0),
    virtualMillis: summaries.reduce((sum, { virtualMillis }) => sum + virtualMillis, 0),
    counts,
    traceHash: (hash >>> 0).toString(16).padStart(8, "0"),
  };
}
