import type { Placeable } from "./demand.ts";
import type { State } from "./models/model.ts";

/**
 * Looks ahead in a queue whose values are all different: what was taken out first was put in first. So a value can not be put in while
 * another one is not yet in that was taken out before anybody began to take this one. And what is known to be taken by one is not taken by
 * another of unknown outcome; nor need a value whose outcome is unknown be put in if nobody is known to have taken it.
 */
export class Fifo {
  /** By operation: when the taking of its value began, and ended. 0 and Infinity for what puts nothing in. */
  readonly #takenFrom: Float64Array;
  readonly #takenTo: Float64Array;
  /** What puts values in, by when they were taken out. */
  readonly #byTaken: Int32Array;
  readonly #operations: readonly Placeable[];
  readonly #wanted: ReadonlySet<State>;
  readonly #placeOf: Int32Array;
  readonly #isIn: Uint8Array;
  /** All before it in #byTaken are in. */
  #first = 0;

  private constructor(
    operations: readonly Placeable[],
    wanted: ReadonlySet<State>,
    { takenFrom, takenTo }: { readonly takenFrom: Float64Array; readonly takenTo: Float64Array },
  ) {
    this.#operations = operations;
    this.#wanted = wanted;
    this.#takenFrom = takenFrom;
    this.#takenTo = takenTo;
    this.#isIn = new Uint8Array(takenTo.length);
    const taken = Int32Array.from(takenTo.keys()).filter((at) => takenTo[at] !== Number.POSITIVE_INFINITY);
    this.#byTaken = taken.sort((left, right) => takenTo[left]! - takenTo[right]!);
    this.#placeOf = new Int32Array(takenTo.length).fill(taken.length);
    for (const [place, operation] of this.#byTaken.entries()) this.#placeOf[operation] = place;
  }

  /** Undefined where it is no queue, or a value was put in more than once. */
  static of(operations: readonly Placeable[]): Fifo | undefined {
    const takers = new Map<State, Placeable>();
    const seen = new Set<State>();
    let isAllKnown = true;
    for (const operation of operations) {
      const { offers, wants, isRead } = operation.transition;
      if (offers !== undefined) {
        if (seen.has(offers)) return undefined;
        seen.add(offers);
      } else if (wants !== undefined) takers.set(wants, operation);
      else if (!isRead) isAllKnown = false;
    }
    if (seen.size === 0) return undefined;
    const takenFrom = new Float64Array(operations.length);
    const takenTo = new Float64Array(operations.length).fill(Number.POSITIVE_INFINITY);
    for (const [at, { transition, end }] of operations.entries()) {
      if (transition.offers === undefined) continue;
      const taker = takers.get(transition.offers);
      takenTo[at] = taker?.end ?? Number.POSITIVE_INFINITY;
      // What nobody took is behind all that were taken, unless somebody took it and does not know.
      const isLeft = isAllKnown && end !== Number.POSITIVE_INFINITY;
      takenFrom[at] = taker?.start ?? (isLeft ? Number.POSITIVE_INFINITY : 0);
    }
    return new Fifo(operations, new Set(takers.keys()), { takenFrom, takenTo });
  }

  /** Whether it can come next in a state that it fits; a state begins with what is first in the queue. */
  canPlace(operation: number, state: State): boolean {
    const { transition, end } = this.#operations[operation]!;
    if (transition.offers !== undefined) {
      const isOfUse = end !== Number.POSITIVE_INFINITY || this.#wanted.has(transition.offers);
      return isOfUse && this.#canPutIn(operation);
    }
    return transition.wants !== undefined || !this.#wanted.has(String(state).slice(0, String(state).indexOf("\n") + 1));
  }

  /** Whether nothing that has to be in before it is still out. */
  #canPutIn(operation: number): boolean {
    while (this.#first < this.#byTaken.length && this.#isIn[this.#byTaken[this.#first]!] === 1) this.#first++;
    const first = this.#byTaken[this.#first];
    return first === undefined || first === operation || this.#takenTo[first]! > this.#takenFrom[operation]!;
  }

  take(operation: number): void {
    this.#isIn[operation] = 1;
  }

  putBack(operation: number): void {
    this.#isIn[operation] = 0;
    this.#first = Math.min(this.#first, this.#placeOf[operation]!);
  }
}
