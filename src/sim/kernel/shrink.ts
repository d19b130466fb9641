import type { ChosenFault } from "./fault-plan.ts";
import type { FaultEvent } from "./faults.ts";
import { runSeed, type SeedOptions, type SeedResult } from "./run-seed.ts";
import type { Workload } from "./workload.ts";

export interface ShrinkOptions {
  /** How many runs it may take. Default 300. */
  readonly runsMax?: number;
  /** Asked before each run: whether the time for it is over. */
  readonly isOver?: () => boolean;
}

export interface Shrunk {
  /** The failing run with the smallest schedule that was found. */
  readonly result: SeedResult;
  readonly runs: number;
  /** False where a bound ended the search. */
  readonly isMinimal: boolean;
}

const RUNS_MAX = 300;
/** A fault is not made shorter than this. */
const DURATION_MILLIS_MIN = 10;

/**
 * Looks for a smaller schedule of faults that still violates the same invariant: removes events by delta debugging
 * (Zeller and Hildebrandt 2002, ddmin), then makes those that are left shorter. What happens between the faults changes
 * with them, as draws come in another order: so the result is small, not the smallest.
 */
export async function shrink<Knobs extends object>(
  workload: Workload<Knobs>,
  failed: SeedResult,
  seedOptions: Omit<SeedOptions, "faults" | "trace">,
  options: ShrinkOptions = {},
): Promise<Shrunk> {
  const search = new Search(workload, failed, seedOptions, options);
  await search.removeEvents();
  await search.shortenEvents();
  return { result: search.best, runs: search.runs, isMinimal: !search.isOver };
}

class Search<Knobs extends object> {
  best: SeedResult;
  runs = 0;
  readonly #workload: Workload<Knobs>;
  readonly #seedOptions: Omit<SeedOptions, "faults" | "trace">;
  readonly #options: ShrinkOptions;
  readonly #invariant: string;

  constructor(
    workload: Workload<Knobs>,
    failed: SeedResult,
    seedOptions: Omit<SeedOptions, "faults" | "trace">,
    options: ShrinkOptions,
  ) {
    this.#workload = workload;
    this.#seedOptions = seedOptions;
    this.#options = options;
    this.#invariant = failed.failure!.violation.invariant;
    this.best = failed;
  }

  get isOver(): boolean {
    return this.runs >= (this.#options.runsMax ?? RUNS_MAX) || this.#options.isOver?.() === true;
  }

  async removeEvents(): Promise<void> {
    // What had not begun when it failed had no part in it.
    const { atMillis } = this.best.failure!;
    const begun = this.best.faults.filter((event) => event.atMillis <= atMillis);
    if (begun.length < this.best.faults.length) await this.#tries(begun);
    if (this.best.faults.length > 0 && (await this.#tries([]))) return;
    let parts = 2;
    while (this.best.faults.length >= 2 && !this.isOver) {
      const events = this.best.faults;
      if (await this.#removesOne(events, Math.min(parts, events.length))) {
        parts = Math.max(parts - 1, 2);
      } else {
        if (parts >= events.length) return;
        parts = Math.min(parts * 2, events.length);
      }
    }
  }

  async shortenEvents(): Promise<void> {
    for (let at = 0; at < this.best.faults.length; at++) {
      for (;;) {
        const event = this.best.faults[at]!;
        const durationMillis = Math.floor(event.durationMillis / 2);
        if (durationMillis < DURATION_MILLIS_MIN || this.isOver) break;
        const shorter = this.best.faults.map((one) => (one === event ? { ...one, durationMillis } : one));
        if (!(await this.#tries(shorter))) break;
      }
    }
  }

  /** Tries each complement of one part. */
  async #removesOne(events: readonly FaultEvent[], parts: number): Promise<boolean> {
    const size = Math.ceil(events.length / parts);
    for (let from = 0; from < events.length && !this.isOver; from += size) {
      if (await this.#tries([...events.slice(0, from), ...events.slice(from + size)])) return true;
    }
    return false;
  }

  /** Keeps the schedule where it still fails in the same way. */
  async #tries(events: readonly FaultEvent[]): Promise<boolean> {
    this.runs++;
    const faults: ChosenFault[] = events.map(({ id, durationMillis }) => ({ id, durationMillis }));
    const result = await runSeed(this.#workload, { ...this.#seedOptions, faults });
    if (result.failure?.violation.invariant !== this.#invariant) return false;
    this.best = result;
    return true;
  }
}
