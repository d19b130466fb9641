import type { Timer } from "../env.ts";
import type { SimScheduler } from "./scheduler.ts";
import { hashOf } from "./trace-hash.ts";

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
  /** Stands for the label in the trace: a text made for each event would cost more than the event. */
  readonly #mark: number;
  readonly #waiting = new Set<Waiting>();
  #isAlive = true;
  #resumption: Timer | undefined;
  #pausedUntilMillis = 0;

  constructor(scheduler: SimScheduler, label: string) {
    this.scheduler = scheduler;
    this.#label = label;
    this.#mark = hashOf(label);
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** What else tells the event from others goes into the detail, a whole number. */
  after(delayMillis: number, label: string, run: () => void, detail = 0): Timer {
    let waiting: Waiting | undefined;
    const fire = (): void => {
      waiting = this.#enter(label, run);
    };
    const mark = (this.#mark ^ Math.imul(detail, 0x85ebca6b)) >>> 0;
    const timer = this.scheduler.at(this.scheduler.nowMillis + delayMillis, label, fire, mark);
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

  /** It goes on at once, if it stands still. */
  resume(): void {
    this.#pausedUntilMillis = this.scheduler.nowMillis;
    this.#resumption?.cancel();
    this.#resumption = undefined;
    this.#planResume();
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
    if (this.#resumption !== undefined || first === undefined) return;
    const atMillis = Math.max(this.#pausedUntilMillis, this.scheduler.nowMillis);
    this.#resumption = this.scheduler.at(atMillis, `${this.#label} resumes: ${first.label}`, () => this.#resume());
  }

  /** One at a time, as the scheduler does: the promises that it settles come before the next. */
  #resume(): void {
    this.#resumption = undefined;
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
