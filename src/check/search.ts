import { Demand, type Placeable } from "./demand.ts";
import { Fifo } from "./fifo.ts";
import type { State } from "./models/model.ts";
import { PendingList } from "./pending-list.ts";

export interface SearchOptions {
  /** Keeps the longest order found, and does not look ahead, so that the order is as long as can be. For few operations. */
  readonly toExplain?: boolean;
}

export type SearchResult = "ok" | "violation" | "working";

/**
 * Looks for an order of one object's operations that its specification allows and that keeps real time (Wing and Gong 1993, with Lowe's
 * memory of what was seen). Depth first; what is placed next is any operation that began before the first return of those not yet
 * placed. What makes it fast:
 *
 * - A read that fits the state is placed at once: nothing is lost by it, so it is no choice.
 * - What was seen is remembered as (first return, open operations not yet placed, state). That says which operations are placed without
 *   a bit for each operation of the history, so memory does not grow with the square of its length.
 * - Of pending operations that do the same, only the one that ends first is tried: any other can take the later one's place.
 * - A write of what nothing reads goes with the next change of state, just before it: there it is in nobody's way.
 * - `Demand` looks ahead: the object does not leave a state that is still needed and can not be made again in time.
 *
 * The caller gives it steps, so that many searches take turns.
 */
export class Search {
  readonly #operations: readonly Placeable[];
  readonly #pending: PendingList;
  readonly #demand: Demand | undefined = undefined;
  readonly #fifo: Fifo | undefined = undefined;
  readonly #slots: Int32Array;
  readonly #states: State[] = [];
  readonly #stateIds = new Map<State, number>();
  readonly #seen = new Set<string>();
  readonly #frames: Frame[] = [];
  /** What is placed, in its order. */
  readonly #placed: number[] = [];
  readonly #open: Int32Array;
  #unreturned: number;
  #state: number;
  #result: SearchResult = "working";
  #bytes = 0;
  #steps = 0;
  #furthest = -1;
  #longest: readonly number[] | undefined;

  constructor(operations: readonly Placeable[], initial: State, options: SearchOptions = {}) {
    this.#operations = operations;
    this.#pending = new PendingList(operations);
    const { slots, count } = slotsOf(operations);
    this.#slots = slots;
    this.#open = new Int32Array((count + 15) >> 4);
    this.#state = this.#idOf(initial);
    if (options.toExplain !== true) this.#demand = Demand.of(operations, (state) => this.#idOf(state));
    else this.#longest = [];
    if (options.toExplain !== true && this.#demand === undefined) this.#fifo = Fifo.of(operations);
    this.#unreturned = operations.filter(({ end }) => end !== Number.POSITIVE_INFINITY).length;
    if (this.#demand?.isPossible(this.#state) === false) this.#result = "violation";
    else this.#enter();
  }

  /** What the search remembers, estimated. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The place of the latest first return that some order has led to: everything before it can be explained. */
  get furthest(): number {
    return this.#furthest;
  }

  /** With `toExplain`: the longest order found, as indexes of operations. */
  get longest(): readonly number[] {
    return this.#longest ?? [];
  }

  /** Taken so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Goes on for so many steps at most. */
  run(steps: number): SearchResult {
    for (let left = steps; left > 0 && this.#result === "working"; left--) {
      this.#step();
      this.#steps++;
    }
    return this.#result;
  }

  #step(): void {
    const frame = this.#frames.at(-1);
    if (frame === undefined) {
      this.#result = "violation";
      return;
    }
    this.#unplace(frame.placed);
    this.#state = frame.state;
    // Twice: what relies on operations of unknown outcome comes last, for they may be needed elsewhere.
    while (frame.tried < 2 * frame.candidates.length) {
      const isReserve = frame.tried >= frame.candidates.length;
      const operation = frame.candidates[frame.tried++ % frame.candidates.length]!;
      if (!this.#tryNext(operation, frame, isReserve)) continue;
      this.#enter();
      return;
    }
    this.#keepLongest();
    this.#frames.pop();
  }

  /** Whether the operation is placed now. */
  #tryNext(operation: number, frame: Frame, isReserve: boolean): boolean {
    const next = this.#idOf(this.#operations[operation]!.transition.step(this.#states[frame.state]!)!);
    if (next !== frame.state) this.#placeIdle(operation);
    this.#place(operation);
    const isFree = next === frame.state || this.#demand === undefined || this.#demand.canLeaveFreely(frame.state);
    if (isFree === isReserve || !(isFree || this.#demand!.canLeave(frame.state))) {
      this.#unplace(frame.placed);
      return false;
    }
    this.#state = next;
    return true;
  }

  /** All but the one that is to come next. */
  #placeIdle(next: number): void {
    if (this.#demand === undefined) return;
    for (let event = this.#pending.first(); event !== 0; event = this.#pending.after(event)) {
      if (this.#pending.isReturn(event)) break;
      const operation = this.#pending.operationAt(event);
      if (this.#operations[operation]!.transition.isRead || !this.#demand.isIdle(operation)) continue;
      if (operation !== next && this.#operations[operation]!.end !== Number.POSITIVE_INFINITY) this.#place(operation);
    }
  }

  /** Places the reads that fit, then opens a frame for the choice that follows, unless it was seen before. */
  #enter(): void {
    this.#placeReads();
    if (this.#unreturned === 0) {
      this.#result = "ok";
      return;
    }
    const candidates = this.#candidates();
    if (this.#isSeen()) return;
    this.#frames.push({ state: this.#state, placed: this.#placed.length, candidates, tried: 0 });
  }

  #placeReads(): void {
    const state = this.#states[this.#state]!;
    let isFound = true;
    while (isFound) {
      isFound = false;
      for (let event = this.#pending.first(); event !== 0; event = this.#pending.after(event)) {
        if (this.#pending.isReturn(event)) break;
        const operation = this.#pending.operationAt(event);
        const { isRead, step } = this.#operations[operation]!.transition;
        if (!isRead || step(state) === undefined) continue;
        this.#place(operation);
        isFound = true;
      }
    }
  }

  /** What can come next, the most promising first; and the bits of all that is open, for #isSeen. */
  #candidates(): number[] {
    const state = this.#states[this.#state]!;
    const found: number[] = [];
    this.#open.fill(0);
    let event = this.#pending.first();
    for (; event !== 0 && !this.#pending.isReturn(event); event = this.#pending.after(event)) {
      const operation = this.#pending.operationAt(event);
      const slot = this.#slots[operation]!;
      this.#open[slot >> 4]! |= 1 << (slot & 15);
      const { transition, end } = this.#operations[operation]!;
      if (transition.isRead || transition.step(state) === undefined) continue;
      if (this.#fifo?.canPlace(operation, state) === false) continue;
      if (end === Number.POSITIVE_INFINITY && !this.#isOfUse(operation)) continue;
      found.push(operation);
    }
    this.#first = this.#pending.operationAt(event);
    this.#furthest = Math.max(this.#furthest, this.#operations[this.#first]!.end);
    return found.length < 2 ? found : this.#ordered(found);
  }

  /** The operation whose return comes first. */
  #first = 0;

  #isOfUse(operation: number): boolean {
    return this.#demand === undefined || this.#demand.isWanted(this.#demand.makeOf(operation));
  }

  /** The one that has to come next, then what makes the state that it needs, then by end. One of each class. */
  #ordered(found: number[]): number[] {
    const first = this.#first;
    const demand = this.#demand;
    const need = demand?.needOf(first) ?? -1;
    const rank = (operation: number): number => {
      if (operation === first) return 0;
      return need !== -1 && demand!.makeOf(operation) === need ? 1 : 2;
    };
    found.sort((left, right) => {
      const [before, after] = [this.#operations[left]!.end, this.#operations[right]!.end];
      return rank(left) - rank(right) || (before === after ? left - right : before < after ? -1 : 1);
    });
    if (demand === undefined) return found;
    const classes = new Set<number>();
    return found.filter((operation) => {
      const kind = demand.classOf(operation);
      return classes.size < classes.add(kind).size;
    });
  }

  /** Remembers where the search is now. */
  #isSeen(): boolean {
    const { size } = this.#seen;
    const place = String.fromCharCode(
      this.#first >>> 16,
      this.#first & 0xffff,
      this.#state >>> 16,
      this.#state & 0xffff,
    );
    this.#seen.add(place + String.fromCharCode(...this.#open));
    if (this.#seen.size === size) return true;
    this.#bytes += ENTRY_BYTES + 2 * this.#open.length;
    return false;
  }

  #place(operation: number): void {
    this.#placed.push(operation);
    this.#pending.take(operation);
    this.#demand?.take(operation);
    this.#fifo?.take(operation);
    if (this.#operations[operation]!.end !== Number.POSITIVE_INFINITY) this.#unreturned--;
  }

  #unplace(count: number): void {
    while (this.#placed.length > count) {
      const operation = this.#placed.pop()!;
      this.#demand?.putBack(operation);
      this.#fifo?.putBack(operation);
      this.#pending.putBack(operation);
      if (this.#operations[operation]!.end !== Number.POSITIVE_INFINITY) this.#unreturned++;
    }
  }

  #keepLongest(): void {
    if (this.#longest !== undefined && this.#placed.length > this.#longest.length) this.#longest = [...this.#placed];
  }

  #idOf(state: State): number {
    let id = this.#stateIds.get(state);
    if (id === undefined) {
      id = this.#states.length;
      this.#stateIds.set(state, id);
      this.#states.push(state);
      this.#bytes += STATE_BYTES + (typeof state === "string" ? 2 * state.length : 0);
    }
    return id;
  }
}

/** A choice: what was placed before it, and what can come next. */
interface Frame {
  readonly state: number;
  readonly placed: number;
  readonly candidates: readonly number[];
  tried: number;
}

/** An entry of the set with the head of its text, and a share of the frames; measured as about this much. */
const ENTRY_BYTES = 120;
const STATE_BYTES = 120;

/** Operations that are open at the same time have different slots; those of unknown outcome keep theirs. */
function slotsOf(operations: readonly Placeable[]): { readonly slots: Int32Array; readonly count: number } {
  const slots = new Int32Array(operations.length);
  const free: number[] = [];
  let count = 0;
  const pending = new PendingList(operations);
  for (let event = pending.first(); event !== 0; event = pending.after(event)) {
    const operation = pending.operationAt(event);
    if (pending.isReturn(event)) free.push(slots[operation]!);
    else slots[operation] = free.pop() ?? count++;
  }
  return { slots, count };
}
