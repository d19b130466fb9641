/** The first bucket ends here; each of the next is a quarter of a doubling wider, so a quantile is at most 19 % too high. */
const MILLIS_MIN = 0.05;
const BUCKETS_A_DOUBLING = 4;
/** The last bucket begins at about 54 minutes. */
const BUCKETS = 104;

/** Durations of one stretch of time, counted in buckets: what quantiles are read from. */
export class LatencyWindow {
  readonly #counts: Uint32Array = new Uint32Array(BUCKETS);
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(millis: number): void {
    const bucket = millis <= MILLIS_MIN ? 0 : Math.ceil(Math.log2(millis / MILLIS_MIN) * BUCKETS_A_DOUBLING);
    const place = Math.min(bucket, BUCKETS - 1);
    this.#counts[place] = this.#counts[place]! + 1;
    this.#total++;
  }

  /** At most this long took that share (0 to 1) of them; 0 where there were none. */
  quantile(share: number): number {
    if (this.#total === 0) return 0;
    let left = Math.max(1, Math.ceil(this.#total * share));
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#counts[bucket]!;
      if (left <= 0) return MILLIS_MIN * 2 ** (bucket / BUCKETS_A_DOUBLING);
    }
    return MILLIS_MIN * 2 ** ((BUCKETS - 1) / BUCKETS_A_DOUBLING);
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }
}
