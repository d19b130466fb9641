import type { Clock, Timer, Timers } from "../../../env/index.ts";
import type { RequestStats } from "./request-stats.ts";
import type { StallMeter } from "./stall-meter.ts";

export const SAMPLE_INTERVAL_MILLIS = 5000;
/** 15 minutes. */
const SAMPLES_MAX = 180;

export interface Sample {
  readonly atMillis: number;
  readonly requestsPerSecond: number;
  readonly errorsPerSecond: number;
  readonly receivedBytesPerSecond: number;
  readonly sentBytesPerSecond: number;
  readonly p50Millis: number;
  readonly p99Millis: number;
  readonly stallMillis: number;
  readonly bytesFree: number;
}

export interface SamplerParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly stats: RequestStats;
  readonly stalls: StallMeter;
  readonly space: () => Promise<{ readonly bytesFree: number }>;
  readonly onSample: (sample: Sample) => void;
}

/** Looks at the counts every few seconds and keeps what it saw of the last 15 minutes. */
export class Sampler implements Disposable {
  readonly #parts: SamplerParts;
  readonly #samples: Sample[] = [];
  #takenMillis: number;
  #bytesFree = 0;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: SamplerParts) {
    this.#parts = parts;
    this.#takenMillis = parts.clock.monotonic();
    this.#arm();
  }

  /** The oldest first. */
  get samples(): readonly Sample[] {
    return this.#samples;
  }

  /** The newest; all zero before the first was taken. */
  get latest(): Sample {
    return this.#samples.at(-1) ?? { ...NOTHING, atMillis: this.#parts.clock.now(), bytesFree: this.#bytesFree };
  }

  async take(): Promise<void> {
    const { clock, stats, stalls, space, onSample } = this.#parts;
    try {
      this.#bytesFree = (await space()).bytesFree;
    } catch {
      // The disk's own faults are reported where they matter; the sample shows what was known last.
    }
    if (this.#stopped) return;
    const nowMillis = clock.monotonic();
    const seconds = Math.max(nowMillis - this.#takenMillis, 1) / 1000;
    this.#takenMillis = nowMillis;
    const counts = stats.take();
    const sample: Sample = {
      atMillis: clock.now(),
      requestsPerSecond: counts.requests / seconds,
      errorsPerSecond: counts.errors / seconds,
      receivedBytesPerSecond: counts.bytesReceived / seconds,
      sentBytesPerSecond: counts.bytesSent / seconds,
      p50Millis: counts.p50Millis,
      p99Millis: counts.p99Millis,
      stallMillis: stalls.take(),
      bytesFree: this.#bytesFree,
    };
    this.#samples.push(sample);
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
    onSample(sample);
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#timer = this.#parts.timers.after(SAMPLE_INTERVAL_MILLIS, () => {
      void this.take().then(() => {
        if (!this.#stopped) this.#arm();
      });
    });
  }
}

const NOTHING = {
  requestsPerSecond: 0,
  errorsPerSecond: 0,
  receivedBytesPerSecond: 0,
  sentBytesPerSecond: 0,
  p50Millis: 0,
  p99Millis: 0,
  stallMillis: 0,
};
