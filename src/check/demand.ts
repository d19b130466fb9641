import type { State, Transition } from "./models/model.ts";
import type { Span } from "./pending-list.ts";

/** An operation of one object, with what it does. */
export interface Placeable extends Span {
  readonly transition: Transition;
}

/**
 * Looks ahead where operations name the state they need and the state they make (registers, locks): which of the operations that are not
 * yet placed need a state, and which can bring it about again. A state that an operation has to find, and that nothing can make again in
 * time, must not be left before. That cuts off most dead ends where they begin.
 *
 * Per state there are two lists, with the same dancing links as PendingList: what needs it, by end, and what makes it, by start.
 */
export class Demand {
  readonly #spans: readonly Span[];
  readonly #needs: Int32Array;
  readonly #makes: Int32Array;
  readonly #needers: Lists;
  readonly #makers: Lists;
  /** Makers of unknown outcome: better kept for where nothing else helps. */
  readonly #reserves: Lists;
  /** Operations of unknown outcome that need the state: they need not happen, but a maker may be of use to them. */
  readonly #hopers: Int32Array;
  /** Whether an operation tells only what the state was not: then every change of state may be of use. */
  readonly #avoids: boolean;

  private constructor(spans: readonly Span[], needs: Int32Array, makes: Int32Array, states: number, avoids: boolean) {
    this.#spans = spans;
    this.#needs = needs;
    this.#makes = makes;
    this.#avoids = avoids;
    this.#hopers = new Int32Array(states);
    const isCertain = (at: number): boolean => spans[at]!.end !== Number.POSITIVE_INFINITY;
    this.#needers = new Lists(spans.length, states, (at) => (isCertain(at) ? needs[at]! : NONE), byEnd(spans));
    this.#makers = new Lists(spans.length, states, (at) => (isCertain(at) ? makes[at]! : NONE), byStart(spans));
    this.#reserves = new Lists(spans.length, states, (at) => (isCertain(at) ? NONE : makes[at]!), byStart(spans));
    for (const [at, state] of needs.entries()) if (state !== NONE && !isCertain(at)) this.#hopers[state]!++;
  }

  /** Undefined where an operation's effect depends on the state that it finds. */
  static of(spans: readonly Placeable[], idOf: (state: State) => number): Demand | undefined {
    let avoids = false;
    const needs = new Int32Array(spans.length).fill(NONE);
    const makes = new Int32Array(spans.length).fill(NONE);
    let states = 0;
    for (const [at, { isRead, needs: needed, makes: made }] of spans.map(({ transition }) => transition).entries()) {
      if (!isRead && made === undefined) return undefined;
      if (isRead && needed === undefined) avoids = true;
      if (needed !== undefined) needs[at] = idOf(needed);
      if (made !== undefined) makes[at] = idOf(made);
      states = Math.max(states, needs[at]! + 1, makes[at]! + 1);
    }
    return new Demand(spans, needs, makes, states, avoids);
  }

  /** Operations with equal ones do the same. */
  classOf(operation: number): number {
    return (this.#needs[operation]! + 1) * 0x400_0000 + this.#makes[operation]! + 1;
  }

  needOf(operation: number): number {
    return this.#needs[operation]!;
  }

  makeOf(operation: number): number {
    return this.#makes[operation]!;
  }

  take(operation: number): void {
    const needed = this.#needs[operation]!;
    if (needed !== NONE) {
      if (this.#spans[operation]!.end === Number.POSITIVE_INFINITY) this.#hopers[needed]!--;
      else this.#needers.take(operation);
    }
    if (this.#makes[operation] !== NONE) this.#makersOf(operation).take(operation);
  }

  putBack(operation: number): void {
    if (this.#makes[operation] !== NONE) this.#makersOf(operation).putBack(operation);
    const needed = this.#needs[operation]!;
    if (needed === NONE) return;
    if (this.#spans[operation]!.end === Number.POSITIVE_INFINITY) this.#hopers[needed]!++;
    else this.#needers.putBack(operation);
  }

  /** Whether everything that needs the state can still find it again if the object leaves it now. */
  canLeave(state: number): boolean {
    return this.canLeaveFreely(state) || this.#isMadeInTime(state, this.#reserves);
  }

  /** Whether it can without help of an operation of unknown outcome. */
  canLeaveFreely(state: number): boolean {
    if (state >= this.#hopers.length) return true;
    return this.#needers.first(state) === NONE || this.#isMadeInTime(state, this.#makers);
  }

  #isMadeInTime(state: number, makers: Lists): boolean {
    const maker = makers.first(state);
    return maker !== NONE && this.#spans[maker]!.start < this.#spans[this.#needers.first(state)]!.end;
  }

  #makersOf(operation: number): Lists {
    return this.#spans[operation]!.end === Number.POSITIVE_INFINITY ? this.#reserves : this.#makers;
  }

  /** Whether it writes, in any state, what nothing looks at any more. */
  isIdle(operation: number): boolean {
    return this.#needs[operation] === NONE && !this.isWanted(this.#makes[operation]!);
  }

  /** Whether the state is of use to an operation that is not yet placed. */
  isWanted(state: number): boolean {
    return this.#avoids || this.#needers.first(state) !== NONE || this.#hopers[state]! > 0;
  }

  /** Whether every state that is needed, but for the one that the object is in, can be made in time. */
  isPossible(current: number): boolean {
    for (let state = 0; state < this.#hopers.length; state++) {
      if (state !== current && !this.canLeave(state)) return false;
    }
    return true;
  }
}

const NONE = -1;

/**
 * Without the operations of unknown outcome that can not matter: each one is of use only to a later one that needs what it makes, so that
 * of those that make one state no more are kept than there are operations that need it; the earliest, which can stand for any later one.
 */
export function keepUseful<Operation extends Placeable>(operations: readonly Operation[]): readonly Operation[] {
  const needs = new Map<State, number>();
  for (const { transition } of operations) {
    const { isRead, needs: needed, makes } = transition;
    if (isRead ? needed === undefined : makes === undefined) return operations;
    if (needed !== undefined) needs.set(needed, (needs.get(needed) ?? 0) + 1);
  }
  const kept = new Map<string, number>();
  return operations.filter(({ end, transition: { needs: needed, makes } }) => {
    if (end !== Number.POSITIVE_INFINITY) return true;
    const kind = `${needed === undefined ? "" : JSON.stringify(needed)} ${makes}`;
    const count = (kept.get(kind) ?? 0) + 1;
    kept.set(kind, count);
    return count <= (needs.get(makes!) ?? 0);
  });
}

/** One list of operations per state; heads stand behind the operations. */
class Lists {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #heads: number;

  constructor(operations: number, states: number, stateOf: (operation: number) => number, order: Int32Array) {
    this.#heads = operations;
    this.#next = new Int32Array(operations + states).fill(NONE);
    this.#previous = new Int32Array(operations + states).fill(NONE);
    const last = Int32Array.from({ length: states }, (_, state) => operations + state);
    for (const operation of order) {
      const state = stateOf(operation);
      if (state === NONE) continue;
      this.#next[last[state]!] = operation;
      this.#previous[operation] = last[state]!;
      last[state] = operation;
    }
  }

  first(state: number): number {
    return this.#next[this.#heads + state]!;
  }

  take(operation: number): void {
    const next = this.#next[operation]!;
    const previous = this.#previous[operation]!;
    this.#next[previous] = next;
    if (next !== NONE) this.#previous[next] = previous;
  }

  putBack(operation: number): void {
    this.#next[this.#previous[operation]!] = operation;
    const next = this.#next[operation]!;
    if (next !== NONE) this.#previous[next] = operation;
  }
}

function byStart(spans: readonly Span[]): Int32Array {
  return Int32Array.from(spans.keys()).sort((left, right) => spans[left]!.start - spans[right]!.start);
}

function byEnd(spans: readonly Span[]): Int32Array {
  return Int32Array.from(spans.keys()).sort((left, right) => {
    const [before, after] = [spans[left]!.end, spans[right]!.end];
    return before === after ? left - right : before < after ? -1 : 1;
  });
}
