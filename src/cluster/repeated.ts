import type { Timer, Timers } from "../env/index.ts";

export interface RepeatedOptions {
  readonly timers: Timers;
  /** From the end of one look to the next. */
  readonly pauseMillis: number;
  readonly look: () => Promise<void>;
  /** A look that failed is followed by the next one all the same. */
  readonly onError: (error: unknown) => void;
}

/** Looks again and again until it is disposed of, which waits for the look that is under way. */
export class Repeated implements AsyncDisposable {
  readonly #options: RepeatedOptions;
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;
  #isOver = false;

  constructor(options: RepeatedOptions) {
    this.#options = options;
    this.#plan();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.#timer?.cancel();
    await this.#looking;
  }

  #plan(): void {
    if (this.#isOver) return;
    const { timers, pauseMillis, look, onError } = this.#options;
    this.#timer = timers.after(pauseMillis, () => {
      this.#looking = look()
        .catch(onError)
        .finally(() => this.#plan());
    });
  }
}
