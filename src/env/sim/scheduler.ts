import { assert } from "../../std/assert.ts";
import type { Timer } from "../env.ts";
import { TraceHash } from "./trace-hash.ts";
import { inTurns } from "./turn.ts";

/** One thing that happens at a moment of virtual time. */
class Event implements Timer {
  readonly timeMillis: number;
  /** Order among events of one moment: the order in which they were planned. */
  readonly sequence: number;
  readonly label: string;
  readonly detail: number;
  run: (() => void) | undefined;

  constructor(timeMillis: number, sequence: number, label: string, detail: number, run: () => void) {
    this.timeMillis = timeMillis;
    this.sequence = sequence;
    this.label = label;
    this.detail = detail;
    this.run = run;
  }

  cancel(): void {
    this.run = undefined;
  }
}

export type EventObserver = (timeMillis: number, label: string, detail: number) => void;

/**
 * The one source of progress in a simulation. Between two events every promise that can settle does: so what simulated
 * code does depends on the order of events alone, and that on the seed. Time passes only from event to event.
 */
export class SimScheduler {
  readonly #queue: Event[] = [];
  readonly #hash = new TraceHash();
  readonly #observe: EventObserver | undefined;
  #nowMillis = 0;
  #planned = 0;
  #ran = 0;
  #isRunning = false;

  constructor(observe?: EventObserver) {
    this.#observe = observe;
  }

  /** Virtual milliseconds since the start. */
  get nowMillis(): number {
    return this.#nowMillis;
  }

  get eventsRun(): number {
    return this.#ran;
  }

  /** Two runs that did the same have the same hash. */
  get traceHash(): string {
    return this.#hash.toString();
  }

  /** Adds a fact to the trace that no event's label tells. */
  trace(fact: string): void {
    this.#hash.add(this.#nowMillis, fact, 0);
  }

  after(delayMillis: number, label: string, run: () => void): Timer {
    return this.at(this.#nowMillis + delayMillis, label, run);
  }

  /**
   * For what must keep an order among moments: sums of delays would be off by their rounding. The detail, a whole number
   * below 2^32, goes into the trace beside the label: a label that is made once and a number cost less than a text each.
   */
  at(timeMillis: number, label: string, run: () => void, detail = 0): Timer {
    assert(timeMillis >= this.#nowMillis, "an event is not in the past");
    const event = new Event(timeMillis, this.#planned++, label, detail, run);
    pushEvent(this.#queue, event);
    return event;
  }

  /** Runs until nothing is planned, up to this moment of virtual time, or until `isDone` says so between two events. */
  async run(untilMillis: number = Number.POSITIVE_INFINITY, isDone: () => boolean = never): Promise<void> {
    await this.#loop(untilMillis, isDone);
    this.#arriveAt(untilMillis, isDone);
  }

  /** As `run`, for simulated code that makes no promises: nothing waits between two events, and none would settle. */
  runSynchronously(untilMillis: number = Number.POSITIVE_INFINITY, isDone: () => boolean = never): void {
    this.#enter();
    try {
      while (!isDone() && this.#step(untilMillis));
    } finally {
      this.#isRunning = false;
    }
    this.#arriveAt(untilMillis, isDone);
  }

  /** Runs until the promise settles. Fails if that does not happen within the limit, or nothing is planned any more. */
  async settle<T>(promise: Promise<T>, limitMillis = 3_600_000): Promise<T> {
    let isSettled = false;
    const mark = (): void => {
      isSettled = true;
    };
    promise.then(mark, mark);
    await this.#loop(this.#nowMillis + limitMillis, () => isSettled);
    assert(isSettled, "the simulation went on without settling what was waited for");
    return promise;
  }

  async #loop(untilMillis: number, isDone: () => boolean): Promise<void> {
    this.#enter();
    try {
      await inTurns(() => !isDone() && this.#step(untilMillis));
    } finally {
      this.#isRunning = false;
    }
  }

  #enter(): void {
    assert(!this.#isRunning, "a simulation is run by one loop at a time");
    this.#isRunning = true;
  }

  /** Time passes also where nothing happens. */
  #arriveAt(untilMillis: number, isDone: () => boolean): void {
    if (untilMillis === Number.POSITIVE_INFINITY || isDone()) return;
    this.#nowMillis = Math.max(this.#nowMillis, untilMillis);
  }

  /** Runs the next event that was not cancelled; false if there is none up to the given moment. */
  #step(untilMillis: number): boolean {
    for (;;) {
      const next = this.#queue[0];
      if (next === undefined || next.timeMillis > untilMillis) return false;
      popEvent(this.#queue);
      const { run, timeMillis, label, detail } = next;
      if (run === undefined) continue;
      next.run = undefined;
      this.#nowMillis = timeMillis;
      this.#ran++;
      this.#hash.add(timeMillis, label, detail);
      this.#observe?.(timeMillis, label, detail);
      run();
      return true;
    }
  }
}

function never(): boolean {
  return false;
}

function isBefore(left: Event, right: Event): boolean {
  return left.timeMillis < right.timeMillis || (left.timeMillis === right.timeMillis && left.sequence < right.sequence);
}

/** A binary heap in an array: the parent of place n is place (n - 1) / 2. */
function pushEvent(heap: Event[], event: Event): void {
  let at = heap.length;
  heap.push(event);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(event, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = event;
}

function popEvent(heap: Event[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = at * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (!isBefore(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
}
