import type { Action } from "./action.ts";
import { ACTIONS_MAX, encodeRun, type Moment, RUN_MILLIS_MAX, type Run, type TimedAction } from "./run-text.ts";
import { Simulation } from "./simulation.ts";

/** Where the repetition of a run is. */
export interface Replay {
  readonly end: Moment;
  /** Undefined until the end is reached. */
  readonly isSame: boolean | undefined;
}

/**
 * A simulation with the list of what was done to it, so that it can be done again. While it repeats a run, the run's actions come at
 * their moments; an action of the reader's own goes another way from there.
 */
export class Player {
  readonly simulation: Simulation;
  #actions: TimedAction[] = [];
  #isWhole = true;
  #script: readonly TimedAction[] = [];
  #run: Run | undefined;
  #replay: Replay | undefined;

  constructor(from: number | Run) {
    this.simulation = new Simulation(typeof from === "number" ? from : from.seed);
    if (typeof from === "number") return;
    this.#run = from;
    this.#script = from.actions;
    this.#replay = { end: from.end, isSame: undefined };
  }

  get replay(): Replay | undefined {
    return this.#replay;
  }

  get isReplaying(): boolean {
    return this.#run !== undefined;
  }

  get actionsTaken(): number {
    return this.#actions.length;
  }

  act(action: Action): void {
    if (this.isReplaying) {
      this.#run = undefined;
      this.#script = [];
      this.#replay = undefined;
    }
    this.#perform(action);
  }

  /** To this moment of virtual time; where a run is repeated, at most to its end, and by so many events at a time. */
  advance(untilMillis: number, eventsMax: number = Number.POSITIVE_INFINITY): void {
    const { simulation } = this;
    const eventsEnd = simulation.now.events + eventsMax;
    while (this.#run !== undefined && simulation.violation === undefined) {
      const next = this.#script[0] ?? this.#run.end;
      if (next.millis > untilMillis) break;
      simulation.run(next.millis, Math.min(next.events, eventsEnd));
      if (simulation.now.events < next.events) return;
      // All events before the moment have run; only time may have to pass.
      if (simulation.now.millis < next.millis) simulation.run(next.millis);
      const due = this.#script[0];
      if (due === undefined) {
        this.#finish(this.#run);
        return;
      }
      this.#script = this.#script.slice(1);
      this.#perform(due.action);
    }
    if (simulation.now.millis < untilMillis) simulation.run(untilMillis, eventsEnd);
  }

  step(): void {
    const { simulation } = this;
    if (this.#run === undefined) {
      simulation.step();
      return;
    }
    const next = this.#script[0] ?? this.#run.end;
    if (simulation.now.events < next.events) simulation.run(next.millis, simulation.now.events + 1);
    if (simulation.now.events >= next.events) this.advance(next.millis);
  }

  /** The text of a link to this very run; else one sentence on why there is none. */
  link(): { readonly text: string } | { readonly refusal: string } {
    const { now, seed, trace } = this.simulation;
    if (!this.#isWhole) return { refusal: `A run with more than ${ACTIONS_MAX} actions has no link.` };
    if (now.millis > RUN_MILLIS_MAX) return { refusal: "A run of more than 4 hours of virtual time has no link." };
    return { text: encodeRun({ seed, actions: this.#actions, end: now, trace }) };
  }

  #perform(action: Action): void {
    if (this.#actions.length < ACTIONS_MAX) this.#actions.push({ action, ...this.simulation.now });
    else this.#isWhole = false;
    this.simulation.perform(action);
  }

  #finish({ end, trace }: Run): void {
    this.#run = undefined;
    this.#replay = { end, isSame: this.simulation.trace === trace };
  }
}
