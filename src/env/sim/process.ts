import type { Timer } from "../env.ts";
import type { SimScheduler } from "./scheduler.ts";

/** Something that happened to a process while it stood still. */
interface Waiting {
  readonly label: string;
  readonly run: () => void;
}

/**
 * One run of a simulated process, from a start to a crash. All that happens to it passes through here: after a crash
 * nothing does any more, while it is paused (stopped by its host, a long collection of garbage) everything waits, and
 * happens afterwards in the order in which it came.
 */
export class SimProcess {
  readonly scheduler: SimScheduler;
  readonly #label: string;
  readonly #waiting = new Set<Waiting>();
  #isAlive = true;
  #isResumePlanned = false;
  #pausedUntilMillis = 0;

  constructor(scheduler: SimScheduler, label: string) {
    this.scheduler = scheduler;
    this.#label = label;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  after(delayMillis: number, label: string, run: () => void): Timer {
    let waiting: Waiting | undefined;
    const timer = this.scheduler.after(delayMillis, `${this.#label} ${label}`, () => {
      waiting = this.#enter(label, run);
    });
    return {
      cancel: () => {
        timer.cancel();
        if (waiting !== undefined) this.#waiting.delete(waiting);
      },
    };
  }

  /** What comes from outside at this moment happens now; where the process stands still, once it goes on. */
  receive(label: string, run: () => void): void {
    this.#enter(label, run);
  }

  pause(millis: number): void {
    this.#pausedUntilMillis = Math.max(this.#pausedUntilMillis, this.scheduler.nowMillis + millis);
  }

  kill(): void {
    this.#isAlive = false;
    this.#waiting.clear();
  }

  #enter(label: string, run: () => void): Waiting | undefined {
    if (!this.#isAlive) return undefined;
    if (this.#waiting.size === 0 && this.#pausedUntilMillis <= this.scheduler.nowMillis) {
      run();
      return undefined;
    }
    const waiting = { label, run };
    this.#waiting.add(waiting);
    this.#planResume();
    return waiting;
  }

  #planResume(): void {
    const [first] = this.#waiting;
    if (this.#isResumePlanned || first === undefined) return;
    this.#isResumePlanned = true;
    const atMillis = Math.max(this.#pausedUntilMillis, this.scheduler.nowMillis);
    this.scheduler.at(atMillis, `${this.#label} resumes: ${first.label}`, () => this.#resume());
  }

  /** One at a time, as the scheduler does: the promises that it settles come before the next. */
  #resume(): void {
    this.#isResumePlanned = false;
    const [first] = this.#waiting;
    if (first !== undefined && this.#pausedUntilMillis <= this.scheduler.nowMillis) {
      this.#waiting.delete(first);
      // Before it runs: what it plans for this moment comes behind what has waited.
      this.#planResume();
      first.run();
    } else {
      this.#planResume();
    }
  }
}
