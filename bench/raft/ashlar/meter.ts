import { setTimeout as sleep } from "node:timers/promises";
import { Histogram } from "../histogram.ts";
import type { Measurement, Times } from "../peer.ts";

/** Says when to measure, and gathers what this process has measured. */
export class Meter {
  readonly #latencies = new Histogram();
  #isMeasuring = false;
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  /** An operation has ended. */
  record(startedMillis: number, nowMillis: number): void {
    if (this.#isMeasuring) this.#latencies.record(nowMillis - startedMillis);
  }

  /** While clients that look at `isOver` do their work. */
  async run({ warmUpSeconds, seconds }: Times): Promise<Omit<Measurement, "version">> {
    await sleep(warmUpSeconds * 1000);
    process.stdout.write("measuring\n");
    const began = performance.now();
    const usage = process.cpuUsage();
    this.#isMeasuring = true;
    await sleep(seconds * 1000);
    this.#isMeasuring = false;
    this.#isOver = true;
    const elapsed = performance.now() - began;
    const { user, system } = process.cpuUsage(usage);
    return {
      operations: this.#latencies.total,
      seconds: elapsed / 1000,
      p50Millis: this.#latencies.quantileMillis(0.5),
      p99Millis: this.#latencies.quantileMillis(0.99),
      processorSeconds: (user + system) / 1e6,
    };
  }
}

/** When each operation of a window has begun; they end in the order in which they began. */
export class Starts {
  readonly #millis: Float64Array;
  #from = 0;
  #count = 0;

  constructor(window: number) {
    this.#millis = new Float64Array(window);
  }

  get count(): number {
    return this.#count;
  }

  push(millis: number): void {
    this.#millis[(this.#from + this.#count++) % this.#millis.length] = millis;
  }

  shift(): number {
    const millis = this.#millis[this.#from]!;
    this.#from = (this.#from + 1) % this.#millis.length;
    this.#count--;
    return millis;
  }
}
