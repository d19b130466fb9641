import { assert } from "../std/assert.ts";

/** An operation as the search sees it: where it began, and where it ended or Infinity. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * The events of the operations that are not yet placed, in their order, as a doubly linked list over integers. Operations are taken out
 * and put back in the reverse order (dancing links: a node that was taken out still knows its neighbours).
 *
 *   0 (head) <-> call of 0 <-> call of 1 <-> return of 0 <-> ... <-> last + 1 (tail)
 */
export class PendingList {
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #operationAt: Int32Array;
  readonly #callOf: Int32Array;
  /** 0 where the operation never returns. */
  readonly #returnOf: Int32Array;

  constructor(spans: readonly Span[]) {
    const order = eventOrder(spans);
    const size = order.length + 2;
    this.#next = Int32Array.from({ length: size }, (_, at) => at + 1);
    this.#previous = Int32Array.from({ length: size }, (_, at) => at - 1);
    this.#operationAt = new Int32Array(size);
    this.#callOf = new Int32Array(spans.length);
    this.#returnOf = new Int32Array(spans.length);
    for (const [at, event] of order.entries()) {
      const operation = event >> 1;
      this.#operationAt[at + 1] = operation;
      if ((event & 1) === 0) this.#callOf[operation] = at + 1;
      else this.#returnOf[operation] = at + 1;
    }
  }

  /** The first event, or 0 where there is none. */
  first(): number {
    return this.after(0);
  }

  /** The event behind one, or 0 where that was the last. */
  after(event: number): number {
    const next = this.#next[event]!;
    return next === this.#next.length - 1 ? 0 : next;
  }

  operationAt(event: number): number {
    return this.#operationAt[event]!;
  }

  isReturn(event: number): boolean {
    return this.#returnOf[this.#operationAt[event]!] === event;
  }

  take(operation: number): void {
    this.#unlink(this.#callOf[operation]!);
    const back = this.#returnOf[operation]!;
    if (back !== 0) this.#unlink(back);
  }

  /** Only the one that was taken last. */
  putBack(operation: number): void {
    const back = this.#returnOf[operation]!;
    if (back !== 0) this.#relink(back);
    this.#relink(this.#callOf[operation]!);
  }

  #unlink(event: number): void {
    const next = this.#next[event]!;
    const previous = this.#previous[event]!;
    this.#next[previous] = next;
    this.#previous[next] = previous;
  }

  #relink(event: number): void {
    this.#next[this.#previous[event]!] = event;
    this.#previous[this.#next[event]!] = event;
  }
}

/** Twice the operation's index, plus one for its return; in the order of places. */
function eventOrder(spans: readonly Span[]): number[] {
  assert(spans.length < 1 << 29, "more operations than a list can hold");
  const placeOf = (event: number): number => ((event & 1) === 0 ? spans[event >> 1]!.start : spans[event >> 1]!.end);
  const events: number[] = [];
  for (const [at, { end }] of spans.entries()) {
    events.push(2 * at);
    if (end !== Number.POSITIVE_INFINITY) events.push(2 * at + 1);
  }
  return events.sort((left, right) => placeOf(left) - placeOf(right));
}
