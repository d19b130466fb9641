import { SimClock, SimProcess, SimRandom, SimScheduler, SimTimers } from "../../../env/sim/index.ts";
import { Prng } from "../../../std/prng.ts";
import { MemoryRows, MemoryStore } from "../../../testing/memory-store.ts";
import { type Ids, type IdsOptions, openIds } from "../ids.ts";

export const NOW: number = Date.UTC(2026, 10, 21, 12);

/** Nodes over one Store in memory, in virtual time that a test runs. */
export class Bench {
  readonly scheduler: SimScheduler = new SimScheduler();
  readonly rows: MemoryRows = new MemoryRows();
  readonly #prng = new Prng(3);

  /** What a process of this name stands on. */
  parts(node: string): BenchParts {
    const clock = new SimClock(this.scheduler, { epochMillis: NOW });
    const timers = new SimTimers(new SimProcess(this.scheduler, node), clock);
    return { clock, timers, store: new FailingStore(this.rows) };
  }

  node(node: string, options: Partial<IdsOptions> = {}): BenchNode {
    const { clock, timers, store } = this.parts(node);
    const env = { clock, timers, random: new SimRandom(this.#prng.fork()) };
    return { ids: openIds({ store, env, node, ...options }), store, clock };
  }

  /** Runs virtual time until it settles. */
  settle<T>(promise: Promise<T>): Promise<T> {
    return this.scheduler.settle(promise);
  }

  async advance(millis: number): Promise<void> {
    await this.scheduler.run(this.scheduler.nowMillis + millis);
  }
}

export interface BenchParts {
  readonly store: FailingStore;
  readonly clock: SimClock;
  readonly timers: SimTimers;
}

export interface BenchNode {
  readonly ids: Ids;
  readonly store: FailingStore;
  readonly clock: SimClock;
}

/** A Store that a test takes away. */
export class FailingStore extends MemoryStore {
  failure: Error | undefined;
  commits = 0;

  override async commit(...parameters: Parameters<MemoryStore["commit"]>): ReturnType<MemoryStore["commit"]> {
    if (this.failure !== undefined) throw this.failure;
    this.commits++;
    return super.commit(...parameters);
  }
}
