/** From one bucket to the next a duration grows by 2 %: so near are the percentiles. */
const GROWTH = 1.02;
const MILLIS_MIN = 0.01;
/** The last one begins at about 5 minutes. */
const BUCKETS = 870;

const SHARES = { p50: 0.5, p90: 0.9, p99: 0.99, p999: 0.999 } as const;

/** Durations, counted in buckets: memory does not grow with their number. */
export class Latencies {
  readonly #counts: Float64Array = new Float64Array(BUCKETS);
  #count = 0;
  #max = 0;

  get count(): number {
    return this.#count;
  }

  add(millis: number): void {
    const bucket = millis <= MILLIS_MIN ? 0 : Math.ceil(Math.log(millis / MILLIS_MIN) / Math.log(GROWTH));
    const place = Math.min(bucket, BUCKETS - 1);
    this.#counts[place] = this.#counts[place]! + 1;
    this.#count++;
    this.#max = Math.max(this.#max, millis);
  }

  /** Milliseconds by percentile, and the longest. */
  summary(): Readonly<Record<string, number>> {
    const shares = Object.entries(SHARES).map(([name, share]) => [name, this.#quantile(share)] as const);
    return Object.fromEntries([...shares, ["max", this.#max]]);
  }

  #quantile(share: number): number {
    let left = Math.ceil(this.#count * share);
    for (let bucket = 0; bucket < BUCKETS && left > 0; bucket++) {
      left -= this.#counts[bucket]!;
      if (left <= 0) return Math.min(this.#max, MILLIS_MIN * GROWTH ** bucket);
    }
    return 0;
  }
}
