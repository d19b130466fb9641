import { formatBytes, formatDuration } from "../std/quantities.ts";
import type { ByteSource } from "../std/source.ts";
import type { Output } from "./output.ts";

const INTERVAL_MILLIS = 200;
const BAR_CELLS = 24;

/** A bar with rate and time left, for people who watch; it costs nothing where nobody does. */
export class Progress implements Disposable {
  readonly #output: Output;
  readonly #label: string;
  readonly #bytesTotal: number | undefined;
  readonly #startedMillis: number = performance.now();
  #bytes = 0;
  #shownMillis = 0;

  /** `bytesTotal` is undefined where nobody knows it. */
  constructor(output: Output, label: string, bytesTotal: number | undefined) {
    this.#output = output;
    this.#label = label;
    this.#bytesTotal = bytesTotal;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    if (!this.#output.isWatched) return;
    const nowMillis = performance.now();
    if (nowMillis - this.#shownMillis < INTERVAL_MILLIS) return;
    this.#shownMillis = nowMillis;
    this.#output.progress(this.#line(nowMillis));
  }

  /** Counts what is read from the source. */
  of(source: ByteSource): ByteSource {
    return {
      read: async () => {
        const chunk = await source.read();
        if (chunk !== null) this.add(chunk.length);
        return chunk;
      },
      cancel: (reason) => source.cancel(reason),
    };
  }

  [Symbol.dispose](): void {
    this.#output.progress("");
  }

  #line(nowMillis: number): string {
    const seconds = Math.max(nowMillis - this.#startedMillis, 1) / 1000;
    const rate = this.#bytes / seconds;
    const speed = `${formatBytes(rate)}/s`;
    const total = this.#bytesTotal;
    if (total === undefined) return `${this.#label}  ${formatBytes(this.#bytes)}  ${speed}`;
    const share = total === 0 ? 1 : Math.min(1, this.#bytes / total);
    const filled = Math.round(share * BAR_CELLS);
    const bar = `[${"#".repeat(filled)}${".".repeat(BAR_CELLS - filled)}]`;
    const left = rate === 0 ? "" : `  ${formatDuration(((total - this.#bytes) / rate) * 1000)} left`;
    return `${this.#label}  ${bar} ${Math.floor(share * 100)} %  ${formatBytes(this.#bytes)}  ${speed}${left}`;
  }
}
