import type { Timer } from "../env.ts";
import type { SimScheduler } from "./scheduler.ts";

/**
 * One run of a simulated process, from a start to a crash. All that happens to it passes through here: after a crash
 * nothing does any more, while it is paused (stopped by its host, a long collection of garbage) everything waits.
 */
export class SimProcess {
  readonly scheduler: SimScheduler;
  readonly #label: string;
  #isAlive = true;
  #pausedUntilMillis = 0;

  constructor(scheduler: SimScheduler, label: string) {
    this.scheduler = scheduler;
    this.#label = label;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  after(delayMillis: number, label: string, run: () => void): Timer {
    let timer: Timer;
    const fire = (): void => {
      if (!this.#isAlive) return;
      const restMillis = this.#pausedUntilMillis - this.scheduler.nowMillis;
      if (restMillis > 0) timer = this.scheduler.after(restMillis, `${this.#label} resumes: ${label}`, fire);
      else run();
    };
    timer = this.scheduler.after(delayMillis, `${this.#label} ${label}`, fire);
    return {
      cancel() {
        timer.cancel();
      },
    };
  }

  pause(millis: number): void {
    this.#pausedUntilMillis = Math.max(this.#pausedUntilMillis, this.scheduler.nowMillis + millis);
  }

  kill(): void {
    this.#isAlive = false;
  }
}
